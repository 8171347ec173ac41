package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/sequencer"
	"konklave/store"
	"konklave/store/storetest"
)

// writing is a transaction that has written an entry and is not over.
type writing struct {
	id string
	tx *sql.Tx
}

func write(t *testing.T, raw *sql.DB, id string) writing {
	t.Helper()
	tx, err := raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var seq int64
	if err := tx.QueryRowContext(t.Context(), `INSERT INTO audit_log (id, tenant, at, kind, category, leaf) VALUES ($1, 'default', 1, 'x', 'security', $2) RETURNING seq`,
		id, []byte("leaf "+id)).Scan(&seq); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "INSERT INTO audit_waiting (seq) VALUES ($1)", seq); err != nil {
		t.Fatal(err)
	}
	return writing{id, tx}
}

// wantEach checks that the log has exactly these leaves, each once, and that the tree is theirs.
func wantEach(t *testing.T, s *store.Store, want map[string]bool) {
	t.Helper()
	seen, err := storetest.Leaves(t.Context(), s)
	if err != nil {
		t.Error(err)
	}
	if !maps.Equal(seen, want) {
		t.Errorf("the log has the leaves %v, want %v", seen, want)
	}
}

// wantSize checks that the log has so many leaves, each once, and that the tree is theirs.
func wantSize(t *testing.T, s *store.Store, want int) {
	t.Helper()
	if seen, err := storetest.Leaves(t.Context(), s); err != nil || len(seen) != want {
		t.Errorf("%d leaves, want %d; %v", len(seen), want, err)
	}
}

// TestL14EntriesThatAreCommittedLateAreNotSkipped ends transactions in another order than they began in. SQLite has one at a
// time; there some are undone.
func TestL14EntriesThatAreCommittedLateAreNotSkipped(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, fresh func(*testing.T) (string, *sql.DB)) {
		dsn, raw := fresh(t)
		s := open(t, dsn)
		atOnce := 10
		if strings.HasPrefix(dsn, "sqlite") {
			atOnce = 1
		}
		want, open := map[string]bool{}, []writing{}
		for i := 0; i < 120 || len(open) > 0; i++ {
			if i < 120 && len(open) < atOnce {
				open = append(open, write(t, raw, fmt.Sprintf("e%d", i)))
			}
			if len(open) == atOnce || i >= 120 {
				n := rand.IntN(len(open))
				w := open[n]
				open = append(open[:n], open[n+1:]...)
				end := w.tx.Commit
				if rand.IntN(8) == 0 {
					end = w.tx.Rollback
				} else {
					want["leaf "+w.id] = true
				}
				if err := end(); err != nil {
					t.Fatal(err)
				}
				if rand.IntN(3) == 0 {
					sequence(t, s)
				}
			}
		}
		sequence(t, s)
		wantEach(t, s, want)
		if waits, err := s.AuditWaits(t.Context()); err != nil || waits {
			t.Errorf("something waits: %v, %v", waits, err)
		}
	})
}

// failing is a storage whose transactions fail at one of their steps.
type failing struct {
	*store.Store
	step int
}

var errCrash = errors.New("crashed")

type failingTurn struct {
	sequencer.Turn
	left *int
}

func (f failing) IntegrateAudit(ctx context.Context, do func(context.Context, sequencer.Turn) error) (bool, error) {
	return f.Store.IntegrateAudit(ctx, func(ctx context.Context, turn sequencer.Turn) error {
		left := f.step
		t := failingTurn{turn, &left}
		return errors.Join(do(ctx, t), t.pass())
	})
}

func (t failingTurn) pass() error {
	if *t.left--; *t.left == 0 {
		return errCrash
	}
	return nil
}

func (t failingTurn) Place(ctx context.Context, n int) (int64, [][]byte, error) {
	size, leaves, err := t.Turn.Place(ctx, n)
	return size, leaves, errors.Join(err, t.pass())
}

func (t failingTurn) ReadHashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	hashes, err := t.Turn.ReadHashes(ctx, indexes)
	return hashes, errors.Join(err, t.pass())
}

func (t failingTurn) WriteHashes(ctx context.Context, index int64, hashes []tlog.Hash) error {
	return errors.Join(t.Turn.WriteHashes(ctx, index, hashes), t.pass())
}

func TestL14AnIntegrationThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, fresh func(*testing.T) (string, *sql.DB)) {
		dsn, raw := fresh(t)
		s := open(t, dsn)
		want := map[string]bool{}
		for round := range 3 {
			for i := range 5 {
				w := write(t, raw, fmt.Sprintf("e%d.%d", round, i))
				want["leaf "+w.id] = true
				if err := w.tx.Commit(); err != nil {
					t.Fatal(err)
				}
			}
			before, err := s.AuditSize(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for step := 1; ; step++ {
				n, err := sequencer.New(failing{s, step}, slog.New(slog.DiscardHandler)).Integrate(t.Context())
				if err == nil {
					if n != 5 || step < 4 {
						t.Errorf("integrated %d after %d failures", n, step-1)
					}
					break
				}
				if size, err := s.AuditSize(t.Context()); err != nil || size != before {
					t.Errorf("size %d, %v; want %d", size, err, before)
				}
			}
		}
		wantEach(t, s, want)
	})
}

