package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"konklave/conference"
	"konklave/control"
)

// errHistory ends a worker whose controller tells a history that does not fit together, as when another controller answers
// the rest of it; the next worker asks anew.
var errHistory = errors.New("worker: the history of the conference has gaps")

// replay asks the controller for everything that is known of a conference and makes its state of it, as it is at a moment:
// everybody is without a connection. It returns the number of the journal's last event.
func replay(ctx context.Context, line caller, epoch int64, settings conference.Settings, startedAt, at time.Time) (*conference.State, int64, error) {
	h := history{line, epoch}
	snapshot, page, err := h.begin(ctx)
	if err != nil && !errors.Is(err, errNoHistory) {
		return nil, 0, err
	}
	s, err := conference.Restore(settings, startedAt, at, snapshot)
	if err != nil {
		return nil, 0, err
	}
	number := page.SnapshotSeq
	for {
		for _, st := range page.Events {
			number++
			e, err := st.Event()
			if err != nil {
				return nil, 0, fmt.Errorf("event %d: %w", number, err)
			}
			s.Evolve(e)
		}
		if !page.More {
			break
		}
		if len(page.Events) == 0 {
			return nil, 0, errHistory
		}
		if page, err = h.ask(ctx, number, 0); err != nil {
			return nil, 0, err
		}
	}
	if number != page.Seq {
		return nil, 0, errHistory
	}
	s.Reopen(epoch, at)
	return s, number, nil
}

// history is the asking for what a conference was.
type history struct {
	line  caller
	epoch int64
}

func (h history) ask(ctx context.Context, after, offset int64) (control.HistoryPage, error) {
	var page control.HistoryPage
	err := insist(ctx, h.line, control.CallHistory, control.History{Epoch: h.epoch, After: after, Offset: offset}, &page)
	return page, err
}

// begin reads the snapshot, if there is one, and the first page of events after it.
func (h history) begin(ctx context.Context) ([]byte, control.HistoryPage, error) {
	page, err := h.ask(ctx, 0, 0)
	if err != nil || page.SnapshotSize == 0 {
		return nil, page, err
	}
	of, size := page.SnapshotSeq, page.SnapshotSize
	whole := page.Snapshot
	for int64(len(whole)) < size {
		if page, err = h.ask(ctx, 0, int64(len(whole))); err != nil {
			return nil, page, err
		}
		if len(page.Snapshot) == 0 || page.SnapshotSeq != of {
			return nil, page, errHistory
		}
		whole = append(whole, page.Snapshot...)
	}
	if int64(len(whole)) != size {
		return nil, page, errHistory
	}
	if page, err = h.ask(ctx, of, 0); err == nil && page.SnapshotSeq != of {
		err = errHistory
	}
	return whole, page, err
}
