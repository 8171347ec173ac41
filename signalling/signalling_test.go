package signalling_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"konklave/conference"
	"konklave/fault"
	"konklave/signalling"
)

// world is a conference with its signalling behind a real HTTP server.
type world struct {
	*httptest.Server
	dialer  *http.Client // of those who come; nil is the usual one
	actor   *conference.Actor
	way     *way
	serving *signalling.Server
	closed  chan struct{} // one for each connection that the server is done with
	leaving chan struct{} // one for each participant of whose leaving the server is about to be told

	mu      sync.Mutex
	tickets map[string]conference.Admission
	told    []string // sessions that tickets were redeemed for
	arrived []string // sessions and the addresses that they came back from
	media   []string // what happened to the media, in order
	removed chan string
	kept    []conference.Event // what was journalled
	stands  chan struct{}      // while it is not nil, what comes to the journal waits for its end
}

// Append implements conference.Journal.
func (w *world) Append(ctx context.Context, events []conference.Event) error {
	w.mu.Lock()
	stands := w.stands
	w.mu.Unlock()
	if stands != nil {
		select {
		case <-stands:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept = append(w.kept, events...)
	return nil
}

func (w *world) Admit(p conference.ParticipantID) string {
	w.way.pass(admitting)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.media = append(w.media, "admit "+string(p))
	return fmt.Sprint("media token ", len(w.media))
}

func (w *world) Remove(p conference.ParticipantID, why conference.LeaveReason) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.media = append(w.media, "remove "+string(p))
	w.removed <- string(p) + " " + string(why)
}

func (w *world) observe(d conference.Delivery) {
	if _, ok := d.Event.Fact.(*conference.ParticipantLeft); ok {
		w.leaving <- struct{}{}
	}
	w.serving.Observe(d)
}

func (w *world) redeem(_ context.Context, ticket, session, _ string) (conference.Admission, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, ok := w.tickets[ticket]
	if !ok {
		return a, fault.New(fault.KindUnauthenticated, "ticket.unknown", "This ticket is not known.")
	}
	delete(w.tickets, ticket)
	w.told = append(w.told, session)
	return a, nil
}

// ticket makes one for a person, to be used once.
func (w *world) ticket(name string, role conference.Role, rejoin string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	ticket := fmt.Sprint("ticket ", len(w.tickets), name, time.Now().UnixNano())
	w.tickets[ticket] = conference.Admission{Account: "account-" + name, Kind: conference.KindGuest, Role: role, Name: name, Rejoin: conference.ParticipantID(rejoin)}
	return ticket
}

func settings() conference.Settings {
	return conference.Settings{ID: "c1", Title: "Council", Codec: "vp8", ResumeWindow: time.Minute, Linger: time.Minute, MaxParticipants: 100}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return worldOf(t, conference.New(settings(), time.Now(), time.Now()), 1)
}

// worldOf is the world of a conference's worker in an epoch.
func worldOf(t *testing.T, state *conference.State, epoch int64) *world {
	t.Helper()
	return worldAt(t, state, epoch, nil)
}

// worldAt is worldOf behind a listener; nil is one on loopback.
func worldAt(t *testing.T, state *conference.State, epoch int64, l net.Listener) *world {
	t.Helper()
	w := &world{tickets: map[string]conference.Admission{}, removed: make(chan string, 1000), closed: make(chan struct{}, 1000), leaving: make(chan struct{}, 1000)}
	log := slog.New(slog.DiscardHandler)
	w.actor = conference.NewActor(conference.ActorOptions{Journal: w, Now: time.Now, Log: log, Observe: w.observe})
	w.way = &way{Actor: w.actor, holds: map[point]*hold{}}
	w.serving = signalling.New(signalling.Options{
		ConferenceID: "c1", Epoch: epoch, ResumeWindow: time.Minute, Conference: w.way, Media: w, Redeem: w.redeem, Arrive: w.arrive, Now: time.Now, Log: log,
	})
	mux := http.NewServeMux()
	mux.HandleFunc(signalling.Path("c1"), func(rw http.ResponseWriter, r *http.Request) {
		w.serving.ServeHTTP(rw, r)
		w.closed <- struct{}{}
	})
	w.Server = httptest.NewUnstartedServer(mux)
	if l == nil {
		w.Listener = smallBuffers{w.Listener}
	} else {
		_ = w.Listener.Close() // never served
		w.Listener = l
	}
	w.Start()
	ctx, cancel := context.WithCancel(context.Background())
	go func() { _ = w.actor.Run(ctx, state) }() // the end is awaited below
	t.Cleanup(func() {
		w.CloseClientConnections()
		w.Close()
		cancel()
		<-w.actor.Done()
	})
	return w
}
