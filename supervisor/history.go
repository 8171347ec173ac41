package supervisor

import (
	"context"

	"konklave/conference"
	"konklave/control"
	"konklave/fault"
	"konklave/journal"
)

// historyBytes is how much content one page of history carries; in a frame it grows by a third at most.
const historyBytes = control.FrameMax / 4

// errHistoryPlace answers a worker that asks for what is not there.
var errHistoryPlace = fault.New(fault.KindInvalid, "journal.no_such_place", "The journal does not reach there.")

// reading is the journal as it was when the worker began to ask, so that all pages are of one piece. Of the journal itself
// nothing is held, only the snapshot until the worker has it.
type reading struct {
	snapshot         []byte
	size             int64 // of the snapshot
	snapshotSeq, seq int64
}

// history tells a worker what was stored of its conference, page by page, one at a time.
func (w *worker) history(ctx context.Context, body []byte) (any, error) {
	var q control.History
	if err := control.Decode(body, &q); err != nil {
		return nil, err
	}
	if q.Epoch != w.epoch {
		return nil, journal.ErrStaleEpoch
	}
	if !w.quota.pages.AllowN(w.s.Now(), 1) {
		return nil, errReadsFast
	}
	over, err := w.reads.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer over()
	if err := w.beginReading(ctx, q); err != nil {
		return nil, err
	}
	r := w.reading
	page := control.HistoryPage{SnapshotSize: r.size, SnapshotSeq: r.snapshotSeq, Seq: r.seq}
	if q.After < 0 || q.After > r.seq || q.Offset < 0 || q.Offset > r.size {
		return page, errHistoryPlace
	}
	if q.After < r.snapshotSeq {
		page.Snapshot = r.snapshot[q.Offset:min(q.Offset+historyBytes, r.size)]
		page.More = true
		return page, nil
	}
	r.snapshot = nil
	if q.After < r.seq {
		if page.Events, err = w.s.Journal.Events(ctx, w.id, q.After, historyBytes); err != nil {
			return nil, err
		}
		page.Events = page.Events[:min(int64(len(page.Events)), r.seq-q.After)] // more may be stored meanwhile
	}
	if page.More = q.After+int64(len(page.Events)) < r.seq; !page.More {
		w.reading = nil
	}
	return page, nil
}

// beginReading looks where the journal stands, unless the worker goes on with what it reads.
func (w *worker) beginReading(ctx context.Context, q control.History) error {
	r := w.reading
	begins := q.After <= 0 && q.Offset <= 0
	if r != nil && !begins && (r.snapshot != nil || q.After >= r.snapshotSeq) {
		return nil
	}
	head, err := w.s.Journal.Head(ctx, w.id)
	if err != nil {
		return err
	}
	w.reading = &reading{head.Snapshot, int64(len(head.Snapshot)), head.SnapshotSeq, head.Seq}
	return nil
}

// stateOf is what a replay amounts to; only what is durable is in it. It fails with journal.corrupt unless a worker can begin
// with it.
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
	if _, err := s.Snapshot(); err != nil { // as the worker's first step will
		return nil, journal.ErrCorrupt.Because(err)
	}
	return s, nil
}
