// Package clip holds short pieces of real media that headless participants publish in a loop:
// a moving test picture in three sizes and a tone, and readers for others from IVF and Ogg files.
//
// The built-in pieces were made by generate.sh with ffmpeg's test sources.
package clip

import (
	"bytes"
	_ "embed" // the pieces below
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
)

var (
	//go:embed low.ivf
	low []byte
	//go:embed medium.ivf
	medium []byte
	//go:embed high.ivf
	high []byte
	//go:embed tone.ogg
	tone []byte
)

// opusFrame is the duration of one Opus packet; files with others are played at the wrong speed.
const opusFrame = 20 * time.Millisecond

// oggHeaderPackets are the two packets before the sound: identification and comments.
const oggHeaderPackets = 2

var errOgg = errors.New("not an Ogg file")

// Clip is a piece of encoded media, cut into what is sent at once: frames of a video, packets of a sound.
type Clip struct {
	Frames   [][]byte
	Interval time.Duration // from one frame to the next
	Width    int           // of a video, in pixels; 0 for a sound
	Height   int
}

// Video returns the test picture with 180, 360 and 720 lines, for three simulcast layers. Each starts with a key frame.
func Video() ([]*Clip, error) {
	var layers []*Clip
	for _, b := range [][]byte{low, medium, high} {
		c, err := ReadIVF(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		layers = append(layers, c)
	}
	return layers, nil
}

// Tone returns a tone of 440 Hz in Opus.
func Tone() (*Clip, error) { return ReadOgg(bytes.NewReader(tone)) }

// ReadIVF reads a video. Only VP8 is understood by the participant that sends it.
func ReadIVF(r io.Reader) (*Clip, error) {
	in, header, err := ivfreader.NewWith(r)
	if err != nil {
		return nil, fmt.Errorf("read video: %w", err)
	}
	rate := float64(header.TimebaseDenominator) / float64(max(header.TimebaseNumerator, 1))
	c := &Clip{Interval: time.Duration(float64(time.Second) / rate), Width: int(header.Width), Height: int(header.Height)}
	for {
		frame, _, err := in.ParseNextFrame()
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read video: %w", err)
		}
		c.Frames = append(c.Frames, frame)
	}
}

// ReadOgg reads a sound: Opus in packets of 20 ms.
func ReadOgg(r io.Reader) (*Clip, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read sound: %w", err)
	}
	var packets [][]byte
	var packet []byte
	for len(b) > 0 {
		const headerLen = 27
		if len(b) < headerLen || string(b[:4]) != "OggS" || len(b) < headerLen+int(b[26]) {
			return nil, fmt.Errorf("read sound: %w", errOgg)
		}
		lacing := b[headerLen : headerLen+int(b[26])]
		b = b[headerLen+int(b[26]):]
		for _, n := range lacing {
			if len(b) < int(n) {
				return nil, fmt.Errorf("read sound: %w", errOgg)
			}
			packet = append(packet, b[:n]...)
			b = b[n:]
			if n < 255 {
				packets = append(packets, packet)
				packet = nil
			}
		}
	}
	if len(packets) <= oggHeaderPackets {
		return nil, fmt.Errorf("read sound: %w", errOgg)
	}
	return &Clip{Frames: packets[oggHeaderPackets:], Interval: opusFrame}, nil
}
