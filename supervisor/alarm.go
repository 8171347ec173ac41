package supervisor

import (
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"konklave/auth"
	"konklave/control"
	"konklave/fault"
)

// What one worker may have done for it, beside what control lets through. An honest one stays far below and, where it does
// not, tries again.
const (
	EventsRate   = 5000 // events a second that are stored
	EventsBurst  = 2 * EventsMax
	RedeemsRate  = 100 // tickets a second
	RedeemsBurst = 1000
	PagesRate    = 20 // pages of the journal a second that are read
	PagesBurst   = 200
	LooksRate    = 200 // times a second that the conference's row is looked at
	LooksBurst   = 2000
)

// alarmQuiet is how long after a line in the log the same misdeed of the same worker is only counted.
const alarmQuiet = time.Minute

// Faults of a worker that wants too much at once; it may try again.
var (
	errEventsFast   = fault.New(fault.KindUnavailable, "journal.too_fast", "This conference appends faster than it may.")
	errReadsFast    = fault.New(fault.KindUnavailable, "journal.too_fast", "This conference reads its journal faster than it may.")
	errArrivalsFast = fault.New(fault.KindUnavailable, "rate.limited", "Too many people come back at once. Please wait a moment and try again.")
	errRedeemsFast  = fault.New(fault.KindTooMany, "rate.limited", "Too many people join at once. Please wait a moment and try again.")
)

// quota is what a worker has left.
type quota struct{ events, redeems, pages, looks *rate.Limiter }

func newQuota() quota {
	return quota{
		events: rate.NewLimiter(EventsRate, EventsBurst), redeems: rate.NewLimiter(RedeemsRate, RedeemsBurst),
		pages: rate.NewLimiter(PagesRate, PagesBurst), looks: rate.NewLimiter(LooksRate, LooksBurst),
	}
}

// alarms writes a worker's misdeeds to the log, once a burst.
type alarms struct {
	mu    sync.Mutex // guards what follows
	since map[fault.Code]time.Time
	quiet map[fault.Code]int // how many were not written since
}

func newAlarms() *alarms {
	return &alarms{since: map[fault.Code]time.Time{}, quiet: map[fault.Code]int{}}
}

// raise reports whether a line is due, and how many of the same kind had none before.
func (a *alarms) raise(code fault.Code, now time.Time) (due bool, before int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at, ok := a.since[code]; ok && now.Sub(at) < alarmQuiet {
		a.quiet[code]++
		return false, 0
	}
	before = a.quiet[code]
	a.since[code], a.quiet[code] = now, 0
	return true, before
}

// suspect writes down that a worker did what an honest one does not: what it reports or asks is refused for good, or too
// much. Tickets that are refused have their own audit entries.
func (w *worker) suspect(call string, err error) {
	f := fault.As(err)
	switch {
	case (call == control.CallRedeem || call == control.CallArrive && errors.Is(err, auth.ErrNetworkDenied)) && !errors.Is(err, errRedeemsFast):
		return
	case f.Kind == fault.KindInternal, f.Kind == fault.KindUnavailable && f.Code != errEventsFast.Code, f.Kind == fault.KindGone:
		return
	}
	w.alarm(call, f.Code)
}

func (w *worker) alarm(call string, code fault.Code) {
	if due, before := w.alarms.raise(code, w.s.Now()); due {
		w.s.Log.Warn("security: what a worker wants is refused", "conference", w.id, "epoch", w.epoch, "call", call, "code", string(code), "before", before)
	}
}

// brokenOff looks at why a worker's connection has ended.
func (w *worker) brokenOff(err error) {
	switch {
	case errors.Is(err, control.ErrFrameTooLarge):
		w.alarm("", "control.too_large")
	case errors.Is(err, control.ErrMalformed):
		w.alarm("", "control.malformed")
	}
}
