package verifier

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"konklave/audit/checkpoint"
)

// Verdict is what a verification comes to. Its number is the exit status of the command.
type Verdict int

// The verdicts.
const (
	Intact     Verdict = 0 // everything is as the log signed it
	Tampered   Verdict = 1 // something was changed, and the findings say where
	Incomplete Verdict = 2 // nothing speaks against it, but what is there is not enough to say so of all of it
)

// Code says what was found; it is stable.
type Code string

// What is found in a log that was tampered with.
const (
	Changed       Code = "changed"        // the entry is not the one that was logged
	Removed       Code = "removed"        // the entry, or its content without a certificate, is not there
	Inserted      Code = "inserted"       // the entry was not there before
	Swapped       Code = "swapped"        // two entries, Start and End-1, stand in each other's place
	Truncated     Code = "truncated"      // the log was longer once
	Forked        Code = "forked"         // the log was another one once: it differs somewhere in the range, or from Start on
	Root          Code = "root"           // something in the range was changed; without an earlier export nobody can say what
	Signature     Code = "signature"      // the checkpoint after the range is not the log's
	StoredHash    Code = "stored_hash"    // the entry is right, and its hash in the tree was changed
	Frontier      Code = "frontier"       // what the file says of what precedes it is not true
	Misplaced     Code = "misplaced"      // a line stands where it must not
	Unreadable    Code = "unreadable"     // a line, or what is in it, is not what the log writes
	Uncertified   Code = "uncertified"    // a certificate that is not the signer's, or not the one in the log
	WronglyOpened Code = "wrongly_opened" // personal data in clear are not what was sealed
)

// What is found in a log of which too little is there.
const (
	NoKey       Code = "no_key"       // the key of the log was not given
	Gap         Code = "gap"          // no file has these entries
	Overlap     Code = "overlap"      // two files have these entries
	CutOff      Code = "cut_off"      // a file ends before its end
	Unproven    Code = "unproven"     // no checkpoint covers these entries yet
	Unwitnessed Code = "unwitnessed"  // too few witnesses have cosigned these entries
	Later       Code = "later"        // written by a later version of Konklave
	HashesOnly  Code = "hashes_only"  // the export has no entries, only their hashes
	NotCompared Code = "not_compared" // the earlier export or checkpoint says nothing about this one
	TooMany     Code = "too_many"     // more than can be looked at
)

func (c Code) tampered() bool {
	switch c {
	case NoKey, Gap, Overlap, CutOff, Unproven, Unwitnessed, Later, HashesOnly, NotCompared, TooMany:
		return false
	default:
		return true
	}
}

// Finding is one thing that is not as it should be, with the indexes of the entries concerned: Start and what follows, without
// End. Where no entry is concerned they are equal.
type Finding struct {
	Code       Code
	Start, End int64
	File       string // and line, where there is one
	Line       int
	Detail     string // more, in English; may be empty
}

// Tampered reports whether the finding shows that something was changed, and not only that something lacks.
func (f Finding) Tampered() bool { return f.Code.tampered() }

// String says it in one sentence.
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(f.sentence())
	if f.Detail != "" {
		b.WriteString(": " + f.Detail)
	}
	if f.File != "" {
		fmt.Fprintf(&b, " (%s", f.File)
		if f.Line > 0 {
			fmt.Fprintf(&b, ", line %d", f.Line)
		}
		b.WriteString(")")
	}
	return b.String()
}

func (f Finding) sentence() string {
	text, known := sentences[f.Code]
	if !known {
		return string(f.Code)
	}
	return strings.NewReplacer("{entries}", f.entries(), "{start}", fmt.Sprint(f.Start), "{last}", fmt.Sprint(f.End-1)).Replace(text)
}

// entries names the range.
func (f Finding) entries() string {
	switch {
	case f.End <= f.Start:
		return fmt.Sprintf("At entry %d", f.Start)
	case f.End == f.Start+1:
		return fmt.Sprintf("Entry %d", f.Start)
	default:
		return fmt.Sprintf("Entries %d to %d", f.Start, f.End-1)
	}
}

