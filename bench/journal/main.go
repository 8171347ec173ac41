// Command journal measures how long an append to the journal takes until it is safe, on SQLite and on PostgreSQL, as the
// controller does it: sealed, with its audit entry, committed durably. Nothing is asserted; the figures are printed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/conference"
	"konklave/journal"
	"konklave/meeting"
	"konklave/store"
	"konklave/store/postgrestest"
	"konklave/user"
	"konklave/vault"
)

// conferences is how many conferences share the load; each has one append under way at most, as a worker does.
const conferences = 50

func main() {
	window := flag.Duration("window", 10*time.Second, "length of one measurement; three times as long at 1 event/s")
	dir := flag.String("dir", "", "directory for the databases, on the disk that is of interest; a temporary one by default")
	flag.Parse()
	if err := run(context.Background(), *window, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "journal:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, window time.Duration, parent string) (err error) {
	dir, err := os.MkdirTemp(parent, "journal")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	server, err := postgrestest.StartIn(ctx, parent, "fsync=on", "synchronous_commit=on", "full_page_writes=on")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	dsn, err := server.Create(ctx, "bench", "template0")
	if err != nil {
		return err
	}
	for _, database := range []struct{ name, dsn string }{
		{"SQLite", "sqlite:" + filepath.Join(dir, "k.db")}, {"PostgreSQL", dsn},
	} {
		if err := measure(ctx, database.name, database.dsn, filepath.Join(dir, database.name+".key"), window); err != nil {
			return fmt.Errorf("%s: %w", database.name, err)
		}
	}
	return nil
}

// measure prints the lines of one database.
func measure(ctx context.Context, name, dsn, keyFile string, window time.Duration) (err error) {
	db, err := store.Open(ctx, dsn, store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	keys, err := vault.Open(ctx, keyFile, db)
	if err != nil {
		return err
	}
	if err := db.Unlock(ctx, keys); err != nil {
		return err
	}
	ids, err := open(ctx, db)
	if err != nil {
		return err
	}
	counted := &counting{Store: db}
	b := &bench{journal: journal.New(counted, keys, slog.New(slog.DiscardHandler)), lines: make([]*line, len(ids))}
	for i, id := range ids {
		b.lines[i] = &line{id: id}
	}
	for _, rate := range []int{1, 100, 1000} {
		length := window
		if rate == 1 {
			length = 3 * window
		}
		counted.reset()
		took, err := b.atRate(ctx, rate, length)
		if err != nil {
			return err
		}
		if len(took) == 0 {
			fmt.Printf("%-10s %5d events/s: none was due within %v\n", name, rate, length)
			continue
		}
		fmt.Printf("%-10s %5d events/s: p50 %6.2f ms, p99 %6.2f ms%s, longest %6.2f ms (%d appends, %.2f in a transaction)\n",
			name, rate, ms(took, 50), ms(took, 99), target(rate), ms(took, 100), len(took), counted.each())
	}
	for _, alone := range []bool{false, true, false, true} {
		counted.alone.Store(alone)
		counted.reset()
		n, err := b.atFullSpeed(ctx, window/2)
		if err != nil {
			return err
		}
		how := "together"
		if alone {
			how = "alone"
		}
		fmt.Printf("%-10s full speed, committed %-8s: %6.0f appends/s (%.2f in a transaction)\n", name, how, float64(n)/(window/2).Seconds(), counted.each())
	}
	return nil
}

// target is what the p99 at a rate should be.
func target(rate int) string {
	if rate == 100 {
		return " (target 20 ms)"
	}
	return ""
}

// open makes conferences to append to.
func open(ctx context.Context, db *store.Store) ([]string, error) {
	u, err := user.New{Email: "bench@example.org", Name: "Bench", Roles: access.Ordinary.List()}.Prepare(access.DefaultTenant, time.Now())
	if err != nil {
		return nil, err
	}
	if err := db.InsertUser(ctx, u, "", audit.UserCreated(audit.Origin{At: time.Now(), Actor: access.System("bench")}, u.ID, u.Roles)); err != nil {
		return nil, err
	}
	meetings := meeting.NewService(db, time.Now)
	var ids []string
	for i := range conferences {
		m, err := meetings.Create(ctx, u.Actor(), meeting.New{Title: fmt.Sprint(i)})
		if err != nil {
			return nil, err
		}
		r, _, err := db.OpenConference(ctx, m.ID)
		if err == nil {
			_, err = db.ClaimEpoch(ctx, r.ID, r.Epoch)
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, r.ID)
	}
	return ids, nil
}

// counting counts transactions, and splits them when alone is set.
type counting struct {
	*store.Store
	alone                 atomic.Bool
	transactions, batches atomic.Int64
}

// AppendJournal implements journal.Store.
func (c *counting) AppendJournal(ctx context.Context, batches []journal.Batch) []error {
	c.batches.Add(int64(len(batches)))
	if !c.alone.Load() {
		c.transactions.Add(1)
		return c.Store.AppendJournal(ctx, batches)
	}
	var errs []error
	for i := range batches {
		c.transactions.Add(1)
		errs = append(errs, c.Store.AppendJournal(ctx, batches[i:i+1])...)
	}
	return errs
}

func (c *counting) reset() {
	c.transactions.Store(0)
	c.batches.Store(0)
}

func (c *counting) each() float64 {
	return float64(c.batches.Load()) / float64(max(1, c.transactions.Load()))
}

type bench struct {
	journal *journal.Journal
	lines   []*line
}

// line is one conference.
type line struct {
	mu  sync.Mutex // one append at a time
	id  string
	seq int64
}

// append stores one message of everyday length.
func (b *bench) append(ctx context.Context, l *line) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := l.seq + 1
	at := time.Now().UTC().Truncate(time.Millisecond)
	st, err := conference.Store(conference.Event{Seq: next, At: at, By: "p1", CommandID: next, Fact: &conference.ChatMessage{Message: conference.Message{
		ID: fmt.Sprint("m", next), From: "p1", Name: "Anna Muster", At: at,
		Text: "Guten Tag zusammen, die Unterlagen zur heutigen Sitzung liegen im Ratsinformationssystem bereit.",
	}}})
	if err != nil {
		return err
	}
	entry := audit.ChatSent(audit.Report{At: at, Actor: access.Guest("g1"), Conference: l.id}, fmt.Sprint("m", next))
	if err := b.journal.Append(ctx, l.id, 1, next, []conference.Stored{st}, []audit.Entry{entry}, false); err != nil {
		return err
	}
	l.seq = next
	return nil
}

// atRate appends so many events a second, evenly, one conference after the other, and returns how long each took from the
// moment when it was due.
func (b *bench) atRate(ctx context.Context, rate int, length time.Duration) ([]time.Duration, error) {
	n := int(length.Seconds() * float64(rate))
	took, errs := make([]time.Duration, n), make([]error, n)
	var all sync.WaitGroup
	began := time.Now()
	for i := range n {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(rate))
		time.Sleep(time.Until(due))
		all.Go(func() {
			errs[i] = b.append(ctx, b.lines[i%len(b.lines)])
			took[i] = time.Since(due)
		})
	}
	all.Wait()
	slices.Sort(took)
	return took, errors.Join(errs...)
}

// atFullSpeed has every conference append without a pause and returns how many appends were done.
func (b *bench) atFullSpeed(ctx context.Context, length time.Duration) (int64, error) {
	var done atomic.Int64
	errs := make([]error, len(b.lines))
	var all sync.WaitGroup
	until := time.Now().Add(length)
	for i, l := range b.lines {
		all.Go(func() {
			for time.Now().Before(until) && errs[i] == nil {
				errs[i] = b.append(ctx, l)
				done.Add(1)
			}
		})
	}
	all.Wait()
	return done.Load(), errors.Join(errs...)
}

func ms(sorted []time.Duration, percent int) float64 {
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)].Seconds() * 1000
}
