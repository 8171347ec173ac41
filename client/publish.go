package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/livekit/protocol/livekit"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"konklave/client/clip"
)

const (
	packetBytes = 1200  // largest RTP payload sent
	videoClock  = 90000 // RTP ticks a second
	audioClock  = 48000
	toneLevel   = 20 // the loudness told with each audio packet, in dB below the maximum
)

// RefusedError says that the server does not take a track.
type RefusedError struct {
	Reason livekit.RequestResponse_Reason
}

// Error names the reason.
func (e *RefusedError) Error() string { return "track refused: " + e.Reason.String() }

// Publication is a track this participant sends.
type Publication struct {
	participant *Participant
	cid         string
	info        *livekit.TrackInfo // guarded by Participant.mu; nil until the server took the track
	sender      *webrtc.RTPSender
	layers      []*layer
	muted       atomic.Bool
	stop        chan struct{}
}

// layer is one encoding of a publication.
type layer struct {
	rid        string
	clip       *clip.Clip
	track      *webrtc.TrackLocalStaticRTP
	packetizer rtp.Packetizer
	samples    uint32
	next       int
	keyFrame   atomic.Bool // asked for
	wanted     atomic.Bool // by the server
	packets    atomic.Uint64
}

// Publish sends clips in a loop: one for a sound or a plain video, up to three of growing size for simulcast.
// It returns when the server has taken the track, or a *RefusedError.
func (p *Participant) Publish(ctx context.Context, source livekit.TrackSource, clips ...*clip.Clip) (*Publication, error) {
	t, err := p.newPublication(clips)
	if err != nil {
		return nil, err
	}
	if err := p.announce(ctx, t, t.request(source)); err != nil {
		return nil, err
	}
	return t, t.start(ctx)
}

// PublishUnannounced sends a clip that the server was not asked about; for tests of hostile clients.
func (p *Participant) PublishUnannounced(ctx context.Context, clips ...*clip.Clip) (*Publication, error) {
	t, err := p.newPublication(clips)
	if err != nil {
		return nil, err
	}
	return t, t.start(ctx)
}

// Announce asks the server for a track and sends nothing; for tests of hostile clients. It returns nil if the track was taken.
// The request's client id is filled in.
func (p *Participant) Announce(ctx context.Context, r *livekit.AddTrackRequest) *RefusedError {
	r.Cid = newCID()
	var refused *RefusedError
	if err := p.announce(ctx, &Publication{participant: p, cid: r.Cid}, r); err != nil && !errors.As(err, &refused) {
		return &RefusedError{Reason: livekit.RequestResponse_UNCLASSIFIED_ERROR}
	}
	return refused
}

// announce asks for a track and waits for the answer.
func (p *Participant) announce(ctx context.Context, t *Publication, r *livekit.AddTrackRequest) error {
	p.mu.Lock()
	p.sent[t.cid] = t
	p.mu.Unlock()
	if err := p.Send(ctx, &livekit.SignalRequest{Message: &livekit.SignalRequest_AddTrack{AddTrack: r}}); err != nil {
		return err
	}
	err := p.Wait(ctx, func() bool { _, refused := p.refused[t.cid]; return t.info != nil || refused })
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if reason, refused := p.refused[t.cid]; refused {
		return &RefusedError{Reason: reason}
	}
	return nil
}

// start attaches the track, sends it and negotiates.
func (t *Publication) start(ctx context.Context) error {
	if err := t.attach(); err != nil {
		return err
	}
	t.participant.workers.Go(t.run)
	return t.participant.negotiate(ctx)
}

func newCID() string { return fmt.Sprintf("track-%x", rand.Uint64()) }

func (p *Participant) newPublication(clips []*clip.Clip) (*Publication, error) {
	t := &Publication{participant: p, cid: newCID(), stop: make(chan struct{})}
	capability := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: videoClock}
	if clips[0].Width == 0 {
		capability = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: audioClock, Channels: 2}
	}
	for i, c := range clips {
		l := &layer{clip: c}
		l.wanted.Store(true)
		var options []func(*webrtc.TrackLocalStaticRTP)
		if len(clips) > 1 {
			l.rid = []string{"q", "h", "f"}[i]
			options = append(options, webrtc.WithRTPStreamID(l.rid))
		}
		var err error
		if l.track, err = webrtc.NewTrackLocalStaticRTP(capability, t.cid, "stream-"+t.cid, options...); err != nil {
			return nil, fmt.Errorf("create track: %w", err)
		}
		var payloader rtp.Payloader = &codecs.VP8Payloader{EnablePictureID: true}
		if c.Width == 0 {
			payloader = &codecs.OpusPayloader{}
		}
		l.packetizer = rtp.NewPacketizer(packetBytes, 0, 0, payloader, rtp.NewRandomSequencer(), capability.ClockRate)
		l.samples = uint32(c.Interval.Seconds() * float64(capability.ClockRate))
		t.layers = append(t.layers, l)
	}
	return t, nil
}

