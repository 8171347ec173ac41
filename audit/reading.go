package audit

import (
	"strconv"
	"time"
)

// Search is what somebody looked for in the log; what is empty was not asked for.
type Search struct {
	Kind        Kind
	Category    Category
	Outcome     Outcome
	About       string // the id of an account, a guest, a meeting or anything else
	As          string // how it was looked for: "actor", "object", or as either
	From, Until time.Time
}

type searchDetails struct {
	As       string   `json:"as,omitzero"`
	Category Category `json:"category,omitzero"`
	From     string   `json:"from,omitzero"`
	Kind     Kind     `json:"kind,omitzero"`
	Outcome  Outcome  `json:"outcome,omitzero"`
	Until    string   `json:"until,omitzero"`
}

// LogSearched says that somebody was shown the entries of the log that a search finds, on however many pages.
func LogSearched(o Origin, s Search) Entry {
	d := searchDetails{As: s.As, Category: s.Category, Kind: s.Kind, Outcome: s.Outcome}
	if !s.From.IsZero() {
		d.From = instant(s.From)
	}
	if !s.Until.IsZero() {
		d.Until = instant(s.Until)
	}
	kind := "log"
	if s.About != "" {
		kind = "searched"
	}
	return newEntry(o, KindLogSearched, OutcomeSuccess, kind, s.About, d)
}

// LogEntryRead says that somebody was shown one entry of the log with all that belongs to it, by its index.
func LogEntryRead(o Origin, index int64) Entry {
	return newEntry(o, KindLogEntryRead, OutcomeSuccess, "log_entry", strconv.FormatInt(index, 10), nothing{})
}
