package control

import (
	"context"

	"golang.org/x/time/rate"
)

// What a controller reads from a worker. More than that waits in the worker's own socket, so that one that floods slows
// nobody else down.
const (
	ReadRate    = 8 << 20 // bytes a second
	ReadBurst   = 4 * FrameMax
	FrameRate   = 2000 // messages a second
	FrameBurst  = 4000
	InFlightMax = 2 * FrameMax // bytes of calls that are served at once
	CallsMax    = 16           // calls that are served at once
)

// callsInFlight is how many calls of its controller a worker serves at once.
const callsInFlight = 64

// heldUnit is in what portions InFlightMax is counted.
const heldUnit = 64 << 10

// Limits are what one worker may want, over all its connections: who connects again has no more than before.
type Limits struct {
	bytes, frames *rate.Limiter // nil for no limit
	slots         chan struct{} // holds one for each call that is served
	held          chan struct{} // holds one for each heldUnit of them
}

// NewLimits returns what a worker may want at first.
func NewLimits() *Limits {
	return &Limits{
		bytes: rate.NewLimiter(ReadRate, ReadBurst), frames: rate.NewLimiter(FrameRate, FrameBurst),
		slots: make(chan struct{}, CallsMax), held: make(chan struct{}, InFlightMax/heldUnit),
	}
}

// unpaced are the limits of a controller, which its workers trust.
func unpaced() *Limits { return &Limits{slots: make(chan struct{}, callsInFlight)} }

// pace waits until a message of that size may be looked at.
func (l *Limits) pace(ctx context.Context, size int) error {
	if l.bytes == nil {
		return nil
	}
	if err := l.frames.Wait(ctx); err != nil {
		return err
	}
	return l.bytes.WaitN(ctx, size)
}

// enter waits until a call of that size may be served; over is to be called when it is answered.
func (l *Limits) enter(ctx context.Context, size int) (over func(), err error) {
	if err := put(ctx, l.slots); err != nil {
		return nil, err
	}
	units := 0
	over = func() {
		for range units {
			<-l.held
		}
		<-l.slots
	}
	for ; l.held != nil && units <= size/heldUnit; units++ {
		if err := put(ctx, l.held); err != nil {
			over()
			return nil, err
		}
	}
	return over, nil
}

func put(ctx context.Context, into chan struct{}) error {
	select {
	case into <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
