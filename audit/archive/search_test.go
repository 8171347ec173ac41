package archive_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/archive"
	"konklave/audit/audittest"
	"konklave/audit/leaf"
)

// newSearch has a log of n entries of audittest, some of them signed.
func newSearch(t *testing.T, n int) *shelf {
	t.Helper()
	return newShelf(t, n-3)
}

func (s *shelf) search(t *testing.T, q archive.Query) []archive.Shown {
	t.Helper()
	page, err := s.Search(t.Context(), auditor(), q, "", 0)
	if err != nil || page.Next != "" {
		t.Fatalf("%+v: next %q, %v", q, page.Next, err)
	}
	return page.Entries
}

// those are the entries of audittest that are wanted, the newest first.
func those(n int, wanted func(r audit.Record) bool) []int64 {
	var found []int64
	for i := range n {
		if wanted(audittest.Entry(i).Record()) {
			found = append(found, int64(i))
		}
	}
	slices.Reverse(found)
	return found
}

func indexes(shown []archive.Shown) []int64 {
	var found []int64
	for _, e := range shown {
		found = append(found, e.Index)
	}
	return found
}

func at(minute int) time.Time { return audittest.Start().Add(time.Duration(minute) * time.Minute) }

func TestASearchFindsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	const n = 90
	between := func(from, until int) func(audit.Record) bool {
		return func(r audit.Record) bool { return !r.At.Before(at(from)) && r.At.Before(at(until)) }
	}
	told := func(r audit.Record, id string) bool { return r.ActorID == id || r.ActorUser == id || r.ObjectID == id }
	for name, c := range map[string]struct {
		query  archive.Query
		wanted func(audit.Record) bool
	}{
		"everything":     {archive.Query{}, func(audit.Record) bool { return true }},
		"a kind":         {archive.Query{Kind: audit.KindUserCreated}, func(r audit.Record) bool { return r.Kind == audit.KindUserCreated }},
		"a category":     {archive.Query{Category: audit.CategoryConference}, func(r audit.Record) bool { return r.Kind.Category() == audit.CategoryConference }},
		"failures":       {archive.Query{Outcome: audit.OutcomeFailure}, func(r audit.Record) bool { return r.Outcome == audit.OutcomeFailure }},
		"a person":       {archive.Query{About: "user1"}, func(r audit.Record) bool { return told(r, "user1") }},
		"who did it":     {archive.Query{About: "user1", As: archive.AsActor}, func(r audit.Record) bool { return r.ActorID == "user1" }},
		"to whom":        {archive.Query{About: "user1", As: archive.AsObject}, func(r audit.Record) bool { return r.ObjectID == "user1" }},
		"a session":      {archive.Query{About: "session6"}, func(r audit.Record) bool { return r.ObjectID == "session6" }},
		"a conference":   {archive.Query{About: "conference2", As: archive.AsObject}, func(r audit.Record) bool { return r.ObjectID == "conference2" }},
		"a worker":       {archive.Query{About: "conference2", As: archive.AsActor}, func(r audit.Record) bool { return r.ActorID == "conference2" }},
		"from":           {archive.Query{From: at(80)}, between(80, n)},
		"until":          {archive.Query{Until: at(7)}, between(0, 7)},
		"an hour":        {archive.Query{From: at(10), Until: at(70)}, between(10, 70)},
		"a kind in time": {archive.Query{Kind: audit.KindUserCreated, From: at(10), Until: at(70)}, func(r audit.Record) bool { return r.Kind == audit.KindUserCreated && between(10, 70)(r) }},
		"nobody":         {archive.Query{About: "nobody"}, func(audit.Record) bool { return false }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSearch(t, n)
			found := s.search(t, c.query)
			if want := those(n, c.wanted); !slices.Equal(indexes(found), want) {
				t.Errorf("found %v, want %v", indexes(found), want)
			}
			for _, e := range found {
				want := audittest.Entry(int(e.Index)).Record()
				if want.ID = e.Record.ID; e.Record != want || e.State != archive.StateWhole || !e.At.Equal(want.At) || e.Category != want.Kind.Category() {
					t.Errorf("%+v\nis not %+v", e, want)
				}
			}
		})
	}
}

