package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"konklave/conference"
	"konklave/control"
	"konklave/fault"
)

const (
	arrivePatience = time.Second     // how long somebody who comes back from another address waits for the controller's word
	endPatience    = 5 * time.Second // within which a session that may not be used from there has ended
)

// arrivals are the addresses that no controller has heard of yet, by session.
type arrivals struct {
	line  caller
	lease time.Duration // how long the worker lives without a controller
	end   func(ctx context.Context, session string) error
	log   *slog.Logger

	mu      sync.Mutex
	last    int64 // number of an arrival
	waiting map[string]arrival
}

// arrival is one use of a session from an address, of which the controller is told.
type arrival struct {
	number  int64
	address string
}

// put keeps an address to be told, and reports whether somebody is telling that session's already.
func (a *arrivals) put(session, address string) (at arrival, telling bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting == nil {
		a.waiting = map[string]arrival{}
	}
	_, telling = a.waiting[session]
	a.last++
	at = arrival{a.last, address}
	a.waiting[session] = at
	return at, telling
}

func (a *arrivals) of(session string) arrival {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.waiting[session]
}

// told reports whether the arrival that was told is the last one of the session, which is forgotten then. Who came back meanwhile
// from the same address was let in without a word about it: that is another arrival.
func (a *arrivals) told(session string, at arrival) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting[session] != at {
		return false
	}
	delete(a.waiting, session)
	return true
}

// forget ends the telling about a session, whatever its last address is.
func (a *arrivals) forget(session string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.waiting, session)
}

// arrive tells the controller that a session is used from another address, and fails when it may not be. While there is no
// controller people come back as they do then; it is told when it is there again, and who may not be there is out.
func (a *arrivals) arrive(ctx context.Context, session, address string) error {
	at, telling := a.put(session, address)
	if telling {
		return nil
	}
	soon, cancel := context.WithTimeout(ctx, arrivePatience)
	defer cancel()
	err := a.line.call(soon, control.CallArrive, control.Arrive{Session: session, Address: address}, nil)
	answered := err == nil || fault.As(err).Kind == fault.KindDenied
	if !answered || !a.told(session, at) {
		go a.tell(session)
	}
	if !answered {
		return nil
	}
	return err
}

// tell tells the controller until it has answered about the last address of a session, and ends the session when it may not be
// used from one of those it was used from meanwhile.
func (a *arrivals) tell(session string) {
	ctx, cancel := context.WithTimeout(context.Background(), a.lease)
	defer cancel()
	for {
		at := a.of(session)
		if err := insist(ctx, a.line, control.CallArrive, control.Arrive{Session: session, Address: at.address}, nil); err != nil {
			break
		}
		if a.told(session, at) {
			return
		}
	}
	a.forget(session) // before the end: who comes back after it is asked about anew
	ending, done := context.WithTimeout(context.Background(), endPatience)
	defer done()
	if err := a.end(ending, session); err != nil {
		a.log.Warn("somebody in another network could not be taken out", "error", err)
	}
}

// takeOut ends a session.
func (w *worker) takeOut(ctx context.Context, session string) error {
	_, err := w.actor.Do(ctx, conference.Command{Body: conference.Revoke{Sessions: []string{session}}})
	return err
}