// sentences are for people who read the output of the command; docs/operate/audit.md explains each.
var sentences = map[Code]string{
	Changed:       "{entries}: changed after it was logged",
	Removed:       "{entries}: removed, and no certificate allows it",
	Inserted:      "{entries}: put in later",
	Swapped:       "Entries {start} and {last}: exchanged",
	Truncated:     "{entries}: cut off from the end of the log",
	Forked:        "{entries}: there was another log before; the two differ in this range",
	Root:          "{entries}: at least one of them was changed, removed or put in",
	Signature:     "{entries}: the checkpoint after them is not a true one of this log",
	StoredHash:    "{entries}: its hash in the tree was changed",
	Frontier:      "Entry {start}: what the file says of the entries before it is not true",
	Misplaced:     "{entries}: not in its place",
	Unreadable:    "{entries}: not as the log writes it",
	Uncertified:   "{entries}: a certificate that is not a true one, and allows nothing",
	WronglyOpened: "{entries}: the personal data shown are not those that were sealed",
	NoKey:         "The key of the log was not given, so that anybody may have written this",
	Gap:           "{entries}: in no file",
	Overlap:       "{entries}: in two files",
	CutOff:        "From entry {start} on: the file ends before its end",
	Unproven:      "{entries}: not covered by a checkpoint",
	Unwitnessed:   "{entries}: not cosigned by enough witnesses",
	Later:         "{entries}: written by a later version of Konklave",
	HashesOnly:    "{entries}: only the hashes are there",
	NotCompared:   "The earlier export or checkpoint could not be compared",
	TooMany:       "There is more in this export than can be looked at",
}

// FindingsMax is how many findings a report lists; what is more is counted.
const FindingsMax = 100

// Report is what a verification found.
type Report struct {
	Origin          string
	Start, End      int64 // the indexes of the entries that were looked at: Start and what follows, without End
	Entries         int64 // lines
	Pruned          int64 // entries whose content a certificate lets go
	PersonalPruned  int64 // entries of which a certificate lets the personal parts go
	Checkpoints     int64 // that are true
	Certificates    int64 // in the log
	Trusted         int64 // everything from Start to before here is proven by a checkpoint, without a gap
	Last            checkpoint.Signed
	Witnessed       int64 // up to where enough witnesses have cosigned that, too
	Compared        bool  // with something earlier, and equal
	Findings        []Finding
	Unlisted        int // findings that are not listed
	tampered, lacks bool
}

// Verdict says what the report comes to.
func (r *Report) Verdict() Verdict {
	switch {
	case r.tampered:
		return Tampered
	case r.lacks:
		return Incomplete
	default:
		return Intact
	}
}

// detailMax is how much of a detail is kept, in characters: it may quote what somebody hostile has written.
const detailMax = 200

// printable makes of a text one short line that does nothing to a terminal.
func printable(text string) string {
	var b strings.Builder
	for i, r := range []rune(text) {
		switch {
		case i == detailMax:
			return b.String() + "…"
		case !unicode.IsPrint(r):
			r = unicode.ReplacementChar
		}
		b.WriteRune(r)
	}
	return b.String()
}

func (r *Report) add(f Finding) {
	f.Detail, f.File = printable(f.Detail), printable(f.File)
	if f.Tampered() {
		r.tampered = true
	} else {
		r.lacks = true
	}
	if slices.ContainsFunc(r.Findings, func(o Finding) bool { return o.Code == f.Code && o.Start == f.Start && o.End == f.End }) {
		return
	}
	if len(r.Findings) == FindingsMax {
		r.Unlisted++
		return
	}
	r.Findings = append(r.Findings, f)
}

// sort puts findings into the order of the log, those that show tampering first where they concern the same.
func (r *Report) sort() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		if a.Start != b.Start {
			return int(max(min(a.Start-b.Start, 1), -1))
		}
		if a.Tampered() != b.Tampered() {
			if a.Tampered() {
				return -1
			}
			return 1
		}
		return 0
	})
}
