package supervisor

import (
	"time"

	"golang.org/x/time/rate"
)

// ClaimWait is claimWait.
const ClaimWait = claimWait

// AlarmQuiet is alarmQuiet.
const AlarmQuiet = alarmQuiet

// NewQuota is what a worker has at first, of events and of redeems.
func NewQuota() (events, redeems *rate.Limiter) {
	q := newQuota()
	return q.events, q.redeems
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