func (t *Publication) request(source livekit.TrackSource) *livekit.AddTrackRequest {
	top := t.layers[len(t.layers)-1].clip
	r := &livekit.AddTrackRequest{
		Cid: t.cid, Source: source, Type: livekit.TrackType_VIDEO, Width: uint32(top.Width), Height: uint32(top.Height), DisableRed: true,
	}
	if top.Width == 0 {
		r.Type = livekit.TrackType_AUDIO
		return r
	}
	for i, l := range t.layers {
		r.Layers = append(r.Layers, &livekit.VideoLayer{
			Quality: livekit.VideoQuality(i), Width: uint32(l.clip.Width), Height: uint32(l.clip.Height), Bitrate: uint32(l.bitrate()),
		})
	}
	if len(t.layers) == 1 {
		r.Layers[0].Quality = livekit.VideoQuality_HIGH
	}
	r.SimulcastCodecs = []*livekit.SimulcastCodec{{Codec: "vp8", Cid: t.cid, Layers: r.Layers}}
	return r
}

func (l *layer) bitrate() int {
	n := 0
	for _, f := range l.clip.Frames {
		n += len(f) * 8
	}
	return int(float64(n) / (l.clip.Interval.Seconds() * float64(len(l.clip.Frames))))
}

// attach adds the track to the peer connection and starts listening for requests for key frames.
func (t *Publication) attach() error {
	p := t.participant
	tr, err := p.up.AddTransceiverFromTrack(t.layers[0].track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return fmt.Errorf("add track: %w", err)
	}
	t.sender = tr.Sender()
	for _, l := range t.layers[1:] {
		if err := t.sender.AddEncoding(l.track); err != nil {
			return fmt.Errorf("add layer: %w", err)
		}
	}
	for _, l := range t.layers {
		p.workers.Go(func() { t.listen(l) })
	}
	return nil
}

func (t *Publication) listen(l *layer) {
	buffer := make([]byte, maxPacket)
	for {
		var n int
		var err error
		if l.rid == "" {
			n, _, err = t.sender.Read(buffer)
		} else {
			n, _, err = t.sender.ReadSimulcast(buffer, l.rid)
		}
		if err != nil {
			return
		}
		if wantsKeyFrame(buffer[:n]) {
			l.keyFrame.Store(true)
		}
	}
}

// run sends frame after frame until the publication or the participant ends.
func (t *Publication) run() {
	tick := time.NewTicker(t.layers[0].clip.Interval)
	defer tick.Stop()
	for {
		select {
		case <-t.stop:
			return
		case <-t.participant.life.Done():
			return
		case <-tick.C:
			extensions, mid := t.extensions()
			for _, l := range t.layers {
				l.send(extensions, mid, t.muted.Load())
			}
		}
	}
}

// extensions are the ids of the header extensions agreed on, by their URI, and the media section.
func (t *Publication) extensions() (ids map[string]uint8, mid string) {
	for _, tr := range t.participant.up.GetTransceivers() {
		if tr.Sender() == t.sender {
			mid = tr.Mid()
		}
	}
	ids = make(map[string]uint8)
	for _, e := range t.sender.GetParameters().HeaderExtensions {
		ids[e.URI] = uint8(e.ID)
	}
	return ids, mid
}

func (l *layer) send(extensions map[string]uint8, mid string, muted bool) {
	if muted || !l.wanted.Load() {
		l.next = 0 // it starts again with a key frame
		l.packetizer.SkipSamples(l.samples)
		return
	}
	if l.keyFrame.Swap(false) {
		l.next = 0
	}
	frame := l.clip.Frames[l.next]
	l.next = (l.next + 1) % len(l.clip.Frames)
	for _, packet := range l.packetizer.Packetize(frame, l.samples) {
		if rid, section := extensions[streamIDExtension], extensions[midExtension]; rid != 0 && section != 0 && l.rid != "" {
			_ = packet.SetExtension(rid, []byte(l.rid))
			_ = packet.SetExtension(section, []byte(mid))
		}
		if id := extensions[loudnessExtension]; id != 0 && l.clip.Width == 0 {
			level, _ := rtp.AudioLevelExtension{Level: toneLevel, Voice: true}.Marshal()
			_ = packet.SetExtension(id, level)
		}
		if l.track.WriteRTP(packet) == nil {
			l.packets.Add(1)
		}
	}
}

// ID returns the server's id of the track.
func (t *Publication) ID() string {
	t.participant.mu.Lock()
	defer t.participant.mu.Unlock()
	return t.info.GetSid()
}

// Layers reports for each layer, smallest first, whether the server wants it and how many packets were sent.
func (t *Publication) Layers() (wanted []bool, packets []uint64) {
	for _, l := range t.layers {
		wanted = append(wanted, l.wanted.Load())
		packets = append(packets, l.packets.Load())
	}
	return wanted, packets
}

// WaitLayers waits until the server wants exactly the given layers, smallest first.
func (t *Publication) WaitLayers(ctx context.Context, wanted ...bool) error {
	return t.participant.Wait(ctx, func() bool {
		for i, l := range t.layers {
			if l.wanted.Load() != wanted[i] {
				return false
			}
		}
		return true
	})
}

// Mute stops or continues sending and tells the server.
func (t *Publication) Mute(ctx context.Context, muted bool) error {
	t.muted.Store(muted)
	return t.participant.Send(ctx, &livekit.SignalRequest{Message: &livekit.SignalRequest_Mute{
		Mute: &livekit.MuteTrackRequest{Sid: t.ID(), Muted: muted},
	}})
}

// Unpublish ends the track.
func (t *Publication) Unpublish(ctx context.Context) error {
	close(t.stop)
	if err := t.participant.up.RemoveTrack(t.sender); err != nil {
		return fmt.Errorf("remove track: %w", err)
	}
	return t.participant.negotiate(ctx)
}
