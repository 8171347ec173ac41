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

// arrivePatience is how long somebody who comes back from another address waits for the controller's word.
const arrivePatience = time.Second

// arrivals are the addresses that no controller has heard of yet, by session.
type arrivals struct {
	line  caller
	lease time.Duration // how long the worker lives without a controller
	end   func(ctx context.Context, session string) error
	log   *slog.Logger

	mu      sync.Mutex
	waiting map[string]string
}

// put keeps an address to be told, and reports whether somebody is telling that session's already.
func (a *arrivals) put(session, address string) (telling bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting == nil {
		a.waiting = map[string]string{}
	}
	_, telling = a.waiting[session]
	a.waiting[session] = address
	return telling
}

func (a *arrivals) of(session string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.waiting[session]
}

// told reports whether the address that was told is the last one of the session, which is forgotten then.
func (a *arrivals) told(session, address string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting[session] != address {
		return false
	}
	delete(a.waiting, session)
	return true
}

// arrive tells the controller that a session is used from another address, and fails when it may not be. While there is no
// controller people come back as they do then; it is told when it is there again, and who may not be there is out.
func (a *arrivals) arrive(ctx context.Context, session, address string) error {
	if a.put(session, address) {
		return nil
	}
	soon, cancel := context.WithTimeout(ctx, arrivePatience)
	defer cancel()
	err := a.line.call(soon, control.CallArrive, control.Arrive{Session: session, Address: address}, nil)
	answered := err == nil || fault.As(err).Kind == fault.KindDenied
	if !answered || !a.told(session, address) {
		go a.tell(session)
	}
	if !answered {
		return nil
	}
	return err
}

// tell tells the controller until it has answered about the last address of a session.
func (a *arrivals) tell(session string) {
	ctx, cancel := context.WithTimeout(context.Background(), a.lease)
	defer cancel()
	for {
		address := a.of(session)
		err := insist(ctx, a.line, control.CallArrive, control.Arrive{Session: session, Address: address}, nil)
		if !a.told(session, address) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			err = a.end(ctx, session)
		}
		if err != nil {
			a.log.Warn("somebody in another network could not be taken out", "error", err)
		}
		return
	}
}

// takeOut ends a session.
func (w *worker) takeOut(ctx context.Context, session string) error {
	_, err := w.actor.Do(ctx, conference.Command{Body: conference.Revoke{Sessions: []string{session}}})
	return err
}
