package verifier

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit/checkpoint"
)

// checkpoint compares a checkpoint with the tree of everything before it.
func (v *run) checkpoint(text []byte) {
	signed, err := v.open(text)
	switch {
	case err != nil:
		v.find(Signature, min(v.proven, v.next), v.next, err.Error())
		return
	case signed.Size != v.next:
		v.find(Misplaced, v.next, v.next, fmt.Sprintf("a checkpoint of %d entries stands after %d", signed.Size, v.next))
		return
	case v.lost:
		return
	case !v.settle(&signed.Root):
		return
	}
	r := v.report
	r.Checkpoints++
	v.proven, r.Last = v.next, signed
	if signed.Witnessed {
		v.witnessed = v.next
	}
	if !v.broken {
		r.Trusted, r.Witnessed = v.proven, v.witnessed
	}
}

func (v *run) open(text []byte) (checkpoint.Signed, error) {
	if v.options.Trust != nil {
		return v.options.Trust.Open(text)
	}
	c, err := checkpoint.Unverified(text)
	if err == nil && c.Origin != v.report.Origin {
		err = checkpoint.ErrOrigin
	}
	return checkpoint.Signed{Checkpoint: c}, err
}

// settle names the entries in doubt, now that there is a signed root to tell what is right, or none. It reports whether either
// the hashes that the entries are said to have, or those of their leaves, have this root.
func (v *run) settle(root *tlog.Hash) bool {
	doubts := v.doubts
	v.doubts = nil
	switch {
	case root != nil && v.stated.Root() == *root:
		v.changed(doubts)
	case root != nil && v.computed != nil && v.computed.Root() == *root:
		for _, d := range doubts {
			v.report.add(Finding{Code: StoredHash, Start: d.index, End: d.index + 1, File: v.file, Line: d.line})
		}
		v.stated = *v.computed
	default:
		v.changed(doubts)
		if root != nil {
			v.find(Root, min(v.proven, v.next), v.next, "")
			v.lost = true
		}
		return false
	}
	v.computed = nil
	return true
}

// changed names entries that are not what was logged; of two that are each other's, that they were exchanged.
func (v *run) changed(doubts []doubt) {
	by := make(map[tlog.Hash]doubt, len(doubts))
	for _, d := range doubts {
		by[d.stated] = d
	}
	for _, d := range doubts {
		f := Finding{Code: Changed, Start: d.index, End: d.index + 1, File: v.file, Line: d.line}
		if other, found := by[d.computed]; found && other.computed == d.stated {
			f.Code, f.Start, f.End = Swapped, min(d.index, other.index), max(d.index, other.index)+1
		}
		v.report.add(f)
	}
}

// finish says what only the whole can tell.
func (v *run) finish() error {
	r := v.report
	v.file, v.line = "", 0
	if r.Start < 0 {
		r.Start = 0
	}
	r.End = max(r.End, v.next)
	v.settle(nil)
	if v.begun && !v.lost && v.proven < r.End {
		v.find(Unproven, v.proven, r.End, "")
	}
	v.certificates.unconfirmed(func(index int64) { v.find(Uncertified, index, index+1, "") })
	if t := v.options.Trust; t == nil {
		v.find(NoKey, r.End, r.End, "")
	} else if t.Threshold() > 0 && v.witnessed < r.End {
		v.find(Unwitnessed, max(v.witnessed, r.Start), r.End, "")
	}
	err := v.since.finish(v)
	r.sort()
	return err
}
