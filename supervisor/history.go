package supervisor

import (
	"context"

	"konklave/conference"
	"konklave/control"
	"konklave/fault"
	"konklave/journal"
)

const (
	// historyBytes is how much content one page of history carries; in a frame it grows by a third at most.
	historyBytes = control.FrameMax / 4
	// eventOverhead is about what stands around an event's content.
	eventOverhead = 256
)

// errHistoryPlace answers a worker that asks for what is not there.
var errHistoryPlace = fault.New(fault.KindInvalid, "journal.no_such_place", "The journal does not reach there.")

// history tells a worker what was stored of its conference, page by page.
func (w *worker) history(ctx context.Context, body []byte) (any, error) {
	var q control.History
	if err := control.Decode(body, &q); err != nil {
		return nil, err
	}
	if q.Epoch != w.epoch {
		return nil, journal.ErrStaleEpoch
	}
	replay, err := w.replay(ctx)
	if err != nil {
		return nil, err
	}
	page, err := pageOf(replay, q)
	if err == nil && !page.More {
		w.keep(nil)
	}
	return page, err
}

// replay is the journal as it was when the worker began to ask, so that all pages are of one piece.
func (w *worker) replay(ctx context.Context) (*journal.Replay, error) {
	w.mu.Lock()
	kept := w.kept
	w.mu.Unlock()
	if kept != nil {
		return kept, nil
	}
	replay, err := w.s.Journal.Load(ctx, w.id)
	if err != nil {
		return nil, err
	}
	w.keep(&replay)
	return &replay, nil
}

// keep holds a replay for the pages to come; nil when the last one is told.
func (w *worker) keep(replay *journal.Replay) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept = replay
}

func pageOf(replay *journal.Replay, q control.History) (control.HistoryPage, error) {
	page := control.HistoryPage{SnapshotSize: int64(len(replay.Snapshot)), SnapshotSeq: replay.SnapshotSeq, Seq: replay.Seq}
	if q.After < 0 || q.After > replay.Seq || q.Offset < 0 || q.Offset > page.SnapshotSize {
		return page, errHistoryPlace
	}
	if q.After < replay.SnapshotSeq {
		page.Snapshot = replay.Snapshot[q.Offset:min(q.Offset+historyBytes, page.SnapshotSize)]
		page.More = true
		return page, nil
	}
	rest := replay.Events[min(q.After-replay.SnapshotSeq, int64(len(replay.Events))):]
	size := 0
	for i, st := range rest {
		if size += len(st.Fact) + eventOverhead; size > historyBytes && i > 0 {
			page.Events, page.More = rest[:i], true
			return page, nil
		}
	}
	page.Events = rest
	return page, nil
}

// stateOf is what a replay amounts to; only what is durable is in it.
func stateOf(settings conference.Settings, replay journal.Replay) (*conference.State, error) {
	var zero conference.Record
	s, err := conference.Restore(settings, zero.StartedAt, zero.StartedAt, replay.Snapshot)
	if err != nil {
		return nil, journal.ErrCorrupt.Because(err)
	}
	for _, st := range replay.Events {
		e, err := st.Event()
		if err != nil {
			return nil, journal.ErrCorrupt.Because(err)
		}
		s.Evolve(e)
	}
	return s, nil
}
