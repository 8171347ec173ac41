package client

import (
	"context"
	"strings"
	"time"

	"github.com/livekit/protocol/livekit"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"
)

// maxPacket is the largest RTP or RTCP packet read, in bytes.
const maxPacket = 1500

// Stream is what was received of one track.
type Stream struct {
	Participant string // id of the publisher; empty as long as the server has not told it
	Track       string
	Source      livekit.TrackSource
	Codec       string // short, in lower case
	Packets     uint64
	Bytes       uint64 // payload
	Missing     uint64 // sequence numbers that were skipped
	Frames      uint64 // complete video frames
	KeyFrames   uint64
	Width       int // of the last key frame, in pixels
	Height      int
	Loud        uint64    // audio packets that carry sound
	First       time.Time // arrival of the first packet
	Last        time.Time

	broken  bool // the current frame has a gap
	started bool
	seq     uint16
}

// receive reads one track to its end.
func (p *Participant) receive(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	if p.options.CountOnly {
		p.count(track)
		return
	}
	id := p.trackID(track, receiver)
	p.mu.Lock()
	s := p.streams[id]
	if s == nil {
		_, codec, _ := strings.Cut(strings.ToLower(track.Codec().MimeType), "/")
		s = &Stream{Track: id, Codec: codec}
		p.streams[id] = s
	}
	s.started = false
	p.mu.Unlock()
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		if len(packet.Payload) == 0 {
			continue // padding, sent to probe the line
		}
		p.mu.Lock()
		s.take(packet)
		if p.waiting > 0 {
			p.notifyLocked()
		}
		p.mu.Unlock()
	}
}

// count reads one track and counts its packets.
func (p *Participant) count(track *webrtc.TrackRemote) {
	buffer := make([]byte, maxPacket)
	for {
		if _, _, err := track.Read(buffer); err != nil {
			return
		}
		p.packets.Add(1)
	}
}

// Packets returns how many RTP packets a participant with CountOnly has received.
func (p *Participant) Packets() uint64 { return p.packets.Load() }

// trackID finds out which of the server's tracks arrives: by its media section, or else by the name it has in the description.
func (p *Participant) trackID(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) string {
	for _, tr := range p.down.GetTransceivers() {
		if tr.Receiver() == receiver {
			p.mu.Lock()
			id := p.mids[tr.Mid()]
			p.mu.Unlock()
			if id != "" {
				return id
			}
		}
	}
	return track.ID()
}

// take counts one packet.
func (s *Stream) take(packet *rtp.Packet) {
	now := time.Now()
	if s.Packets == 0 {
		s.First = now
	}
	s.Last = now
	s.Packets++
	s.Bytes += uint64(len(packet.Payload))
	if s.started {
		switch gap := packet.SequenceNumber - s.seq - 1; {
		case gap == 0:
		case gap < 1<<15:
			s.Missing += uint64(gap)
			s.broken = true
		default:
			s.Missing -= min(s.Missing, 1) // late or sent again
			return
		}
	}
	s.started, s.seq = true, packet.SequenceNumber
	switch s.Codec {
	case "vp8":
		s.takeVP8(packet)
	case "opus":
		if len(packet.Payload) > 3 { // shorter ones are comfort noise
			s.Loud++
		}
	}
}

func (s *Stream) takeVP8(packet *rtp.Packet) {
	var vp8 codecs.VP8Packet
	frame, err := vp8.Unmarshal(packet.Payload)
	if err != nil {
		s.broken = true
		return
	}
	if vp8.S == 1 && vp8.PID == 0 {
		s.broken = false
		// A key frame has its size after the tag and the start code.
		if len(frame) >= 10 && frame[0]&1 == 0 && frame[3] == 0x9d && frame[4] == 0x01 && frame[5] == 0x2a {
			s.KeyFrames++
			s.Width = int(frame[6]) | int(frame[7]&0x3f)<<8
			s.Height = int(frame[8]) | int(frame[9]&0x3f)<<8
		}
	}
	if packet.Marker && !s.broken && s.KeyFrames > 0 {
		s.Frames++
	}
}

