package retention

import (
	"strings"
	"time"

	"konklave/audit/checkpoint"
)

// For how long how many checkpoints stay.
const (
	ThinAfter  = day      // all
	DailyAfter = 31 * day // of each hour the last; of those that are older, the last of each day
)

// Checkpoint is a checkpoint that is kept.
type Checkpoint struct {
	Size int64
	At   time.Time // of the last entry that it covers; zero when that is not known
	Note []byte
}

// Thinning tells which checkpoints stay. Every size between two of them can still be proven from the tree, so an earlier
// checkpoint that somebody else has kept is verified as before; what goes is where an export can end, and how closely a change
// in the database can be told by an export alone. What always stays: the last of each log, which nobody could have signed again;
// the last that each witness cosigned, and in each hour or day one that is cosigned, if there is one: it is worth more than the
// log's own. A pruning certificate needs a checkpoint after it, and the last of all is one.
type Thinning struct {
	now      time.Time
	seen     map[string]bool // logs and witnesses
	period   time.Time       // the last hour or day
	cosigned bool            // one that stays in it is
}

// NewThinning returns a Thinning at this time.
func NewThinning(now time.Time) *Thinning { return &Thinning{now: now, seen: map[string]bool{}} }

// Keeps reports whether a checkpoint stays. It is asked about all of them, the newest first.
func (t *Thinning) Keeps(c Checkpoint) bool {
	said, err := checkpoint.Unverified(c.Note)
	if err != nil || c.At.IsZero() {
		return true // it is not for us to tell what that is
	}
	witnesses := t.witnesses(said.Origin, c.Note)
	last := t.first("log " + said.Origin)
	for _, name := range witnesses {
		last = t.first("witness "+name) || last
	}
	age := t.now.Sub(c.At)
	if age < ThinAfter {
		return true
	}
	length := time.Hour
	if age >= DailyAfter {
		length = day
	}
	period, cosigned := c.At.UTC().Truncate(length), len(witnesses) > 0
	if !period.Equal(t.period) {
		t.period, t.cosigned = period, cosigned
		return true
	}
	if cosigned && !t.cosigned {
		t.cosigned = true
		return true
	}
	return last
}

// first reports whether a name was not seen before.
func (t *Thinning) first(name string) bool {
	seen := t.seen[name]
	t.seen[name] = true
	return !seen
}

// signature begins each signature line of a note (c2sp.org/signed-note).
const signature = "— "

// witnesses are the names of those who signed besides the log. Whether their signatures are true is for who verifies.
func (t *Thinning) witnesses(origin string, note []byte) []string {
	_, signatures, _ := strings.Cut(string(note), "\n\n")
	var names []string
	for line := range strings.Lines(signatures) {
		rest, isSignature := strings.CutPrefix(line, signature)
		name, _, _ := strings.Cut(rest, " ")
		if isSignature && name != origin {
			names = append(names, name)
		}
	}
	return names
}
