package verifier

import (
	"golang.org/x/mod/sumdb/tlog"
)

// explain says of entries that differ what was done to them.
func (c *comparison) explain(v *run) {
	d := c.diffs
	if len(d) == 0 {
		return
	}
	first, last := d[0], d[len(d)-1]
	together := last.index-first.index == int64(len(d))-1
	here := v.report.End
	switch by := shift(d); {
	case first.missing:
		v.find(Truncated, first.index, c.end, "an earlier export has them")
	case exchanged(d):
		for _, one := range d {
			other := partner(d, one)
			v.find(Swapped, min(one.index, other.index), max(one.index, other.index)+1, "compared with an earlier export")
		}
	case together && by > 0:
		v.find(Removed, first.index, first.index+by, "what an earlier export has after it has moved up")
		if c.end-by > here {
			v.find(Truncated, here, c.end-by, "an earlier export has them")
		}
	case together && by < 0:
		v.find(Inserted, first.index, first.index-by, "what an earlier export has in its place has moved down")
	case together && len(d) > 1 && (c.more || last.index == c.end-1):
		v.find(Forked, first.index, c.end, "from the first of them on, an earlier export has others")
		if c.end > here {
			v.find(Truncated, here, c.end, "an earlier export has them")
		}
	default:
		for _, one := range d {
			if one.missing {
				v.find(Truncated, one.index, c.end, "an earlier export has them")
				break
			}
			v.find(Changed, one.index, one.index+1, "an earlier export has another")
		}
		if c.more {
			v.find(Forked, last.index, c.end, "an earlier export has others")
		}
	}
}

// shift returns by how many places everything after the first diff has moved: up when it is positive, because something was taken
// out, down when it is negative, because something was put in. It returns 0 when it is something else.
func shift(d []diff) int64 {
	n := len(d)
	for by := 1; by < n; by++ {
		if d[0].is == d[by].was && !d[0].missing && moved(d, by, func(one diff) (tlog.Hash, bool) { return one.is, !one.missing }, func(one diff) (tlog.Hash, bool) { return one.was, true }) {
			return int64(by)
		}
		if d[0].was == d[by].is && !d[by].missing && moved(d, by, func(one diff) (tlog.Hash, bool) { return one.was, true }, func(one diff) (tlog.Hash, bool) { return one.is, !one.missing }) {
			return -int64(by)
		}
	}
	return 0
}

// moved reports whether each hash of one kind stands, of the other kind, so many places further on.
func moved(d []diff, by int, from, to func(diff) (tlog.Hash, bool)) bool {
	for i := 0; i+by < len(d); i++ {
		a, has := from(d[i])
		b, had := to(d[i+by])
		if has && had && a != b {
			return false
		}
	}
	return true
}

// exchanged reports whether every diff has a partner with which it was exchanged.
func exchanged(d []diff) bool {
	for _, one := range d {
		if other := partner(d, one); other.index == one.index {
			return false
		}
	}
	return true
}

// partner returns the diff with which one was exchanged, or one itself.
func partner(d []diff, one diff) diff {
	for _, other := range d {
		if !other.missing && !one.missing && other.was == one.is && other.is == one.was && other.index != one.index {
			return other
		}
	}
	return one
}
