package supervisor

import "time"

// ClaimWait is claimWait.
const ClaimWait = claimWait

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
