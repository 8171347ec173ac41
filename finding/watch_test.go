package finding

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"konklave/access"
	"konklave/audit"
)

// memory is a Log and Habits in memory.
type memory struct {
	entries []audit.Record
	habits  []Habit
	found   []Finding
	roles   access.Roles

	fails      error // until then
	failsUntil time.Time
}

func (m *memory) AuditSize(context.Context) (int64, error) {
	if time.Now().Before(m.failsUntil) {
		return 0, m.fails
	}
	return int64(len(m.entries)), nil
}

func (m *memory) AuditPlaced(_ context.Context, from int64, limit int) ([]audit.Record, error) {
	return m.entries[from:min(int(from)+limit, len(m.entries))], nil
}

func (m *memory) RolesOf(context.Context, string, string) (access.Roles, error) { return m.roles, nil }

func (m *memory) Habits(_ context.Context, _, userID string, since time.Time) ([]Habit, error) {
	return slices.DeleteFunc(slices.Clone(m.habits), func(h Habit) bool { return h.UserID != userID || h.LastAt.Before(since) }), nil
}

func (m *memory) Learn(_ context.Context, done []Habit, found []Finding, _ time.Time) error {
	for _, d := range done {
		same := func(h Habit) bool { return h.UserID == d.UserID && h.Aspect == d.Aspect && h.Value == d.Value }
		if i := slices.IndexFunc(m.habits, same); i >= 0 {
			if h := &m.habits[i]; h.LastAt.Before(d.LastAt) {
				h.Times, h.LastAt, h.Mark = h.Times+1, d.LastAt, d.Mark
			}
			continue
		}
		d.Times, d.FirstAt = 1, d.LastAt
		m.habits = append(m.habits, d)
	}
	for _, f := range found { // as the store does
		again := func(g Finding) bool {
			return g.ID == f.ID || g.Kind == f.Kind && g.Topic == f.Topic && g.At.After(f.At.Add(-f.Quiet))
		}
		if !slices.ContainsFunc(m.found, again) {
			m.found = append(m.found, f)
		}
	}
	return nil
}

// add writes an entry of an account at a time.
func (m *memory) add(at time.Time, who string, entry func(audit.Origin) audit.Entry) string {
	r := entry(audit.Origin{At: at, Actor: access.Actor{Kind: access.KindAccount, ID: who, UserID: who, Tenant: "default"}}).Record()
	r.Seq = int64(len(m.entries))
	m.entries = append(m.entries, r)
	return r.ID
}

func (m *memory) arrives(at time.Time, who, source string) string {
	return m.add(at, who, func(o audit.Origin) audit.Entry { return audit.SessionStarted(o, "s", source) })
}

func (m *memory) disables(at time.Time, who, whom string) string {
	return m.add(at, who, func(o audit.Origin) audit.Entry { return audit.UserDisabled(o, whom, 0) })
}

// map of places by address.
type places map[string]Place

func (p places) Place(a netip.Addr) (Place, bool) { found, ok := p[a.String()]; return found, ok }

func world() places {
	return places{
		"192.0.2.0":    {Country: "DE", Latitude: 52.5, Longitude: 13.4, Radius: 20, Located: true},
		"192.0.3.0":    {Country: "DE", Latitude: 48.1, Longitude: 11.6, Radius: 20, Located: true},
		"198.51.100.0": {Country: "JP", Latitude: 35.7, Longitude: 139.7, Radius: 50, Located: true},
		"203.0.113.0":  {Country: "FR"},
	}
}

const (
	berlin = "192.0.2.0/24"
	munich = "192.0.3.0/24"
	tokyo  = "198.51.100.0/24"
	france = "203.0.113.0/24"
)

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// kinds looks at everything that is new and returns what is found in all, by kind.
func kinds(t *testing.T, w *Watch, m *memory) []Kind {
	t.Helper()
	if err := w.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all []Kind
	for _, f := range m.found {
		all = append(all, f.Kind)
	}
	return all
}

func watch(m *memory) *Watch { return NewWatch(m, m, world(), slog.New(slog.DiscardHandler)) }