// Streams returns what was received so far, for every track that ever came.
func (p *Participant) Streams() []Stream {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Stream
	for _, s := range p.streams {
		out = append(out, p.describeLocked(s))
	}
	return out
}

// Stream returns what was received of one source of a participant; the zero Stream if nothing.
func (p *Participant) Stream(participant string, source livekit.TrackSource) Stream {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.streamLocked(participant, source)
}

func (p *Participant) streamLocked(participant string, source livekit.TrackSource) Stream {
	for _, s := range p.streams {
		if d := p.describeLocked(s); d.Participant == participant && d.Source == source {
			return d
		}
	}
	return Stream{}
}

func (p *Participant) describeLocked(s *Stream) Stream {
	for _, info := range p.others {
		for _, t := range info.Tracks {
			if t.Sid == s.Track {
				s.Participant, s.Source = info.Identity, t.Source
			}
		}
	}
	return *s
}

// WaitStream waits until what was received of a participant's source satisfies a condition, and returns it.
func (p *Participant) WaitStream(ctx context.Context, participant string, source livekit.TrackSource, condition func(Stream) bool) (Stream, error) {
	var s Stream
	err := p.Wait(ctx, func() bool {
		s = p.streamLocked(participant, source)
		return condition(s)
	})
	return s, err
}

// Display tells the server how large a track is shown, in pixels; 0 means not at all.
func (p *Participant) Display(ctx context.Context, track string, width, height int) error {
	return p.Send(ctx, &livekit.SignalRequest{Message: &livekit.SignalRequest_TrackSetting{TrackSetting: &livekit.UpdateTrackSettings{
		TrackSids: []string{track}, Disabled: width == 0, Width: uint32(width), Height: uint32(height),
	}}})
}

// Subscribe asks the server for a track, or no longer for it.
func (p *Participant) Subscribe(ctx context.Context, track string, on bool) error {
	return p.Send(ctx, &livekit.SignalRequest{Message: &livekit.SignalRequest_Subscription{Subscription: &livekit.UpdateSubscription{
		TrackSids: []string{track}, Subscribe: on,
	}}})
}

// WaitOthers waits until what Others returns satisfies a condition.
func (p *Participant) WaitOthers(ctx context.Context, condition func(map[string]int) bool) error {
	return p.Wait(ctx, func() bool { return condition(p.othersLocked()) })
}

// quiet is how long nothing must come for WaitSilence: many times the pause between two packets.
const quiet = 500 * time.Millisecond

// WaitSilence waits until no media have come for half a second.
func (p *Participant) WaitSilence(ctx context.Context) error {
	for {
		last := p.lastPacket()
		wait := time.NewTimer(quiet)
		select {
		case <-wait.C:
			if p.lastPacket().Equal(last) {
				return nil
			}
		case <-ctx.Done():
			wait.Stop()
			return context.Cause(ctx)
		}
	}
}

func (p *Participant) lastPacket() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	var last time.Time
	for _, s := range p.streams {
		if s.Last.After(last) {
			last = s.Last
		}
	}
	return last
}

// Muted reports whether a participant's source is published and muted.
func (p *Participant) Muted(participant string, source livekit.TrackSource) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	published, muted := p.mutedLocked(participant, source)
	return published && muted
}

// WaitMuted waits until a participant's source is published and muted or not muted.
func (p *Participant) WaitMuted(ctx context.Context, participant string, source livekit.TrackSource, want bool) error {
	return p.Wait(ctx, func() bool {
		published, muted := p.mutedLocked(participant, source)
		return published && muted == want
	})
}

func (p *Participant) mutedLocked(participant string, source livekit.TrackSource) (published, muted bool) {
	for _, info := range p.others {
		for _, t := range info.Tracks {
			if info.Identity == participant && t.Source == source {
				return true, t.Muted
			}
		}
	}
	return false, false
}
