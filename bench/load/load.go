// Package load puts publishers and receivers on an SFU and counts what arrives, for the benchmarks.
package load

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/livekit/protocol/livekit"

	"konklave/client"
	"konklave/client/clip"
)

// The video that is published: 1.5 Mbit/s in 180 packets a second, one layer.
const (
	videoInterval   = time.Second / 30
	videoFrameBytes = 6250
)

// Peer is one participant to put on the SFU.
type Peer struct {
	Base     string // media address
	Token    string
	Video    bool // publishes a camera
	Audio    bool // publishes a microphone
	Receives bool
}

// Crowd is the participants of a run.
type Crowd struct {
	peers []*client.Participant
}

// Join puts the peers on the SFU, one after the other.
func Join(ctx context.Context, peers []Peer) (*Crowd, error) {
	video, tone, err := clips()
	if err != nil {
		return nil, err
	}
	c := &Crowd{}
	for i, peer := range peers {
		p, err := client.JoinMedia(ctx, peer.Base, peer.Token, client.ParticipantOptions{CountOnly: true, Unsubscribed: !peer.Receives})
		if err != nil {
			c.Close()
			return nil, fmt.Errorf("peer %d: %w", i, err)
		}
		c.peers = append(c.peers, p)
		if err := publish(ctx, p, peer, video, tone); err != nil {
			c.Close()
			return nil, fmt.Errorf("peer %d: %w", i, err)
		}
	}
	return c, nil
}

func publish(ctx context.Context, p *client.Participant, peer Peer, video, tone *clip.Clip) error {
	if peer.Video {
		if _, err := p.Publish(ctx, livekit.TrackSource_CAMERA, video); err != nil {
			return err
		}
	}
	if peer.Audio {
		if _, err := p.Publish(ctx, livekit.TrackSource_MICROPHONE, tone); err != nil {
			return err
		}
	}
	return nil
}

// clips are a video of constant size, the test picture filled up with bytes that a decoder skips, and a tone.
func clips() (video, tone *clip.Clip, err error) {
	layers, err := clip.Video()
	if err != nil {
		return nil, nil, err
	}
	video = layers[0]
	video.Interval = videoInterval
	for i, f := range video.Frames {
		padded := make([]byte, max(videoFrameBytes, len(f)))
		copy(padded, f)
		video.Frames[i] = padded
	}
	tone, err = clip.Tone()
	return video, tone, err
}

// Packets returns how many RTP packets all receivers got so far.
func (c *Crowd) Packets() uint64 {
	var n uint64
	for _, p := range c.peers {
		n += p.Packets()
	}
	return n
}

// WaitRate waits until the receivers get at least the given share of packets a second, measured over one second.
func (c *Crowd) WaitRate(ctx context.Context, perSecond float64) error {
	for {
		before := c.Packets()
		if err := pause(ctx, time.Second); err != nil {
			return fmt.Errorf("the receivers get %d packets a second in place of %.0f: %w", c.Packets()-before, perSecond, err)
		}
		if float64(c.Packets()-before) >= perSecond {
			return nil
		}
	}
}

// Measure counts for a while what the receivers get and what CPU time a process uses meanwhile.
func (c *Crowd) Measure(ctx context.Context, pid int, window time.Duration) (packets uint64, cpu time.Duration, err error) {
	cpuBefore, err := CPU(pid)
	if err != nil {
		return 0, 0, err
	}
	before := c.Packets()
	if err := pause(ctx, window); err != nil {
		return 0, 0, err
	}
	packets = c.Packets() - before
	cpuAfter, err := CPU(pid)
	return packets, cpuAfter - cpuBefore, err
}

// Close takes everybody off the SFU.
func (c *Crowd) Close() {
	for _, p := range c.peers {
		p.Close()
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// tick is the unit of CPU times in /proc, the same on all Linux systems.
const tick = 10 * time.Millisecond

// CPU returns the CPU time a process has used so far, in user and system mode.
func CPU(pid int) (time.Duration, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("read CPU time: %w", err)
	}
	// The name of the program, in parentheses, may have blanks.
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	const utime, stime = 11, 12
	if len(fields) <= stime {
		return 0, fmt.Errorf("read CPU time: unexpected line %q", b)
	}
	var ticks int64
	for _, i := range []int{utime, stime} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read CPU time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// Memory returns the resident memory of a process in bytes.
func Memory(pid int) (int64, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("read memory: no VmRSS")
}