func TestTheFirstCountryIsUsualAndAnotherIsFound(t *testing.T) {
	t.Parallel()
	m := &memory{roles: access.Ordinary}
	w := watch(m)
	m.arrives(monday, "anna", berlin)
	m.arrives(monday.Add(time.Hour), "anna", "10.0.0.0/24") // of which nothing is known
	m.arrives(monday.Add(time.Hour), "ben", france)         // which is his first
	m.arrives(monday.Add(24*time.Hour), "anna", berlin)
	if got := kinds(t, w, m); got != nil {
		t.Fatalf("found %v", got)
	}
	entry := m.arrives(monday.Add(48*time.Hour), "anna", france)
	m.arrives(monday.Add(72*time.Hour), "anna", france)
	if got := kinds(t, w, m); !slices.Equal(got, []Kind{NewCountry}) {
		t.Fatalf("found %v", got)
	}
	if f := m.found[0]; f.UserID != "anna" || !slices.Equal(f.Evidence.Countries, []string{"FR", "DE"}) || !slices.Equal(f.Evidence.Entries, []string{entry}) ||
		!slices.Equal(f.Evidence.Sources, []string{france}) || !slices.Equal(f.Evidence.Sessions, []string{"s"}) {
		t.Errorf("%+v", f)
	}
}

func TestACountryIsForgottenAfterItsTime(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration][]Kind{HabitMemory: nil, HabitMemory + time.Millisecond: {NewCountry}} {
		m := &memory{}
		w := watch(m)
		m.arrives(monday, "anna", france)
		m.arrives(monday.Add(wait-time.Hour), "anna", berlin)
		_ = kinds(t, w, m)
		m.found = nil
		m.arrives(monday.Add(wait), "anna", france)
		if got := kinds(t, w, m); !slices.Equal(got, want) {
			t.Errorf("after %v: %v", wait, got)
		}
	}
}

func TestTravelFromBothSides(t *testing.T) {
	t.Parallel()
	berlinTokyo := world()["192.0.2.0"].apart(world()["198.51.100.0"])
	if berlinTokyo < 8700 || berlinTokyo > 8950 {
		t.Fatalf("Berlin and Tokyo are %v km apart", berlinTokyo)
	}
	longest := time.Duration(berlinTokyo / TravelSpeed * float64(time.Hour))
	for name, c := range map[string]struct {
		to   string
		took time.Duration
		want bool
	}{
		"too fast":        {tokyo, longest - time.Second, true},
		"just possible":   {tokyo, longest + time.Second, false},
		"near, at once":   {munich, time.Second, false},
		"nobody knows":    {france, time.Second, false},
		"the same second": {tokyo, time.Second, true},
	} {
		m := &memory{}
		w := watch(m)
		m.arrives(monday, "anna", berlin)
		m.arrives(monday.Add(c.took), "anna", c.to)
		if got := slices.Contains(kinds(t, w, m), ImpossibleTravel); got != c.want {
			t.Errorf("%s: found is %v", name, got)
		}
	}
	if !impossible(TravelDistance, time.Minute) || impossible(TravelDistance-0.1, time.Minute) || impossible(TravelSpeed, time.Hour) || !impossible(TravelSpeed+0.1, time.Hour) {
		t.Error("a limit of travel is not where it should be")
	}
	back := placeOf(Habit{Value: "JP", Mark: world()["198.51.100.0"].Mark()})
	if back != world()["198.51.100.0"] || placeOf(Habit{Value: "FR"}) != (Place{Country: "FR"}) || placeOf(Habit{Value: "FR", Mark: "1,x,2"}).Located {
		t.Errorf("a mark is read as %+v", back)
	}
}

