// Package storetest is the contract of package store together with the services that stand on it. The same tests run
// against every database.
package storetest

import (
	"database/sql"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/auth/passkey"
	"konklave/journal"
	"konklave/meeting"
	"konklave/store"
	"konklave/user"
	"konklave/vault"
)

// Database is a database without data, for one test alone.
type Database struct {
	DSN string
	Raw *sql.DB // for looking behind the Store
}

// Run runs the contract against databases that open makes.
func Run(t *testing.T, open func(t *testing.T) Database) {
	passwordHash, err := auth.NewPasswords(1).Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range []map[string]func(*testing.T, *house){
		users, roles, setup, sessions, signIns, tokens, tickets, admissions, places, lastAdmins, meetings, conferences, journals, workers, damages, audits, auditLogs, clocks, findings, factors, detections, federations, reviews, arrivals, farewells, provisioning, machines, retained, shorter, erasures, approvals, ownData, mails,
	} {
		for name, test := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, newHouse(t, open(t), passwordHash))
			})
		}
	}
}

// Clock is a clock that moves only when told.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// password belongs to the accounts that house.account makes.
const password = "correct horse battery"

// house is a store with all services on it.
type house struct {
	Database
	*store.Store
	clock        *Clock
	passwordHash string // of password

	users     *user.Service
	meetings  *meeting.Service
	sessions  *auth.Sessions
	signIn    *auth.SignIn
	tokens    *auth.Tokens
	tickets   *auth.Tickets
	setup     *auth.Setup
	keys      *vault.Vault
	log       logKey // of the audit log
	journal   *journal.Journal
	passwords *auth.Passwords
	factors   *auth.Factors
	machines  *auth.Machines
}

func newHouse(t *testing.T, db Database, passwordHash string) *house {
	t.Helper()
	h := &house{Database: db, passwordHash: passwordHash, clock: &Clock{now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}, passwords: auth.NewPasswords(2), log: newLogKey(t)}
	var err error
	if h.Store, err = store.Open(t.Context(), db.DSN, store.Options{Now: h.clock.Now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Store.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	if h.keys, err = vault.Open(t.Context(), filepath.Join(t.TempDir(), "master.key"), h.Store); err != nil {
		t.Fatal(err)
	}
	if err := h.Unlock(t.Context(), h.keys); err != nil {
		t.Fatal(err)
	}
	h.restart()
	h.users = user.NewService(h.Store, h.passwords, h.clock.Now)
	h.meetings = meeting.NewService(h.Store, h.clock.Now)
	h.sessions = auth.NewSessions(h.Store, auth.SessionOptions{Now: h.clock.Now})
	h.signIn = auth.NewSignIn(h.Store, h.sessions, h.passwords)
	h.factors = auth.NewFactors(h.Store, h.signIn, h.keys, passkey.Library{})
	h.tokens = auth.NewTokens(h.Store, h.clock.Now)
	h.machines = auth.NewMachines(h.Store, 0, h.clock.Now)
	h.tickets = auth.NewTickets(h.Store, h.clock.Now)
	h.setup = auth.NewSetup(h.Store, h.passwords, h.keys.NewRecovery, h.clock.Now)
	return h
}

// restart forgets what the journal remembers.
func (h *house) restart() {
	h.journal = journal.New(h.Store, h.keys, slog.New(slog.DiscardHandler))
}

// account makes an account named after its address, with the password above.
func (h *house) account(t *testing.T, email string, roles access.Roles) user.User {
	t.Helper()
	u, err := user.New{Email: email, Name: "Name of " + email, Roles: roles.List()}.Prepare(access.DefaultTenant, h.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	entry := audit.UserCreated(audit.Origin{At: h.clock.Now(), Actor: access.System("test")}, u.ID, roles)
	if err := h.InsertUser(t.Context(), u, h.passwordHash, entry); err != nil {
		t.Fatal(err)
	}
	return u
}

// meeting makes a meeting of the user in which guests are allowed.
func (h *house) meeting(t *testing.T, owner user.User, title string) meeting.Meeting {
	t.Helper()
	m, err := h.meetings.Create(t.Context(), owner.Actor(), meeting.New{Title: title, GuestsAllowed: true})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// entries returns the audit entries of these kinds, or all.
func (h *house) entries(t *testing.T, kinds ...audit.Kind) []audit.Record {
	t.Helper()
	all, err := h.AuditEntries(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	var some []audit.Record
	for _, r := range all {
		for _, k := range kinds {
			if r.Kind == k {
				some = append(some, r)
			}
		}
	}
	if len(kinds) == 0 {
		return all
	}
	return some
}

// wantNewEntries checks that do adds entries of exactly these kinds to the audit log, and returns them.
func (h *house) wantNewEntries(t *testing.T, do func(), kinds ...audit.Kind) []audit.Record {
	t.Helper()
	before := len(h.entries(t))
	do()
	added := h.entries(t)[before:]
	if len(added) != len(kinds) {
		t.Fatalf("%d new audit entries %+v, want %v", len(added), added, kinds)
	}
	for i, k := range kinds {
		if added[i].Kind != k {
			t.Errorf("new audit entry %d is %s, want %s", i, added[i].Kind, k)
		}
	}
	return added
}

// sideBySide runs do n times at once and returns how many succeeded and the errors of the others.
func sideBySide(n int, do func(i int) error) (succeeded int, failures []error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			err := do(i)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				succeeded++
			} else {
				failures = append(failures, err)
			}
		})
	}
	close(start)
	all.Wait()
	return succeeded, failures
}
