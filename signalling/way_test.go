package signalling_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"konklave/conference"
)

// point is a place on the way of a connection into the conference, where another can get ahead of it.
type point string

const (
	entering  point = "entering"  // who it is is known; the conference has not heard of it
	entered   point = "entered"   // the conference has answered; it is not yet the session's connection
	attaching point = "attaching" // it is the session's connection; it hears nothing yet
	attached  point = "attached"  // it hears the conference; it is not yet let into the media
	admitting point = "admitting" // it is being let into the media
)

// way is the actor as signalling reaches it, with points at which a test holds a connection.
type way struct {
	*conference.Actor

	mu    sync.Mutex // guards what follows
	holds map[point]*hold
}

// hold keeps one connection at a point.
type hold struct{ there, gone chan struct{} }

// hold keeps the next connection that gets to a point.
func (w *way) hold(at point) *hold {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := &hold{make(chan struct{}), make(chan struct{})}
	w.holds[at] = h
	return h
}

// arrived waits until the connection is there.
func (h *hold) arrived(t *testing.T) {
	t.Helper()
	select {
	case <-h.there:
	case <-time.After(patience):
		t.Fatal("no connection got to the point where it was to be held")
	}
}

func (h *hold) letGo() { close(h.gone) }

func (w *way) pass(at point) {
	w.mu.Lock()
	h := w.holds[at]
	delete(w.holds, at)
	w.mu.Unlock()
	if h != nil {
		close(h.there)
		<-h.gone
	}
}

// Submit is the actor's; the way in has its first two points here.
func (w *way) Submit(ctx context.Context, c conference.Command, answer func(conference.Outcome, error)) error {
	switch c.Body.(type) {
	case conference.Join, conference.Connect:
		w.pass(entering)
		return w.Actor.Submit(ctx, c, func(o conference.Outcome, err error) {
			go func() { // the actor must not wait
				w.pass(entered)
				answer(o, err)
			}()
		})
	}
	return w.Actor.Submit(ctx, c, answer)
}

// Attach is the actor's, between the last two points.
func (w *way) Attach(ctx context.Context, p conference.ParticipantID, line, seen int64, to conference.Subscriber) (conference.Attachment, error) {
	w.pass(attaching)
	a, err := w.Actor.Attach(ctx, p, line, seen, to)
	w.pass(attached)
	return a, err
}
