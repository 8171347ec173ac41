package worker

import (
	"context"
	"errors"
	"time"

	"konklave/conference"
	"konklave/control"
	"konklave/fault"
)

const (
	callPauseFirst = 20 * time.Millisecond
	callPauseMax   = time.Second

	// appendBytes is how much content one append carries at most; a single event is far smaller.
	appendBytes = control.FrameMax / 4
)

// journal has events stored by the controller, in order and each once.
type journal struct {
	line  caller
	epoch int64
	seq   int64 // number of the last stored event; only the appending goroutine touches it
}

// caller asks the controller.
type caller interface {
	call(ctx context.Context, name string, body, result any) error
}

// Append returns when the events are stored. While the controller is away it waits; a refusal is final.
func (j *journal) Append(ctx context.Context, events []conference.Event) error {
	var batch []conference.Stored
	size, whole := 0, false // what ends the batch so far belongs together with what comes
	for _, e := range events {
		st, err := conference.Store(e)
		if err != nil {
			return err
		}
		if size += len(st.Fact); size > appendBytes && len(batch) > 0 && !whole {
			if err := j.store(ctx, batch); err != nil {
				return err
			}
			batch, size = nil, len(st.Fact)
		}
		batch = append(batch, st)
		switch e.Fact.(type) {
		case *conference.Ended: // nothing may follow it in another append
			whole = true
		case *conference.ParticipantJoined: // is admitted with the session that follows
			whole = true
		case *conference.SessionOpened:
			whole = false
		}
	}
	return j.store(ctx, batch)
}

func (j *journal) store(ctx context.Context, events []conference.Stored) error {
	err := insist(ctx, j.line, control.CallAppend, control.Append{Epoch: j.epoch, Seq: j.seq + 1, Events: events}, nil)
	if err == nil {
		j.seq += int64(len(events))
	}
	return err
}

// insist asks until there is an answer that is not only an absence or a mishap of the controller.
func insist(ctx context.Context, line caller, name string, body, result any) error {
	pause := callPauseFirst
	for {
		err := line.call(ctx, name, body, result)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if kind := fault.As(err).Kind; errors.Is(err, errNoHistory) || kind != fault.KindUnavailable && kind != fault.KindInternal {
			return err
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, callPauseMax)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