func TestManyGraveActsOfOneAdministrator(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		acts  int
		every time.Duration
		want  []Kind
	}{
		"nine at once":             {AdminActs - 1, 0, nil},
		"ten at once":              {AdminActs, 0, []Kind{AdminBurst}},
		"ten within the window":    {AdminActs, AdminWindow / (AdminActs - 1), []Kind{AdminBurst}},
		"ten in a longer time":     {AdminActs, AdminWindow/(AdminActs-1) + time.Millisecond, nil},
		"a hundred are found once": {100, time.Second, []Kind{AdminBurst}},
	} {
		m := &memory{}
		w := watch(m)
		for i := range c.acts {
			m.disables(monday.Add(time.Duration(i)*c.every), "adam", fmt.Sprint(i))
			m.disables(monday.Add(time.Duration(i)*c.every), "eve", "eve") // herself
		}
		for i := range AdminActs - 1 {
			m.disables(monday, fmt.Sprint("a", i), "x") // others
		}
		if got := kinds(t, w, m); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", name, got)
		} else if len(got) > 0 && (m.found[0].UserID != "adam" || m.found[0].Evidence.Acts != AdminActs || len(m.found[0].Evidence.Entries) != AdminActs) {
			t.Errorf("%s: %+v", name, m.found[0])
		}
		if again := kinds(t, watch(m), m); !slices.Equal(again, c.want) { // another controller, or after a restart
			t.Errorf("%s, looked at again: %v", name, again)
		}
	}
}

func TestManyGraveActsOfOneMachine(t *testing.T) {
	t.Parallel()
	does := func(m *memory, at time.Time, machine string, n int) {
		r := audit.UserDisabled(audit.Origin{At: at, Actor: access.Machine(machine, "default", access.UsersProvision)}, fmt.Sprint(n), 0).Record()
		r.Seq = int64(len(m.entries))
		m.entries = append(m.entries, r)
	}
	for acts, want := range map[int][]Kind{MachineActs - 1: nil, MachineActs: {AdminBurst}, MachineActs + 20: {AdminBurst}} {
		m := &memory{roles: access.Administrator}
		w := watch(m)
		for i := range acts {
			does(m, monday.Add(time.Duration(i)*time.Second), "m1", i)
			if i < MachineActs-1 {
				does(m, monday, "m2", i)
			}
		}
		if got := kinds(t, w, m); !slices.Equal(got, want) || len(m.habits) != 0 {
			t.Errorf("%d acts: %v, habits %+v", acts, got, m.habits)
		} else if len(got) > 0 && (m.found[0].UserID != "" || m.found[0].Evidence.Machine != "m1" || m.found[0].Topic != "m1" || m.found[0].Evidence.Acts != MachineActs) {
			t.Errorf("%d acts: %+v", acts, m.found[0])
		}
	}
}

// learnt is an administrator who acts so often, the first time so long before now.
func learnt(now time.Time, times int, since time.Duration) *memory {
	m := &memory{roles: access.Administrator}
	for _, h := range []Habit{{Aspect: AspectHour, Value: "09:00"}, {Aspect: AspectNetwork, Value: berlin}} {
		h.UserID, h.Times, h.FirstAt, h.LastAt = "adam", times, now.Add(-since), now.Add(-time.Hour)
		m.habits = append(m.habits, h)
	}
	return m
}

