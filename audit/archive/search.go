package archive

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/export"
	"konklave/audit/leaf"
	"konklave/fault"
)

// Limits of a search.
const (
	PageMax = 100            // entries of a page
	LookMax = 10_000         // entries that are looked at for one page, whatever is found
	IDMax   = 200            // bytes of an id that is looked for
	Skew    = 24 * time.Hour // how far the times of entries may be out of order before a search by time misses one
)

// lookAtOnce is how many entries are read at once.
const lookAtOnce = 500

// The faults of a search.
var (
	ErrFilter = fault.New(fault.KindInvalid, "audit.filter", "The audit log cannot be searched for this. Use the kinds, categories and outcomes that the log has, an id of at most 200 bytes, and a time range whose beginning lies before its end.")
	ErrCursor = fault.New(fault.KindInvalid, "audit.cursor", "This is not the place where a page of the audit log ended. Search again from the start.")
)

// As is how somebody or something stands in an entry.
type As string

// The ways.
const (
	AsEither As = ""       // either way
	AsActor  As = "actor"  // who did it
	AsObject As = "object" // whom or what it was done to
)

// Query is what entries are looked for by. What is empty does not narrow the search.
type Query struct {
	Kind     audit.Kind
	Category audit.Category
	Outcome  audit.Outcome
	About    string // the id of an account, a guest, a meeting or anything else that stands in entries
	As       As     // with About
	From     time.Time
	Until    time.Time // without it
}

// Page is what a search found, the newest first. Entries that were changed in the database, or whose content is gone too soon,
// are in it whatever was looked for, so that nobody hides an entry by damaging it.
type Page struct {
	Entries []Shown
	Next    string    // where the search goes on; empty when there is nothing before
	Back    time.Time // the time of the oldest entry that was looked at; zero when there was none
	Size    int64     // entries of the whole log
}

// Search returns entries of the log, at most limit (and PageMax) of them, after the place where a page ended, or the newest.
// A page looks at LookMax entries at most and may have none although there are more before. That somebody searched is an entry
// itself, once for all pages of a search. It fails with ErrFilter, ErrCursor.
func (a *Archive) Search(ctx context.Context, actor access.Actor, q Query, after string, limit int) (Page, error) {
	if err := a.mayRead(actor); err != nil {
		return Page{}, err
	}
	if !q.valid() {
		return Page{}, ErrFilter
	}
	size, err := a.storage.AuditSize(ctx)
	if err != nil {
		return Page{}, fmt.Errorf("how large the audit log is: %w", err)
	}
	before, continued := size, false
	if after != "" {
		if before, continued, err = a.cursors.read(after, actor, q, a.now()); err != nil {
			return Page{}, err
		}
		before = min(before, size)
	} else if !q.Until.IsZero() {
		if before, err = a.jump(ctx, size, q.Until.Add(Skew)); err != nil {
			return Page{}, err
		}
	}
	if !continued {
		if err := a.storage.Record(ctx, audit.LogSearched(audit.Origin{At: a.now(), Actor: actor}, q.said())); err != nil {
			return Page{}, err
		}
	}
	if limit <= 0 || limit > PageMax {
		limit = PageMax
	}
	page, next, err := a.look(ctx, actor, q, before, limit)
	page.Size = size
	if next > 0 {
		page.Next = a.cursors.write(next, actor, q, a.now())
	}
	return page, err
}

func (q Query) valid() bool {
	id := len(q.About) <= IDMax && utf8.ValidString(q.About) && !strings.ContainsFunc(q.About, unicode.IsControl)
	return id && (q.Kind == "" || q.Kind == audit.KindLogPruned || slices.Contains(audit.Kinds(), q.Kind)) &&
		(q.Category == "" || slices.Contains(audit.Categories(), q.Category)) &&
		(q.Outcome == "" || q.Outcome == audit.OutcomeSuccess || q.Outcome == audit.OutcomeFailure) &&
		(q.As == AsEither || q.About != "" && (q.As == AsActor || q.As == AsObject)) &&
		(q.From.IsZero() || q.Until.IsZero() || q.From.Before(q.Until))
}

func (q Query) said() audit.Search {
	return audit.Search{Kind: q.Kind, Category: q.Category, Outcome: q.Outcome, About: q.About, As: string(q.As), From: q.From, Until: q.Until}
}

// entries reads entries that must be there.
func (a *Archive) entries(ctx context.Context, from, n int64) ([]export.Entry, error) {
	entries, err := a.storage.AuditLog(ctx, from, int(n))
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	if int64(len(entries)) != n {
		return nil, fmt.Errorf("%w: %d", export.ErrShort, from+int64(len(entries)))
	}
	return entries, nil
}

