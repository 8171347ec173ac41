package sequencer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"konklave/audit/leaf"
	"konklave/audit/sequencer"
	"konklave/audit/tree"
)

// errCrash is what a storage fails with where the test wants a crash.
var errCrash = errors.New("crashed")

// memory is a Storage in memory. Entries have a number from the moment they are written, and come to wait when they are committed.
type memory struct {
	mu      sync.Mutex
	waiting []int // numbers
	placed  []int // by index
	tree    *tree.Memory
	turns   int
	taken   bool // another one has the turn
	fails   error
	crashAt int // which step of an integration fails; 0 for none
	step    int
}

func newMemory() *memory { return &memory{tree: &tree.Memory{}} }

func (m *memory) commit(numbers ...int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting = append(m.waiting, numbers...)
}

func (m *memory) size() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.placed)
}

func text(number int) []byte { return fmt.Appendf(nil, "leaf %d", number) }

// AuditWaits implements sequencer.Storage.
func (m *memory) AuditWaits(context.Context) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.waiting) > 0, m.fails
}

// IntegrateAudit implements sequencer.Storage.
func (m *memory) IntegrateAudit(ctx context.Context, do func(context.Context, sequencer.Turn) error) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.taken || m.fails != nil {
		return false, m.fails
	}
	m.turns++
	m.step = 0
	t := &transaction{m: m, waiting: slices.Clone(m.waiting), placed: slices.Clone(m.placed), stored: *m.tree}
	err := do(ctx, t)
	if err == nil {
		err = m.crash() // at the commit
	}
	if err != nil {
		return false, err
	}
	m.waiting, m.placed, *m.tree = t.waiting, t.placed, t.stored
	return true, nil
}

func (m *memory) crash() error {
	if m.step++; m.step == m.crashAt {
		return errCrash
	}
	return nil
}

// transaction is a sequencer.Turn.
type transaction struct {
	m               *memory
	waiting, placed []int
	stored          tree.Memory
}

func (t *transaction) Place(_ context.Context, n int) (int64, [][]byte, error) {
	slices.Sort(t.waiting)
	n = min(n, len(t.waiting))
	size := int64(len(t.placed))
	var leaves [][]byte
	for _, number := range t.waiting[:n] {
		leaves = append(leaves, text(number))
	}
	t.placed, t.waiting = append(t.placed, t.waiting[:n]...), slices.Clone(t.waiting[n:])
	return size, leaves, t.m.crash()
}

func (t *transaction) ReadHashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	if err := t.m.crash(); err != nil {
		return nil, err
	}
	return t.stored.ReadHashes(ctx, indexes)
}

func (t *transaction) WriteHashes(ctx context.Context, index int64, hashes []tlog.Hash) error {
	return errors.Join(t.stored.WriteHashes(ctx, index, hashes), t.m.crash())
}

// wantTree checks that each number has one place, and that the tree is that of the leaves in their order.
func (m *memory) wantTree(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, numbers int,
) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	sorted := slices.Clone(m.placed)
	slices.Sort(sorted)
	for i, number := range sorted {
		if i != number {
			t.Fatalf("number %d has place %d", number, i)
		}
	}
	if len(sorted) != numbers {
		t.Fatalf("%d places for %d entries", len(sorted), numbers)
	}
	var reference tree.Frontier
	for _, number := range m.placed {
		reference.Add(leaf.Hash(text(number)))
	}
	root, err := tree.Root(context.Background(), m.tree, int64(numbers))
	if err != nil || root != reference.Root() {
		t.Fatalf("root %v, want %v (%v)", root, reference.Root(), err)
	}
}

func TestL14EachEntryComesIntoTheTreeOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newMemory()
		s := sequencer.New(m, slog.New(slog.DiscardHandler))
		written, open := 0, []int{} // numbers that were given, and those whose transaction has not ended
		t.Repeat(map[string]func(*rapid.T){
			"write": func(*rapid.T) {
				open = append(open, written)
				written++
			},
			"commit": func(t *rapid.T) {
				if len(open) == 0 {
					t.Skip("nothing is open")
				}
				i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				m.commit(open[i])
				open = slices.Delete(open, i, i+1)
			},
			"integrate": func(t *rapid.T) {
				m.crashAt = rapid.IntRange(0, 5).Draw(t, "crash at")
				m.taken = rapid.Bool().Draw(t, "another one has the turn")
				if n, err := s.Integrate(context.Background()); err != nil && (!errors.Is(err, errCrash) || n != 0) {
					t.Fatalf("integrated %d, %v", n, err)
				}
			},
		})
		m.commit(open...)
		m.crashAt, m.taken = 0, false
		for len(m.waiting) > 0 {
			if _, err := s.Integrate(context.Background()); err != nil {
				t.Fatalf("integrate: %v", err)
			}
		}
		m.wantTree(t, written)
	})
}

// running runs a sequencer in virtual time until the test is over.
func running(t *testing.T, m *memory) *bytes.Buffer {
	t.Helper()
	log := &bytes.Buffer{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- sequencer.New(m, slog.New(slog.NewTextHandler(log, nil))).Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return log
}

func TestEntriesComeIntoTheTreeWithinASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		running(t, m)
		number := 0
		for _, pause := range []time.Duration{0, time.Millisecond, 199 * time.Millisecond, time.Hour, 350 * time.Millisecond} {
			time.Sleep(pause)
			m.commit(number)
			number++
			time.Sleep(sequencer.Interval + time.Millisecond)
			if m.size() != number {
				t.Errorf("%d entries in the tree, want %d", m.size(), number)
			}
		}
		if m.turns != number {
			t.Errorf("%d transactions for %d entries", m.turns, number)
		}
	})
}

func TestMoreThanABatchFollowsAtOnce(t *testing.T) {
	t.Parallel()
	for entries, turns := range map[int]int{sequencer.BatchMax - 1: 1, sequencer.BatchMax: 1, sequencer.BatchMax + 1: 2, 3 * sequencer.BatchMax: 3} {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory()
			for i := range entries {
				m.commit(i)
			}
			running(t, m)
			time.Sleep(sequencer.Interval - time.Millisecond)
			m.wantTree(t, entries)
			if m.turns != turns {
				t.Errorf("%d entries in %d transactions, want %d", entries, m.turns, turns)
			}
		})
	}
}

func TestAFailureIsToldOnceAndTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.fails = errCrash
		log := running(t, m)
		time.Sleep(10 * time.Second)
		m.mu.Lock()
		m.fails = nil
		m.mu.Unlock()
		m.commit(0)
		time.Sleep(sequencer.Pause + time.Millisecond)
		synctest.Wait()
		if m.size() != 1 {
			t.Error("the entry did not come into the tree")
		}
		if strings.Count(log.String(), "do not come") != 1 || strings.Count(log.String(), "into the tree again") != 1 {
			t.Errorf("told: %s", log)
		}
	})
}

func TestWithoutTheTurnNothingHappens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.taken = true
		m.commit(0)
		log := running(t, m)
		time.Sleep(time.Minute)
		if m.size() != 0 || log.Len() != 0 {
			t.Errorf("%d entries, %s", m.size(), log)
		}
		m.mu.Lock()
		m.taken = false
		m.mu.Unlock()
		time.Sleep(sequencer.Interval + time.Millisecond)
		m.wantTree(t, 1)
	})
}