// TestL15SequencersOfSeveralControllersTakeTurns has three of them race while others write.
func TestL15SequencersOfSeveralControllersTakeTurns(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, fresh func(*testing.T) (string, *sql.DB)) {
		dsn, _ := fresh(t)
		const controllers, writers, each = 3, 3, 60
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var sequencing, all sync.WaitGroup
		for range controllers {
			s := open(t, dsn)
			sequencing.Go(func() {
				for ctx.Err() == nil {
					_, err := sequencer.New(s, nil).Integrate(ctx)
					if err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrUnavailable) { // it may have rested for too long
						t.Error(err)
					}
				}
			})
		}
		for w := range writers {
			s := open(t, dsn)
			all.Go(func() {
				for i := range each {
					id := fmt.Sprintf("w%d-%d", w, i)
					err := insert(t.Context(), s, id)
					for errors.Is(err, store.ErrUnavailable) { // SQLite lets the others go first
						err = insert(t.Context(), s, id)
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		cancel()
		sequencing.Wait()
		s := open(t, dsn)
		sequence(t, s)
		wantSize(t, s, writers*each)
	})
}

// TestASequencerThatHangsIsReplaced: its transaction has the turn and does nothing.
func TestASequencerThatHangsIsReplaced(t *testing.T) {
	t.Parallel()
	dsn := startPostgres(t).create(t, "k", "template0")
	hanging, s := open(t, dsn), open(t, dsn)
	if err := insert(t.Context(), s, "a"); err != nil {
		t.Fatal(err)
	}
	has, release, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		_, err := hanging.IntegrateAudit(t.Context(), func(ctx context.Context, turn sequencer.Turn) error {
			close(has)
			<-release
			_, _, err := turn.Place(ctx, 1)
			return err
		})
		ended <- err
	}()
	<-has
	if n, err := sequencer.New(s, nil).Integrate(t.Context()); err != nil || n != 0 {
		t.Errorf("while another one has the turn: %d, %v", n, err)
	}
	began := time.Now()
	for n := 0; n == 0; {
		var err error
		if n, err = sequencer.New(s, nil).Integrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if time.Since(began) > time.Minute {
			t.Fatal("it keeps the turn")
		}
	}
	close(release)
	if err := <-ended; err == nil {
		t.Error("it went on with its transaction")
	}
	wantSize(t, s, 1)
}

// TestWritersDoNotWaitForEachOther: two transactions have each written an entry when the first one ends.
func TestWritersDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	dsn := startPostgres(t).create(t, "k", "template0")
	s := open(t, dsn)
	guest := func(id string) audit.Entry {
		return audit.ChatSent(audit.Report{Actor: access.Guest(id), Conference: "c"}, "m")
	}
	if err := s.Record(t.Context(), guest("a"), guest("b")); err != nil { // so that their keys are there
		t.Fatal(err)
	}
	open := write(t, rawPostgres(t, dsn), "x")
	if err := s.Record(t.Context(), guest("a"), guest("b"), guest("c")); err != nil {
		t.Errorf("while another transaction is open: %v", err)
	}
	sequence(t, s)
	wantSize(t, s, 5)
	if err := open.tx.Commit(); err != nil {
		t.Fatal(err)
	}
	sequence(t, s)
	wantSize(t, s, 6)
}

func TestNothingIsAddedToADamagedTree(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, fresh func(*testing.T) (string, *sql.DB)) {
		dsn, raw := fresh(t)
		s := open(t, dsn)
		for _, id := range []string{"a", "b"} {
			if err := insert(t.Context(), s, id); err != nil {
				t.Fatal(err)
			}
			sequence(t, s)
		}
		unguard := "DROP TRIGGER audit_hashes_no_delete"
		if strings.HasPrefix(dsn, "postgres") {
			unguard = "ALTER TABLE audit_hashes DISABLE TRIGGER USER"
		}
		for _, statement := range []string{unguard, "DELETE FROM audit_hashes WHERE first_index > 0"} {
			if _, err := raw.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		if err := insert(t.Context(), s, "c"); err != nil { // is written, and waits
			t.Error(err)
		}
		if _, err := sequencer.New(s, nil).Integrate(t.Context()); !errors.Is(err, store.ErrTreeDamaged) {
			t.Errorf("integrate: %v", err)
		}
		if size, err := s.AuditSize(t.Context()); err != nil || size != 2 {
			t.Errorf("size %d, %v", size, err)
		}
		if all, err := s.AuditLog(t.Context(), 0, 10); err != nil || len(all) != 2 || all[1].Hash != (tlog.Hash{}) {
			t.Errorf("%+v, %v", all, err)
		}
	})
}
