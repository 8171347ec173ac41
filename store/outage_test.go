package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/meeting"
	"konklave/store"
	"konklave/user"
)

// syncBuffer is a log that many may write.
type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) count(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.text.String(), text)
}

func openLogged(t *testing.T, dsn string) (*store.Store, *syncBuffer) {
	t.Helper()
	log := &syncBuffer{}
	s, err := store.Open(t.Context(), dsn, store.Options{Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Unlock(t.Context(), keys()); err != nil {
		t.Fatal(err)
	}
	return s, log
}

// operations are one of each way to use the database.
func operations(s *store.Store) map[string]func(context.Context) error {
	now, someone := time.Now(), auth.Hash("somebody")
	entry := func() audit.Entry {
		return audit.UserCreated(audit.Origin{Actor: access.System("test")}, "x", access.Ordinary)
	}
	return map[string]func(context.Context) error{
		"Ping":           s.Ping,
		"User":           func(ctx context.Context) error { _, err := s.User(ctx, "t", "x"); return err },
		"Users":          func(ctx context.Context) error { _, err := s.Users(ctx, "t", "", 1); return err },
		"Session":        func(ctx context.Context) error { _, _, err := s.Session(ctx, someone); return err },
		"Sessions":       func(ctx context.Context) error { _, err := s.Sessions(ctx, "t", "x", now, now); return err },
		"Credential":     func(ctx context.Context) error { _, err := s.Credential(ctx, "t", "x"); return err },
		"CredentialOf":   func(ctx context.Context) error { _, err := s.CredentialOf(ctx, "t", "x"); return err },
		"KnowsDevice":    func(ctx context.Context) error { _, err := s.KnowsDevice(ctx, "x", someone, now); return err },
		"SignInFailures": func(ctx context.Context) error { _, err := s.SignInFailures(ctx, "t", "a", "b", now); return err },
		"SetupNeeded":    func(ctx context.Context) error { _, err := s.SetupNeeded(ctx, "t"); return err },
		"Token":          func(ctx context.Context) error { _, _, err := s.Token(ctx, someone); return err },
		"Tokens":         func(ctx context.Context) error { _, err := s.Tokens(ctx, "t", "x"); return err },
		"Meeting":        func(ctx context.Context) error { _, err := s.Meeting(ctx, "t", "x"); return err },
		"Meetings":       func(ctx context.Context) error { _, err := s.Meetings(ctx, "t", "x", "y", 1); return err },
		"Invitation":     func(ctx context.Context) error { _, err := s.Invitation(ctx, "x"); return err },
		"Conference":     func(ctx context.Context) error { _, err := s.Conference(ctx, "x"); return err },
		"Live":           func(ctx context.Context) error { _, err := s.LiveConferences(ctx); return err },
		"AuditSize":      func(ctx context.Context) error { _, err := s.AuditSize(ctx); return err },
		"AuditLog":       func(ctx context.Context) error { _, err := s.AuditLog(ctx, 0, 1); return err },
		"AuditWaits":     func(ctx context.Context) error { _, err := s.AuditWaits(ctx); return err },
		"Checkpoint":     func(ctx context.Context) error { _, err := s.Checkpoint(ctx, 1); return err },
		"EraseSubject":   func(ctx context.Context) error { return s.EraseSubject(ctx, "t", "x") },
		"AuditEntries":   func(ctx context.Context) error { _, err := s.AuditEntries(ctx, 0, 1); return err },
		"InsertMeeting": func(ctx context.Context) error {
			return s.InsertMeeting(ctx, meeting.Meeting{ID: "m", Tenant: "t", OwnerID: "x"}, entry())
		},
		"InsertUser": func(ctx context.Context) error {
			return s.InsertUser(ctx, user.User{ID: "x", Tenant: "t", Email: "x", Roles: access.Ordinary}, "", entry())
		},
		"ClaimEpoch": func(ctx context.Context) error { _, err := s.ClaimEpoch(ctx, "x", 0); return err },
	}
}

func TestADatabaseThatIsGoneComesBack(t *testing.T) {
	t.Parallel()
	server := startPostgres(t)
	s, log := openLogged(t, server.create(t, "k", "template0"))
	if err := insert(t.Context(), s, "before"); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	for name, do := range operations(s) {
		if err := do(t.Context()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s while the database is gone: %v", name, err)
		}
	}
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"after", "later"} {
		if err := insert(t.Context(), s, id); err != nil {
			t.Errorf("insert after it came back: %v", err)
		}
	}
	if users, err := s.Users(t.Context(), access.DefaultTenant, "", 10); err != nil || len(users) != 3 {
		t.Errorf("%d users, %v", len(users), err)
	}
	for text, want := range map[string]int{"does not work": 2, "works again": 2, "doing=reading": 2, "doing=writing": 2} {
		if got := log.count(text); got != want {
			t.Errorf("the operator was told %q %d times, want %d", text, got, want)
		}
	}
}

// killCommitting kills a process of the server that is just committing, without a word. The server then ends all connections.
func killCommitting(t *testing.T, dsn string) {
	t.Helper()
	const committing = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active' AND query ILIKE 'commit%' LIMIT 1`
	raw, pid := rawPostgres(t, dsn), 0
	for pid == 0 {
		if err := raw.QueryRowContext(t.Context(), committing).Scan(&pid); err != nil && !errors.Is(err, sql.ErrNoRows) {
			t.Fatal(err)
		}
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(err)
	}
}

func TestNothingAcknowledgedIsLostWhenTheDatabaseCrashes(t *testing.T) {
	t.Parallel()
	server := startPostgres(t, "fsync=on", "full_page_writes=on", "synchronous_commit=on")
	dsn := server.create(t, "k", "template0")
	s, _ := openLogged(t, dsn)
	crashes := []func(){
		server.Stop,
		func() { killCommitting(t, dsn) },
		server.Kill,
		func() { killCommitting(t, dsn) },
		server.Kill,
	}
	const writers, between = 4, 60 // users that are stored between two crashes
	acknowledged, over := make(chan struct{}), make(chan struct{})
	var stored [writers]int
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for {
				id := fmt.Sprintf("w%d-%d", w, stored[w])
				err := insert(t.Context(), s, id)
				for errors.Is(err, store.ErrUnavailable) {
					err = insert(t.Context(), s, id)
				}
				if err != nil && !errors.Is(err, user.ErrEmailTaken) { // taken: the answer to the first time was lost
					t.Errorf("%s: %v", id, err)
				}
				stored[w]++
				select {
				case <-over:
					return
				case acknowledged <- struct{}{}:
				default: // a crash is on its way, for which somebody must be storing
				}
			}
		})
	}
	for _, crash := range append(crashes, func() {}) {
		for range between {
			<-acknowledged
		}
		crash()
		if err := server.Resume(); err != nil {
			t.Fatal(err)
		}
	}
	close(over)
	all.Wait()
	sum := 0
	for _, n := range stored {
		sum += n
	}
	users, err := s.Users(t.Context(), access.DefaultTenant, "", 2*sum)
	if err != nil || len(users) != sum {
		t.Errorf("%d users, want %d; %v", len(users), sum, err)
	}
	entries, err := s.AuditEntries(t.Context(), 0, 2*sum)
	if err != nil || len(entries) != sum {
		t.Errorf("%d audit entries, want %d; %v", len(entries), sum, err)
	}
}

func TestADatabaseThatDoesNotAnswerIsNotWaitedForForever(t *testing.T) {
	t.Parallel()
	server := startPostgres(t)
	dsn := server.create(t, "k", "template0")
	s, _ := openLogged(t, dsn)
	tx, err := rawPostgres(t, dsn).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "LOCK TABLE users IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	s.SetPatience(50 * time.Millisecond)
	if _, err := s.User(t.Context(), access.DefaultTenant, "a"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("read: %v", err)
	}
	if err := insert(t.Context(), s, "a"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("write: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.User(gone, access.DefaultTenant, "a"); !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a caller who gave up: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	s.SetPatience(10 * time.Second)
	if err := insert(t.Context(), s, "a"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// sideBySide runs do n times at once and returns how many succeeded and the errors of the others.
func sideBySide(n int, do func(i int) error) (succeeded int, failures []error) {
	errs := make(chan error, n)
	for i := range n {
		go func() { errs <- do(i) }()
	}
	for range n {
		if err := <-errs; err != nil {
			failures = append(failures, err)
		} else {
			succeeded++
		}
	}
	return succeeded, failures
}
