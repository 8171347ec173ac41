package clip_test

import (
	"bytes"
	"testing"
	"time"

	"konklave/client/clip"
)

func TestVideoHasThreeSizesThatStartWithAKeyFrame(t *testing.T) {
	t.Parallel()
	layers, err := clip.Video()
	if err != nil {
		t.Fatal(err)
	}
	heights := []int{180, 360, 720}
	for i, c := range layers {
		if c.Height != heights[i] || c.Interval != 50*time.Millisecond || len(c.Frames) != 20 {
			t.Errorf("layer %d: %d lines, %v apart, %d frames", i, c.Height, c.Interval, len(c.Frames))
		}
		if c.Frames[0][0]&1 != 0 {
			t.Errorf("layer %d does not start with a key frame", i)
		}
	}
}

func TestToneIsOneSecond(t *testing.T) {
	t.Parallel()
	c, err := clip.Tone()
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Duration(len(c.Frames)) * c.Interval; d < time.Second || d > 1100*time.Millisecond {
		t.Errorf("tone lasts %v", d)
	}
}

func TestBrokenFilesAreErrors(t *testing.T) {
	t.Parallel()
	for _, b := range [][]byte{nil, []byte("OggS"), bytes.Repeat([]byte{0xff}, 100), append([]byte("OggS"), bytes.Repeat([]byte{0xff}, 23)...)} {
		if _, err := clip.ReadOgg(bytes.NewReader(b)); err == nil {
			t.Errorf("ReadOgg(%q) accepts", b)
		}
		if _, err := clip.ReadIVF(bytes.NewReader(b)); err == nil {
			t.Errorf("ReadIVF(%q) accepts", b)
		}
	}
}
