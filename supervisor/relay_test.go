package supervisor_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"konklave/conference"
	"konklave/control"
	"konklave/fault"
	"konklave/launch"
	"konklave/supervisor"
	"konklave/turn"
)

// surveyor is a launcher that knows where the media of its workers are.
type surveyor struct{ *puppets }

func (s surveyor) List() ([]launch.Running, error) {
	list, err := s.puppets.List()
	for i := range list {
		list[i].Media = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:42001")}
	}
	return list, err
}

// told is what the relay was told.
type told struct{ conference, participant string }

// withRelay has a relay that fails to hear the first time of each.
func withRelay(heard chan told) func(*supervisor.Options) {
	return func(o *supervisor.Options) {
		o.Launcher = surveyor{o.Launcher.(*puppets)}
		failed := make(chan struct{}, 1)
		o.Relay = supervisor.Relay{
			URLs: []string{"turns:meet.example.org:443?transport=tcp"}, Key: []byte("0123456789abcdef0123456789abcdef"),
			End: func(_ context.Context, conferenceID, participant string, _ time.Time) error {
				select {
				case failed <- struct{}{}:
					return errors.New("the front is being replaced")
				default:
				}
				heard <- told{conferenceID, participant}
				return nil
			},
		}
	}
}

func askRelay(worker *control.Conn, participant string) (control.RelayGrant, error) {
	var g control.RelayGrant
	err := worker.Call(context.Background(), control.CallRelay, control.Relay{Participant: conference.ParticipantID(participant)}, &g)
	return g, err
}

func TestRelayIsForThoseWhoAreThere(t *testing.T) {
	t.Parallel()
	heard := make(chan told, 10)
	w := newWorld(t, withRelay(heard))
	id, worker := w.open(t)
	anna := w.admit(t, id, worker, "Anna")
	if _, err := askRelay(worker, "p1"); fault.As(err).Code != "relay.stranger" {
		t.Errorf("before the join is stored: %v", err)
	}
	if err := appending(worker, 1, 1, enters(t, 1, anna, "p1")...); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	g, err := askRelay(worker, "p1")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(g.URLs, []string{"turns:meet.example.org:443?transport=tcp"}) || g.Username == "" || g.Credential == "" ||
		g.ExpiresAt.Before(before.Add(turn.CredentialLife)) || g.ExpiresAt.After(time.Now().Add(turn.CredentialLife)) {
		t.Errorf("%+v", g)
	}
	if _, err := askRelay(worker, "p2"); fault.As(err).Code != "relay.stranger" {
		t.Errorf("for somebody else: %v", err)
	}
	if err := appending(worker, 1, 3, stored(t, 3, "p1", &conference.ParticipantLeft{ID: "p1", Reason: conference.LeftByChoice})); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; got != (told{id, "p1"}) {
		t.Errorf("the relay was told of %v", got)
	}
	if _, err := askRelay(worker, "p1"); fault.As(err).Code != "relay.stranger" {
		t.Errorf("after leaving: %v", err)
	}
	if err := appending(worker, 1, 4, stored(t, 4, "", &conference.Ended{Reason: conference.EndedEmpty})); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; got != (told{id, ""}) {
		t.Errorf("the relay was told of %v", got)
	}
}

func TestWithoutARelayThereIsNoWayToIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	_, worker := w.open(t)
	if g, err := askRelay(worker, "p1"); err != nil || len(g.URLs) > 0 || g.Username != "" {
		t.Errorf("%+v %v", g, err)
	}
}