func TestUnusualHoursAndNetworksOfAnAdministrator(t *testing.T) {
	t.Parallel()
	at := func(hour, minute int) time.Time { return time.Date(2026, 11, 24, hour, minute, 0, 0, time.UTC) }
	for name, c := range map[string]struct {
		times  int
		since  time.Duration
		at     time.Time
		source string
		want   []Kind
	}{
		"as ever":                 {LearnTimes, LearnTime, at(9, 30), berlin, nil},
		"an hour earlier":         {LearnTimes, LearnTime, at(8, 0), berlin, nil},
		"an hour later":           {LearnTimes, LearnTime, at(10, 59), berlin, nil},
		"two hours earlier":       {LearnTimes, LearnTime, at(7, 59), berlin, []Kind{AdminHour}},
		"two hours later":         {LearnTimes, LearnTime, at(11, 0), berlin, []Kind{AdminHour}},
		"another network":         {LearnTimes, LearnTime, at(9, 0), munich, []Kind{AdminNetwork}},
		"at night from elsewhere": {LearnTimes, LearnTime, at(3, 0), munich, []Kind{AdminNetwork, AdminHour}},
		"known too rarely":        {LearnTimes - 1, LearnTime, at(3, 0), munich, nil},
		"known too short":         {LearnTimes, LearnTime - time.Millisecond, at(3, 0), munich, nil},
	} {
		m := learnt(c.at, c.times, c.since)
		w := watch(m)
		m.arrives(c.at, "adam", c.source)
		m.disables(c.at, "adam", "anna")
		if got := kinds(t, w, m); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
		m.arrives(c.at.Add(time.Second), "adam", c.source)
		m.disables(c.at.Add(time.Second), "adam", "ben")
		if got := kinds(t, w, m); !slices.Equal(got, c.want) {
			t.Errorf("%s: a second time: %v", name, got)
		}
	}
	reader := learnt(at(3, 0), LearnTimes, LearnTime)
	for _, entry := range []func(audit.Origin) audit.Entry{
		func(o audit.Origin) audit.Entry { return audit.LogRead(o, "log1", "checkpoint", 0) },
		func(o audit.Origin) audit.Entry { return audit.LogSearched(o, audit.Search{}) },
		func(o audit.Origin) audit.Entry { return audit.LogEntryRead(o, 1) },
	} {
		reader.add(at(3, 0), "adam", entry)
	}
	if got := kinds(t, watch(reader), reader); got != nil {
		t.Errorf("who only reads the log at night: %v", got)
	}
	ordinary := learnt(at(9, 0), LearnTimes, LearnTime)
	ordinary.roles = "user meeting_manager"
	ordinary.arrives(at(9, 0), "adam", munich)
	if got := kinds(t, watch(ordinary), ordinary); got != nil || len(of(ordinary.habits, AspectNetwork)) != 1 {
		t.Errorf("who is no administrator: %v, networks %v", got, of(ordinary.habits, AspectNetwork))
	}
	if unusualHour([]Habit{{Value: "23:00", Times: LearnTimes, FirstAt: at(0, 0).Add(-LearnTime)}}, at(0, 30)) {
		t.Error("midnight parts two hours")
	}
}

func TestWhatIsLostOrFailedTeachesNothing(t *testing.T) {
	t.Parallel()
	m := &memory{roles: access.Administrator}
	m.arrives(monday, "adam", berlin)
	m.entries[0].Lost = audit.LossErased
	m.add(monday, "adam", func(o audit.Origin) audit.Entry { return audit.SessionFailed(o, "u", audit.FailurePassword, berlin) })
	m.add(monday, "", func(o audit.Origin) audit.Entry { return audit.UserDisabled(o, "u", 0) }) // the system
	m.add(monday, "adam", func(o audit.Origin) audit.Entry { return audit.SessionStarted(o, "s", "unknown") })
	if got := kinds(t, watch(m), m); got != nil || len(m.habits) != 0 {
		t.Errorf("%v, %+v", got, m.habits)
	}
}

func TestOnlyTheNewestEntriesAreLookedAtAtAStart(t *testing.T) {
	t.Parallel()
	m := &memory{}
	m.arrives(monday, "anna", berlin)
	m.arrives(monday, "ben", berlin)
	for i := range Lookback - 1 {
		m.add(monday, "x", func(o audit.Origin) audit.Entry { return audit.TokenRevoked(o, fmt.Sprint(i)) })
	}
	if _ = kinds(t, watch(m), m); len(m.habits) != 1 || m.habits[0].UserID != "ben" {
		t.Errorf("%+v", m.habits)
	}
}

func TestTheWatchGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{fails: errors.New("away"), failsUntil: time.Now().Add(WatchInterval)}
		m.arrives(monday, "anna", berlin)
		ctx, cancel := context.WithTimeout(t.Context(), 2*WatchInterval)
		defer cancel()
		var log bytes.Buffer
		if err := NewWatch(m, m, world(), slog.New(slog.NewTextHandler(&log, nil))).Run(ctx); err != nil {
			t.Error(err)
		}
		if len(m.habits) != 1 || strings.Count(log.String(), "tried again") != 1 || strings.Count(log.String(), "watched for findings again") != 1 {
			t.Errorf("%+v, and the log says %s", m.habits, log.String())
		}
	})
}

func TestEveryKindHasASeverity(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for _, k := range Kinds() {
		if s := k.Severity(); s != Notice && s != Warning && s != Alarm {
			t.Errorf("%s is %q", k, s)
		}
		f := New("default", monday, k, "", "", 0, Evidence{}).From("e")
		if ids[f.ID] || len(f.ID) != 26 {
			t.Errorf("%s: id %q", k, f.ID)
		}
		ids[f.ID] = true
	}
}
