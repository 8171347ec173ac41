package conference

import (
	"time"

	"konklave/fault"
)

// ErrEpochTaken says that another controller is beginning a worker's time.
var ErrEpochTaken = fault.New(fault.KindConflict, "conference.epoch_taken", "Another controller is starting this conference.")

// Record is what the store knows of a conference.
type Record struct {
	ID        string
	MeetingID string
	Tenant    string
	Epoch     int64     // counts the workers that this conference has had; 0 before the first
	Seq       int64     // the number of the last event that was appended; 0 before the first
	StartedAt time.Time // UTC, whole milliseconds
	EndedAt   time.Time // zero while it is live
}

// Live reports whether the conference has not ended.
func (r Record) Live() bool { return r.EndedAt.IsZero() }
