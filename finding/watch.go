package finding

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/access"
	"konklave/audit"
)

// How the log is followed.
const (
	// WatchInterval is between two looks for new entries.
	WatchInterval = 2 * time.Second
	// WatchPage is how many entries are read at once.
	WatchPage = 500
	// Lookback is how many of the newest entries are looked at again at a start: what a window needs, and what nobody has seen yet.
	Lookback = 10_000
)

// When acts of one administrator, or of one machine, are too many. A machine keeps accounts as an organisation has them, where several
// people come and go at once.
const (
	AdminActs   = 10
	MachineActs = 50
	AdminWindow = 600 * time.Second
)

// Log is the audit log in its order, opened.
type Log interface {
	// AuditSize is how many entries have their place.
	AuditSize(ctx context.Context) (int64, error)
	// AuditPlaced returns at most limit entries from an index on; Seq is that index. Of an entry of which something is missing Lost
	// says so.
	AuditPlaced(ctx context.Context, from int64, limit int) ([]audit.Record, error)
}

// Habits remembers what is usual.
type Habits interface {
	// RolesOf returns the roles of an account, none when there is no such account.
	RolesOf(ctx context.Context, tenant, userID string) (access.Roles, error)
	// Habits returns what was done since a time.
	Habits(ctx context.Context, tenant, userID string, since time.Time) ([]Habit, error)
	// Learn counts habits once more, at their LastAt, and keeps findings, both or neither; it forgets what was done before forget. What
	// is known with that time or a later one is not counted again.
	Learn(ctx context.Context, done []Habit, found []Finding, forget time.Time) error
}

// Atlas tells where an address is used.
type Atlas interface {
	// Place returns what is known about an address; false when nothing is.
	Place(address netip.Addr) (Place, bool)
}

// Nowhere is an Atlas without a page, for who has no database of places.
type Nowhere struct{}

// Place implements Atlas.
func (Nowhere) Place(netip.Addr) (Place, bool) { return Place{}, false }

// Watch follows the audit log, apart from every request, and finds in it what no single request shows. Several may follow one log:
// they find the same. It is for one goroutine.
type Watch struct {
	log     Log
	habits  Habits
	atlas   Atlas
	out     *slog.Logger
	next    int64 // index; -1 before the first look
	acts    map[string][]act
	failing bool
}

// act is one act of an administrator that many of are a burst.
type act struct {
	at    time.Time
	entry string
}

// NewWatch returns a Watch.
func NewWatch(l Log, h Habits, a Atlas, out *slog.Logger) *Watch {
	return &Watch{log: l, habits: h, atlas: a, out: out, next: -1, acts: map[string][]act{}}
}

// Run follows the log until ctx ends, and returns nil then. It goes on after failures, of which it logs the first.
func (w *Watch) Run(ctx context.Context) error {
	tick := time.NewTicker(WatchInterval)
	defer tick.Stop()
	for {
		err := w.Look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !w.failing:
			w.out.ErrorContext(ctx, "the audit log is not watched for findings; it is tried again", "err", err)
		case err == nil && w.failing:
			w.out.InfoContext(ctx, "the audit log is watched for findings again")
		}
		w.failing = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Look looks at all entries that are new.
func (w *Watch) Look(ctx context.Context) error {
	size, err := w.log.AuditSize(ctx)
	if err != nil {
		return err
	}
	if w.next < 0 {
		w.next = max(0, size-Lookback)
	}
	for w.next < size {
		entries, err := w.log.AuditPlaced(ctx, w.next, WatchPage)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			return errors.New("entries of the audit log are missing")
		}
		for _, e := range entries {
			if err := w.see(ctx, e); err != nil {
				return err
			}
			w.next = e.Seq + 1
		}
	}
	return nil
}

// see looks at one entry.
func (w *Watch) see(ctx context.Context, e audit.Record) error {
	switch {
	case e.Lost != audit.LossNone || e.Outcome != audit.OutcomeSuccess:
		return nil
	case e.ActorKind == access.KindMachine: // is awake at night, and comes from where its networks say
		return w.learn(ctx, e, nil, w.burst(e, "", MachineActs))
	case e.ActorUser == "":
		return nil
	case e.Kind == audit.KindSessionStarted:
		return w.arrival(ctx, e)
	case administers(e):
		return w.administration(ctx, e)
	}
	return nil
}

// administers reports whether somebody did something to other people's accounts, or to the log.
func administers(e audit.Record) bool {
	switch e.Kind {
	case audit.KindLogSearched, audit.KindLogEntryRead, audit.KindLogRead: // looks, and changes nothing
		return false
	}
	return (e.ObjectKind == "user" || e.ObjectKind == "machine" || e.ObjectKind == "log") && e.ObjectID != e.ActorUser
}

// grave are the acts of which many are a burst.
func grave(k audit.Kind) bool {
	return slices.Contains([]audit.Kind{audit.KindUserDisabled, audit.KindRolesAssigned, audit.KindFactorsReset}, k)
}