func TestL17ASearchLeavesOneEntryForAllItsPages(t *testing.T) {
	t.Parallel()
	s := newSearch(t, 60)
	q := archive.Query{Category: audit.CategorySecurity, About: "user0"}
	want, found := indexes(s.search(t, q)), []int64(nil)
	s = newSearch(t, 60)
	cursors := []string{""}
	for after := ""; ; {
		page, err := s.Search(t.Context(), auditor(), q, after, 2)
		if err != nil || len(page.Entries) > 2 || page.Size < 60 {
			t.Fatal(page, err)
		}
		found = append(found, indexes(page.Entries)...)
		if after = page.Next; after == "" {
			break
		}
		cursors = append(cursors, after)
	}
	recorded := s.store.Recorded()
	if !slices.Equal(found, want) || len(cursors) < 3 || len(recorded) != 1 {
		t.Errorf("found %v in %d pages, want %v; recorded %+v", found, len(cursors), want, recorded)
	}
	if r := recorded[0]; r.Kind != audit.KindLogSearched || r.ActorUser != "u1" || r.ObjectID != "user0" || r.Details != `{"category":"security"}` {
		t.Errorf("recorded %+v", r)
	}
	other := auditor()
	other.ID = "t2"
	again := []error{
		second(s.Search(t.Context(), other, q, cursors[1], 2)),
		second(s.Search(t.Context(), auditor(), archive.Query{}, cursors[1], 2)),
		second(archive.New(s.store, s.Keys, nil, now).Search(t.Context(), auditor(), q, cursors[1], 2)),
	}
	if err := errors.Join(again...); err != nil || len(s.store.Recorded()) != 1+len(again) {
		t.Errorf("%d entries, %v", len(s.store.Recorded()), err)
	}
	for _, bad := range []string{"x", cursors[1] + "A", cursors[1][1:], strings.Repeat("_", len(cursors[1]))} {
		if _, err := s.Search(t.Context(), auditor(), q, bad, 2); !errors.Is(err, archive.ErrCursor) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestASearchThatWaitsTooLongIsAnotherOne(t *testing.T) {
	t.Parallel()
	s := newSearch(t, 9)
	present := now()
	s.Archive = archive.New(s.store, s.Keys, nil, func() time.Time { return present })
	page, err := s.Search(t.Context(), auditor(), archive.Query{}, "", 2)
	if err != nil {
		t.Fatal(err)
	}
	for wait, want := range map[time.Duration]int{archive.CursorLifetime: 0, archive.CursorLifetime + time.Millisecond: 1} {
		before := len(s.store.Recorded())
		present = now().Add(wait)
		if _, err := s.Search(t.Context(), auditor(), archive.Query{}, page.Next, 2); err != nil || len(s.store.Recorded())-before != want {
			t.Errorf("after %s: %d entries, %v", wait, len(s.store.Recorded())-before, err)
		}
	}
}

func TestAPageHasBounds(t *testing.T) {
	t.Parallel()
	s := newSearch(t, archive.PageMax+1)
	for limit, want := range map[int]int{-1: archive.PageMax, 0: archive.PageMax, 1: 1, archive.PageMax: archive.PageMax, archive.PageMax + 1: archive.PageMax} {
		page, err := s.Search(t.Context(), auditor(), archive.Query{Until: at(archive.PageMax + 1)}, "", limit)
		if err != nil || len(page.Entries) != want || page.Next == "" {
			t.Errorf("%d: %d entries, next %q, %v", limit, len(page.Entries), page.Next, err)
		}
	}
	if page, err := s.Search(t.Context(), auditor(), archive.Query{Until: at(archive.PageMax)}, "", 0); err != nil || len(page.Entries) != archive.PageMax || page.Next != "" {
		t.Errorf("%d entries, next %q, %v", len(page.Entries), page.Next, err)
	}
	for looks, want := range map[int64]int{59: 0, 60: 1} { // entry 0 is the sixtieth from the end
		s := newSearch(t, 60)
		s.Looking(looks)
		q := archive.Query{About: "session0"}
		page, err := s.Search(t.Context(), auditor(), q, "", 0)
		if err != nil || len(page.Entries) != want || (page.Next == "") != (want == 1) || !page.Back.Equal(at(60-int(looks))) {
			t.Errorf("looking at %d: %+v, %v", looks, page, err)
		}
		if want == 0 {
			if page, err = s.Search(t.Context(), auditor(), q, page.Next, 0); err != nil || len(page.Entries) != 1 || page.Next != "" {
				t.Errorf("going on: %+v, %v", page, err)
			}
		}
	}
}

func TestWhatCannotBeSearchedFor(t *testing.T) {
	t.Parallel()
	s := newSearch(t, 6)
	for name, q := range map[string]archive.Query{
		"kind": {Kind: "x"}, "category": {Category: "x"}, "outcome": {Outcome: "x"}, "as": {About: "x", As: "x"}, "as nobody": {As: archive.AsActor},
		"a long id": {About: strings.Repeat("x", archive.IDMax+1)}, "an id of two lines": {About: "x\ny"}, "no text": {About: "\xff"},
		"no time": {From: at(1), Until: at(1)},
	} {
		if _, err := s.Search(t.Context(), auditor(), q, "", 0); !errors.Is(err, archive.ErrFilter) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, q := range map[string]archive.Query{
		"a long id": {About: strings.Repeat("x", archive.IDMax)}, "certificates": {Kind: audit.KindLogPruned}, "a millisecond": {From: at(1), Until: at(1).Add(1)},
	} {
		if found := s.search(t, q); len(found) > 1 {
			t.Errorf("%s: %v", name, found)
		}
	}
	if n := len(s.store.Recorded()); n != 3 {
		t.Errorf("%d entries", n)
	}
	s.store.Fail = errors.New("the disk is full")
	if _, err := s.Search(t.Context(), auditor(), archive.Query{}, "", 0); !errors.Is(err, s.store.Fail) {
		t.Errorf("without an entry: %v", err)
	}
}

// Whoever damages an entry does not hide it from any search, and what was let go is told from it.
func TestL4DamagedEntriesAreInEverySearch(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(l *audittest.Log){
		"body":             func(l *audittest.Log) { l.Entries[12].Body = l.Entries[18].Body },
		"leaf":             func(l *audittest.Log) { l.Entries[12].Leaf = l.Entries[18].Leaf },
		"hash":             func(l *audittest.Log) { l.Entries[12].Hash[0]++ },
		"personal":         func(l *audittest.Log) { l.Entries[12].Personal = l.Entries[18].Personal },
		"row":              func(l *audittest.Log) { l.Entries[12].Leaf, l.Entries[12].Body, l.Entries[12].Personal = nil, nil, nil },
		"content":          func(l *audittest.Log) { l.Entries[12].Body, l.Entries[12].Personal = nil, nil },
		"what is personal": func(l *audittest.Log) { l.Entries[12].Personal = nil },
		"all but its hash": func(l *audittest.Log) {
			l.Entries[12].Leaf, l.Entries[12].Body, l.Entries[12].Personal = l.Entries[18].Leaf, l.Entries[18].Body, l.Entries[18].Personal
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSearch(t, 30)
			damage(s.log)
			for _, q := range []archive.Query{
				{About: "user2"}, {Kind: audit.KindUserCreated}, {Category: audit.CategoryConference}, {From: at(20)}, {Until: at(3)},
			} {
				found := s.search(t, q)
				if i := slices.Index(indexes(found), 12); i < 0 || found[i].State != archive.StateDamaged || found[i].Record != (audit.Record{}) {
					t.Errorf("%+v: %+v", q, found)
				}
			}
			if w, err := s.Show(t.Context(), auditor(), 12); err != nil || w.State != archive.StateDamaged {
				t.Errorf("shown: %+v, %v", w, err)
			}
		})
	}
}

// Content may be gone when the shortest retention of its category is over, and not sooner; what is told of the log itself, never.
func TestL4ContentThatIsGoneTooSoonIsDamage(t *testing.T) {
	t.Parallel()
	s := newSearch(t, 30)
	if err := s.log.Certify(t.Context(), leaf.Certificate{
		Start: 0, End: 1, Category: audit.CategoryConference, Before: at(0), Scope: leaf.ScopeEntry, Policy: "p", Reason: "r",
	}); err != nil {
		t.Fatal(err)
	}
	for i := range s.log.Entries {
		s.log.Entries[i].Body, s.log.Entries[i].Personal = nil, nil
	}
	for age, want := range map[time.Duration]map[audit.Category]archive.State{
		7*24*time.Hour - time.Millisecond:  {audit.CategorySecurity: archive.StateDamaged, audit.CategoryConference: archive.StateDamaged, audit.CategoryAdministration: archive.StateDamaged},
		7 * 24 * time.Hour:                 {audit.CategorySecurity: archive.StateDamaged, audit.CategoryConference: archive.StateRemoved, audit.CategoryAdministration: archive.StateRemoved},
		90*24*time.Hour - time.Millisecond: {audit.CategorySecurity: archive.StateDamaged, audit.CategoryConference: archive.StateRemoved, audit.CategoryAdministration: archive.StateRemoved},
		90 * 24 * time.Hour:                {audit.CategorySecurity: archive.StateRemoved, audit.CategoryConference: archive.StateRemoved, audit.CategoryAdministration: archive.StateRemoved},
	} {
		for i := range 31 { // 30 is the certificate
			a := archive.New(s.store, s.Keys, nil, func() time.Time { return at(i).Add(age) })
			w, err := a.Show(t.Context(), auditor(), int64(i))
			wanted := want[w.Category]
			if w.Category == audit.CategoryLog {
				wanted = archive.StateDamaged
			}
			if err != nil || w.State != wanted || w.Record != (audit.Record{}) {
				t.Errorf("entry %d (%s) after %s: %s, want %s; %v", i, w.Category, age, w.State, wanted, err)
			}
		}
	}
	for _, q := range []archive.Query{{About: "user1"}, {Kind: audit.KindUserCreated}} {
		found := s.search(t, q)
		for i := range int64(31) {
			if !slices.Contains(indexes(found), i) {
				t.Errorf("%+v: entry %d is not there", q, i)
			}
		}
	}
}

func TestL4ACertificateMadeByHandIsShownAsDamage(t *testing.T) {
	t.Parallel()
	s := newSearch(t, 30)
	made, err := s.log.Certified(leaf.Certificate{
		Start: 0, End: 1, Category: audit.CategoryConference, Before: at(0), Scope: leaf.ScopeEntry, Policy: "p", Reason: "r",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []archive.State{archive.StateWhole, archive.StateDamaged} {
		index := int64(len(s.log.Entries))
		if err := s.log.Prune(t.Context(), made); err != nil {
			t.Fatal(err)
		}
		w, err := s.Show(t.Context(), auditor(), index)
		if err != nil || w.State != want || (w.Record == audit.Record{}) != (want == archive.StateDamaged) {
			t.Errorf("shown: %+v, %v; want %s", w.Shown, err, want)
		}
		found := s.search(t, archive.Query{Kind: audit.KindLogPruned})
		if i := slices.Index(indexes(found), index); i < 0 || found[i].State != want {
			t.Errorf("searched: %+v, want %s", found, want)
		}
		made.Reason = "another" // which is not what was signed
	}
	nobody := archive.New(s.store, func() ([]string, error) { return nil, nil }, nil, now)
	if w, err := nobody.Show(t.Context(), auditor(), 30); err != nil || w.State != archive.StateDamaged {
		t.Errorf("without a key: %+v, %v", w.Shown, err)
	}
}

func TestWhatIsLeftOfAnEntry(t *testing.T) {
	t.Parallel()
	s := newSearch(t, 30)
	s.Archive = archive.New(s.store, s.Keys, nil, func() time.Time { return now().AddDate(0, 0, 7) })
	certificate := leaf.Certificate{
		Start: 0, End: 12, Category: audit.CategoryConference, Before: at(12), Scope: leaf.ScopeEntry, Policy: "retention.conference=1 hour", Reason: "over",
	}
	if err := s.log.Certify(t.Context(), certificate); err != nil {
		t.Fatal(err)
	}
	s.log.Keys.Erase("user0")
	states := map[archive.State]int{}
	for _, e := range s.search(t, archive.Query{}) {
		states[e.State]++
		w, err := s.Show(t.Context(), auditor(), e.Index)
		if err != nil || w.Shown != e || leaf.Hash(w.Leaf) != w.Hash {
			t.Fatalf("%+v is not %+v, %v", w, e, err)
		}
		for _, p := range w.Parts {
			if len(p.Sealed) == 0 || (p.Key == nil) != (e.State == archive.StateErased) {
				t.Errorf("%d, %s: %+v", e.Index, e.State, p)
			}
		}
		if (w.Body == nil) != (e.State == archive.StateRemoved) {
			t.Errorf("%d, %s: %s", e.Index, e.State, w.Body)
		}
	}
	if want := fmt.Sprint(map[archive.State]int{archive.StateErased: 5, archive.StateRemoved: 6, archive.StateWhole: 20}); fmt.Sprint(states) != want {
		t.Errorf("%v, want %s", states, want)
	}
	found := s.search(t, archive.Query{Kind: audit.KindLogPruned})
	certificate.At = audittest.CertifiedAt()
	if len(found) != 1 || found[0].Index != 30 || found[0].Record.Details != certificate.Details() {
		t.Errorf("certificates: %+v", found)
	}
	for _, q := range []archive.Query{{Kind: audit.KindParticipantJoined, Until: at(12)}, {About: "conference0"}, {Outcome: audit.OutcomeFailure, Category: audit.CategoryConference}} {
		if found := s.search(t, q); len(found) > 0 {
			t.Errorf("%+v: %v", q, found)
		}
	}
}

// Entries whose times are out of order, because a clock was put, are found by time all the same, within a day.
func TestASearchByTimeSurvivesAClockThatIsPut(t *testing.T) {
	t.Parallel()
	s := newSearch(t, 6)
	day := func(d int, off time.Duration) time.Time { return audittest.Start().AddDate(0, 0, d).Add(off) }
	for d := 1; d < 40; d++ {
		for _, off := range []time.Duration{0, -11 * time.Hour, 11 * time.Hour} {
			o := audit.Origin{At: day(d, off), Actor: access.System("test")}
			if err := s.log.Record(t.Context(), audit.MeetingDeleted(o, fmt.Sprint(d))); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, e := range s.search(t, archive.Query{From: day(20, -11*time.Hour), Until: day(20, 11*time.Hour+1)}) {
		if e.Record.ObjectID != "20" {
			t.Errorf("%+v", e)
		}
	}
	if found := s.search(t, archive.Query{About: "20"}); len(found) != 3 {
		t.Errorf("%+v", found)
	}
	if found := s.search(t, archive.Query{From: day(20, -11*time.Hour), Until: day(20, 11*time.Hour+1)}); len(found) != 3 {
		t.Errorf("%+v", found)
	}
}

// One entry of a time long ago, with which somebody could want to end a search, does not hide what lies before it.
func TestASearchByTimeGoesBeyondAnEntryOfLongAgo(t *testing.T) {
	t.Parallel()
	s := newSearch(t, 1)
	for id, at := range []time.Time{audittest.Start(), audittest.Start(), audittest.Start().AddDate(-50, 0, 0), audittest.Start()} {
		o := audit.Origin{At: at, Actor: access.System("test")}
		if err := s.log.Record(t.Context(), audit.MeetingDeleted(o, fmt.Sprint(id))); err != nil {
			t.Fatal(err)
		}
	}
	if found := s.search(t, archive.Query{Kind: audit.KindMeetingDeleted, From: audittest.Start().Add(-time.Hour)}); len(found) != 3 {
		t.Errorf("%+v", found)
	}
}

func TestL17WhoeverIsShownAnEntryLeavesOne(t *testing.T) {
	t.Parallel()
	s := newSearch(t, 9)
	w, err := s.Show(t.Context(), auditor(), 8)
	if err != nil || w.State != archive.StateWhole || w.Record.Kind != audittest.Entry(8).Record().Kind || string(w.Leaf) != string(s.log.Entries[8].Leaf) {
		t.Errorf("%+v, %v", w, err)
	}
	if r := s.store.Recorded(); len(r) != 1 || r[0].Kind != audit.KindLogEntryRead || r[0].ObjectID != "8" || r[0].ActorUser != "u1" {
		t.Errorf("%+v", r)
	}
	for _, index := range []int64{-1, 10} { // 9 is that of the reading
		if _, err := s.Show(t.Context(), auditor(), index); !errors.Is(err, archive.ErrRange) {
			t.Errorf("%d: %v", index, err)
		}
	}
	if _, err := s.Show(t.Context(), auditor(), 9); err != nil {
		t.Error(err)
	}
}