// look goes back through the log from an index on, without it. Next is where it stopped; 0 when nothing that is asked for can lie
// before.
func (a *Archive) look(ctx context.Context, actor access.Actor, q Query, before int64, limit int) (page Page, next int64, err error) {
	s := newSieve(actor, q, a.now(), a.certified)
	page.Entries = []Shown{}
	old := 0
	for floor := max(0, before-a.looks); before > floor; {
		from := max(floor, before-lookAtOnce)
		entries, err := a.entries(ctx, from, before-from)
		if err != nil {
			return Page{}, 0, err
		}
		enough := false
		err = a.storage.OpenAudit(ctx, func(ctx context.Context, open Opener) error {
			enough, err = s.pour(ctx, open, entries, limit, &page, &before, &old)
			return err
		})
		if err != nil {
			return Page{}, 0, err
		}
		if enough {
			break
		}
	}
	return page, before, nil
}

// oldEnough is how many entries in a row are too old before all the others are taken to be: one alone may have come when the clock
// was wrong, or have been written to hide what lies before it.
const oldEnough = lookAtOnce

// pour takes entries from the last to the first, and reports whether the search is over. Before is the index of the last that it
// took, or 0 when those before it are too old; old counts those in a row.
func (s sieve) pour(ctx context.Context, open Opener, entries []export.Entry, limit int, page *Page, before *int64, old *int) (enough bool, err error) {
	for _, e := range slices.Backward(entries) {
		*before = e.Index
		shown, wanted, err := s.pass(ctx, open, e)
		if err != nil {
			return false, err
		}
		if wanted {
			page.Entries = append(page.Entries, shown)
		}
		if !shown.At.IsZero() {
			page.Back = shown.At
		}
		tooOld := !s.From.IsZero() && shown.State != StateDamaged && !shown.At.IsZero() && shown.At.Before(s.From.Add(-Skew))
		if *old++; !tooOld {
			*old = 0
		}
		if *old == oldEnough {
			*before = 0
			return true, nil
		}
		if len(page.Entries) == limit {
			return true, nil
		}
	}
	return false, nil
}

// sieve lets those entries through that are asked for.
type sieve struct {
	Query

	tenant string
	now    time.Time
	kind   []byte // stands in the body of every entry of the kind

	certified func(leaf.Certificate) (bool, error)
}

func newSieve(actor access.Actor, q Query, now time.Time, certified func(leaf.Certificate) (bool, error)) sieve {
	s := sieve{Query: q, tenant: actor.Tenant, now: now, certified: certified}
	switch q.Kind {
	case "":
	case audit.KindLogPruned:
		s.kind = []byte(`"certificate":{`)
	default:
		s.kind = []byte(`"kind":"` + string(q.Kind) + `"`)
	}
	return s
}

// pass reports whether an entry is asked for, and if so shows it; else only when it was and whether it is damaged.
func (s sieve) pass(ctx context.Context, open Opener, e export.Entry) (Shown, bool, error) {
	shown, l, sound := examine(e, s.now)
	switch {
	case !sound:
		return shown, true, nil
	case s.Category != "" && l.Category != s.Category, !s.From.IsZero() && l.At.Before(s.From), !s.Until.IsZero() && !l.At.Before(s.Until):
		return shown, false, nil
	case e.Body == nil:
		return shown, s.Kind == "" && s.Outcome == "" && s.About == "", nil
	case !bytes.Contains(e.Body, s.kind):
		return shown, false, nil
	}
	body, err := leaf.DecodeBody(e.Body)
	if err != nil {
		return unreadable(shown, err), true, nil
	}
	if !s.fits(body) {
		return shown, false, nil
	}
	if shown, err = reveal(ctx, open, shown, body, e.Personal, s.certified); err != nil {
		return shown, false, err
	}
	return shown, shown.State == StateDamaged || s.names(shown.Record), nil
}

// fits compares what stands in clear.
func (s sieve) fits(body leaf.Body) bool {
	if body.Certificate != nil {
		return s.Outcome != audit.OutcomeFailure && s.About == "" && (s.Kind == "" || s.Kind == audit.KindLogPruned)
	}
	return body.Entry.Tenant == s.tenant && (s.Kind == "" || body.Entry.Kind == s.Kind) && (s.Outcome == "" || body.Entry.Outcome == s.Outcome)
}

// names reports whether the entry, opened, tells about what is asked for.
func (s sieve) names(r audit.Record) bool {
	actor, object := r.ActorID == s.About || r.ActorUser == s.About, r.ObjectID == s.About
	switch {
	case s.About == "":
		return true
	case s.As == AsActor:
		return actor
	case s.As == AsObject:
		return object
	}
	return actor || object
}
