//go:build !race

package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/livekit/protocol/livekit"

	"konklave/client"
	"konklave/client/clip"
)

// What tests begin with: a server with a meeting, people in it, and what they hear and see of each other.

const (
	camera     = livekit.TrackSource_CAMERA
	microphone = livekit.TrackSource_MICROPHONE
)

// within is a context that ends after span, and with the test.
func within(t *testing.T, span time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), span)
	t.Cleanup(cancel)
	return ctx
}

// meeting completes the set-up and makes a meeting: the administrator's client, and the link.
func (s *server) meeting(ctx context.Context) (admin *client.Client, link string) {
	s.t.Helper()
	admin = s.admin(ctx)
	return admin, newMeeting(ctx, s.t, admin)
}

// newMeeting makes a meeting and returns its link.
func newMeeting(ctx context.Context, t *testing.T, c *client.Client) string {
	t.Helper()
	m, err := c.CreateMeeting(ctx, client.MeetingChange{})
	if err != nil {
		t.Fatal(err)
	}
	return m.Link
}

// join admits a guest (or the client's account, with an empty name) and opens the session.
func join(ctx context.Context, t *testing.T, c *client.Client, link, name string) *client.Conference {
	t.Helper()
	a, err := c.Join(ctx, link, client.JoinRequest{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	session, err := c.Connect(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(session.Drop)
	return session
}

// enter joins signalling and media and publishes a camera and a microphone.
func enter(ctx context.Context, t *testing.T, c *client.Client, link, name string) (*client.Conference, *client.Participant) {
	t.Helper()
	session := join(ctx, t, c, link, name)
	return session, publish(ctx, t, session, client.ParticipantOptions{}, camera, microphone)
}

// relayed enters with a microphone, all media through the relay.
func relayed(ctx context.Context, t *testing.T, c *client.Client, link, name string) (*client.Conference, *client.Participant) {
	t.Helper()
	session := join(ctx, t, c, link, name)
	return session, publish(ctx, t, session, client.ParticipantOptions{RelayOnly: true}, microphone)
}

// publish joins the media of a session and publishes a camera or a microphone or both.
func publish(ctx context.Context, t *testing.T, session *client.Conference, o client.ParticipantOptions, sources ...livekit.TrackSource) *client.Participant {
	t.Helper()
	p, err := session.JoinMedia(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	for _, source := range sources {
		var clips []*clip.Clip
		if source == camera {
			clips, err = clip.Video()
		} else {
			clips = make([]*clip.Clip, 1)
			clips[0], err = clip.Tone()
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Publish(ctx, source, clips...); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// receives waits until p receives camera and microphone of each.
func receives(ctx context.Context, t *testing.T, p *client.Participant, from ...*client.Conference) {
	t.Helper()
	for _, other := range from {
		for _, source := range []livekit.TrackSource{camera, microphone} {
			if _, err := p.WaitStream(ctx, other.Self(), source, func(s client.Stream) bool { return s.Packets > 20 }); err != nil {
				t.Fatalf("%s of %s: %v", source, other.Self(), err)
			}
		}
	}
}

// receivesMore waits until p has received so many packets more than now.
func receivesMore(ctx context.Context, t *testing.T, p *client.Participant, other *client.Conference, source livekit.TrackSource, packets uint64) {
	t.Helper()
	before := p.Stream(other.Self(), source).Packets
	if _, err := p.WaitStream(ctx, other.Self(), source, func(s client.Stream) bool { return s.Packets > before+packets }); err != nil {
		t.Fatalf("no more packets from %s of %s: %v", source, other.Self(), err)
	}
}

// said waits until a session has heard these messages, in this order and nothing else.
func said(ctx context.Context, t *testing.T, who *client.Conference, texts ...string) {
	t.Helper()
	for _, want := range texts {
		e, err := who.Await(ctx, "chat.message")
		if err != nil {
			t.Fatalf("%q was never heard: %v", want, err)
		}
		if e.Message.Text != want {
			t.Errorf("heard %q instead of %q", e.Message.Text, want)
		}
	}
}
