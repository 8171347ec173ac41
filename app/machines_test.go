package app

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/checkpoint"
	"konklave/audit/notary"
	"konklave/audit/sequencer"
	"konklave/audit/signer"
	"konklave/audit/signing"
	"konklave/store"
	"konklave/store/postgrestest"
	"konklave/vault"
)

// ownSigner is the signer of one machine, without a socket.
type ownSigner struct{ *signer.Directory }

func (o ownSigner) Log(ctx context.Context) (signing.State, error) {
	last, err := o.Signer().Last(ctx)
	return signing.State{Log: o.Directory.Log, Last: last}, err
}

func (o ownSigner) Sign(ctx context.Context, _ string, r signer.Request) ([]byte, error) {
	return o.Signer().Sign(ctx, r)
}

// wallClock is moved by hand.
type wallClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *wallClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *wallClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// told passes on what a notary logs.
type told struct {
	slog.Handler
	texts chan string
}

func (t told) Handle(_ context.Context, r slog.Record) error {
	t.texts <- r.Message
	return nil
}

// kept is a log that tells which checkpoints were kept in it.
type kept struct {
	*store.Store
	origins chan string
}

func (k kept) SaveCheckpoint(ctx context.Context, c checkpoint.Checkpoint, note []byte) error {
	err := k.Store.SaveCheckpoint(ctx, c, note)
	if err == nil && c.Size > 0 {
		k.origins <- c.Origin
	}
	return err
}

// twoMachines is one PostgreSQL with two machines on it, each with a signer of its own.
type twoMachines struct {
	t     *testing.T
	clock *wallClock
	dsn   string
	keys  string      // file of the master key
	kept  chan string // the origins of the checkpoints, as they are kept
}

// start starts the notary of a machine. What it logs comes out of texts; stop ends it.
func (m *twoMachines) start(name string) (n *notary.Notary, db *store.Store, texts chan string, stop func()) {
	m.t.Helper()
	db, err := store.Open(m.t.Context(), m.dsn, store.Options{Now: m.clock.Now})
	if err != nil {
		m.t.Fatal(err)
	}
	keys, err := vault.Open(m.t.Context(), m.keys, db)
	if err != nil {
		m.t.Fatal(err)
	}
	if err := db.Unlock(m.t.Context(), keys); err != nil {
		m.t.Fatal(err)
	}
	dir, err := signer.OpenDirectory(filepath.Join(m.t.TempDir(), "signer"), "meet.example.org", m.clock.Now)
	if err != nil {
		m.t.Fatal(err)
	}
	texts = make(chan string, 100)
	n = notary.New(notary.Options{
		Log: kept{db, m.kept}, Signer: ownSigner{dir}, Machine: name, Now: m.clock.Now, Logger: slog.New(told{slog.DiscardHandler, texts}),
		Origin: func() audit.Origin { return audit.Origin{At: m.clock.Now(), Actor: access.System("controller")} },
		Keys:   func(signer.Log) error { return nil }, Alarm: func(text string) { texts <- text },
	})
	ctx, cancel := context.WithCancel(m.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = n.Run(ctx) // always nil
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-ended
		if err := errors.Join(dir.Close(), db.Close()); err != nil {
			m.t.Error(err)
		}
	})
	m.t.Cleanup(stop)
	return n, db, texts, stop
}

// Enabled implements slog.Handler.
func (told) Enabled(context.Context, slog.Level) bool { return true }

// log writes an entry and brings it into the tree.
func (m *twoMachines) log(db *store.Store) {
	m.t.Helper()
	err := db.Record(m.t.Context(), audit.BackupMade(audit.Origin{At: m.clock.Now(), Actor: access.System("test")}, "b", 1))
	if err == nil {
		_, err = sequencer.New(db, slog.New(slog.DiscardHandler)).Integrate(m.t.Context())
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// TestTwoMachinesOnOnePostgreSQLHaveOneSigner lets the second machine be, as long as the first one signs.
func TestTwoMachinesOnOnePostgreSQLHaveOneSigner(t *testing.T) {
	t.Parallel()
	server, err := postgrestest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	m := &twoMachines{t: t, clock: &wallClock{now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}, keys: filepath.Join(t.TempDir(), "master.key"), kept: make(chan string, 100)}
	if m.dsn, err = server.Create(t.Context(), "k", "template0"); err != nil {
		t.Fatal(err)
	}
	first, db, _, stop := m.start("one")
	m.log(db)
	signedBy := func() string {
		t.Helper()
		note, err := db.Checkpoint(t.Context(), math.MaxInt64)
		if err != nil {
			t.Fatal(err)
		}
		c, err := checkpoint.Unverified(note)
		if err != nil {
			t.Fatal(err)
		}
		return c.Origin
	}
	m.clock.advance(notary.Every)
	var origin string
	select {
	case origin = <-m.kept:
	case <-time.After(time.Minute):
		t.Fatal("nothing was signed")
	}
	second, other, texts, _ := m.start("two")
	if text := <-texts; text == "" || second.Alarm() != nil {
		t.Errorf("the second is told %q; %v", text, second.Alarm())
	}
	if holder, err := other.LeaseHolder(t.Context(), notary.Lease); err != nil || holder != "one" {
		t.Errorf("%q signs, %v", holder, err)
	}
	if first.Alarm() != nil || signedBy() != origin {
		t.Errorf("%v; %s", first.Alarm(), signedBy())
	}
	stop()
	db = other
	m.clock.advance(notary.LeaseTime + notary.Every)
	for text := range texts {
		if errors.Is(second.Alarm(), notary.ErrAnotherLog) {
			break
		}
		t.Logf("then: %s", text)
	}
	if signedBy() != origin {
		t.Errorf("%s was signed without being asked for", signedBy())
	}
}