// arrival looks at where somebody signed in from.
func (w *Watch) arrival(ctx context.Context, e audit.Record) error {
	source := sourceOf(e)
	prefix, err := netip.ParsePrefix(source)
	if err != nil {
		return nil // nobody knows from where
	}
	all, err := w.habits.Habits(ctx, e.Tenant, e.ActorUser, e.At.Add(-HabitMemory))
	if err != nil {
		return err
	}
	evidence := Evidence{Entries: []string{e.ID}, Sources: []string{source}, Sessions: []string{e.ObjectID}}
	var done []Habit
	var found []Finding
	if place, there := w.atlas.Place(prefix.Addr()); there && place.Country != "" {
		found = append(found, travel(e, of(all, AspectCountry), place, evidence)...)
		done = append(done, habit(e, AspectCountry, place.Country, place.Mark()))
	}
	roles, err := w.habits.RolesOf(ctx, e.Tenant, e.ActorUser)
	if err != nil {
		return err
	}
	if privileged(roles) {
		networks := of(all, AspectNetwork)
		if known(networks, e.At) && unusual(networks, source) {
			found = append(found, New(e.Tenant, e.At, AdminNetwork, e.ActorUser, e.ActorUser, HabitQuiet, evidence).From(e.ID))
		}
		done = append(done, habit(e, AspectNetwork, source, ""))
	}
	return w.learn(ctx, e, done, found)
}

// travel compares a place with those where the account was used before.
func travel(e audit.Record, countries []Habit, here Place, evidence Evidence) []Finding {
	if len(countries) == 0 || !countries[0].LastAt.Before(e.At) {
		return nil // the first place of all, or an entry that was looked at before
	}
	last, took := placeOf(countries[0]), e.At.Sub(countries[0].LastAt)
	evidence.Countries = []string{here.Country, last.Country}
	var found []Finding
	if unusual(countries, here.Country) {
		found = append(found, New(e.Tenant, e.At, NewCountry, e.ActorUser, e.ActorUser+"@"+here.Country, HabitQuiet, evidence).From(e.ID))
	}
	if far := here.apart(last); impossible(far, took) {
		evidence.Kilometres, evidence.Minutes = int(far), int(took.Minutes())
		found = append(found, New(e.Tenant, e.At, ImpossibleTravel, e.ActorUser, e.ActorUser, HabitQuiet, evidence).From(e.ID))
	}
	return found
}

// administration looks at when somebody administers, and how much.
func (w *Watch) administration(ctx context.Context, e audit.Record) error {
	all, err := w.habits.Habits(ctx, e.Tenant, e.ActorUser, e.At.Add(-HabitMemory))
	if err != nil {
		return err
	}
	var found []Finding
	if unusualHour(of(all, AspectHour), e.At) {
		evidence := Evidence{Entries: []string{e.ID}, Hour: hour(e.At)}
		found = append(found, New(e.Tenant, e.At, AdminHour, e.ActorUser, e.ActorUser, HabitQuiet, evidence).From(e.ID))
	}
	found = append(found, w.burst(e, e.ActorUser, AdminActs)...)
	return w.learn(ctx, e, []Habit{habit(e, AspectHour, hour(e.At), "")}, found)
}

// burst looks whether there were as many grave acts within the window as are too many; userID is empty when a machine did them.
func (w *Watch) burst(e audit.Record, userID string, tooMany int) []Finding {
	if !grave(e.Kind) {
		return nil
	}
	entries := w.count(e)
	if len(entries) < tooMany {
		return nil
	}
	evidence := Evidence{Entries: entries[:min(len(entries), MaxEvidence)], Acts: len(entries)}
	if userID == "" {
		evidence.Machine = e.ActorID
	}
	return []Finding{New(e.Tenant, e.At, AdminBurst, userID, cmp.Or(userID, e.ActorID), AdminWindow, evidence).From(e.ID)}
}

// count counts an act and returns the entries of all within the window, the newest first. It forgets acts that are over.
func (w *Watch) count(e audit.Record) []string {
	for who, acts := range w.acts {
		acts = slices.DeleteFunc(acts, func(a act) bool { return e.At.Sub(a.at) > AdminWindow })
		if w.acts[who] = acts; len(acts) == 0 {
			delete(w.acts, who)
		}
	}
	who := e.Tenant + "/" + cmp.Or(e.ActorUser, string(e.ActorKind)+"/"+e.ActorID)
	acts := append(w.acts[who], act{e.At, e.ID})
	w.acts[who] = acts[max(0, len(acts)-MaxEvidence):]
	var entries []string
	for _, a := range slices.Backward(w.acts[who]) {
		entries = append(entries, a.entry)
	}
	return entries
}

func (w *Watch) learn(ctx context.Context, e audit.Record, done []Habit, found []Finding) error {
	if len(done) == 0 && len(found) == 0 {
		return nil
	}
	return w.habits.Learn(ctx, done, found, e.At.Add(-HabitMemory))
}

func habit(e audit.Record, a Aspect, value, mark string) Habit {
	return Habit{Tenant: e.Tenant, UserID: e.ActorUser, Aspect: a, Value: value, Mark: mark, LastAt: e.At}
}

// privileged reports whether roles allow more than to hold meetings.
func privileged(roles access.Roles) bool {
	return slices.ContainsFunc(roles.List(), func(r access.Role) bool { return r != access.RoleUser && r != access.RoleMeetingManager })
}

// sourceOf is the network that an entry tells of, or empty.
func sourceOf(e audit.Record) string {
	var d struct {
		Source string `json:"source"`
	}
	if err := json.Unmarshal([]byte(e.Details), &d); err != nil {
		return ""
	}
	return d.Source
}
