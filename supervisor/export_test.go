package supervisor

import (
	"context"
	"time"

	"golang.org/x/time/rate"

	"konklave/conference"
)

// ClaimWait is claimWait.
const ClaimWait = claimWait

// RedialFirst is redialFirst.
const RedialFirst = redialFirst

// StartLimit is startLimit.
const StartLimit = startLimit

// SetVersion has the worker of a conference speak another version.
func (s *Supervisor) SetVersion(id string, version int64) { s.worker(id).version.Store(version) }

// Obtain is obtain, of a conference as it was known.
func (s *Supervisor) Obtain(ctx context.Context, rec conference.Record) error {
	return s.obtain(ctx, rec, "Council")
}

// Publish is publish.
func (s *Supervisor) Publish(id string, epoch int64) error { return s.publish(id, epoch) }

// Register has a worker registered for a record.
func (s *Supervisor) Register(rec conference.Record) error {
	return s.register(newWorker(s, rec, nil, ""))
}

// Patience is patience.
func (s *Supervisor) Patience(rec conference.Record) time.Duration { return s.patience(rec) }

// LengthenPatience is lengthenPatience.
func (s *Supervisor) LengthenPatience(rec conference.Record) { s.lengthenPatience(rec) }

// AlarmQuiet is alarmQuiet.
const AlarmQuiet = alarmQuiet

// NewQuota is what a worker has at first.
func NewQuota() (events, redeems, pages, looks *rate.Limiter) {
	q := newQuota()
	return q.events, q.redeems, q.pages, q.looks
}

// Crashes is what remembers the deaths of workers.
type Crashes = crashes

// NewCrashes makes one.
func NewCrashes() *Crashes { return newCrashes() }

// Note is note.
func (c *crashes) Note(id string, now time.Time) { c.note(id, now) }

// Pause is pause.
func (c *crashes) Pause(id string, limit int, now time.Time) time.Duration {
	return c.pause(id, limit, now)
}
