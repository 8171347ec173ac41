// Command auditlog measures what the audit log costs, on SQLite and on PostgreSQL: how much longer a transaction takes that writes
// an entry, how many entries a second can be written while a sequencer brings them into the tree, and how long they wait for
// that. Nothing is asserted; the figures are printed.
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
	"konklave/audit/sequencer"
	"konklave/journal"
	"konklave/meeting"
	"konklave/store"
	"konklave/store/postgrestest"
	"konklave/user"
	"konklave/vault"
)

// writers is how many write at once at full speed.
const writers = 16

func main() {
	window := flag.Duration("window", 10*time.Second, "length of one measurement")
	dir := flag.String("dir", "", "directory for the databases, on the disk that is of interest; a temporary one by default")
	flag.Parse()
	if err := run(context.Background(), *window, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "auditlog:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, window time.Duration, parent string) (err error) {
	dir, err := os.MkdirTemp(parent, "auditlog")
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
	c, err := open(ctx, db)
	if err != nil {
		return err
	}
	without, with, err := c.compare(ctx, window)
	if err != nil {
		return err
	}
	fmt.Printf("%-10s a transaction without an entry: p50 %6.2f ms, p99 %6.2f ms; with one: p50 %6.2f ms, p99 %6.2f ms; added at p99 %5.2f ms (target 2 ms on PostgreSQL; %d of each)\n",
		name, ms(without, 50), ms(without, 99), ms(with, 50), ms(with, 99), ms(with, 99)-ms(without, 99), len(with))
	return flood(ctx, name, db, window)
}

// chat is a conference to append to.
type chat struct {
	db  *store.Store
	id  string
	seq int64
}

func open(ctx context.Context, db *store.Store) (*chat, error) {
	u, err := user.New{Email: "bench@example.org", Name: "Bench", Roles: access.Ordinary.List()}.Prepare(access.DefaultTenant, time.Now())
	if err != nil {
		return nil, err
	}
	if err := db.InsertUser(ctx, u, "", audit.UserCreated(audit.Origin{At: time.Now(), Actor: access.System("bench")}, u.ID, u.Roles)); err != nil {
		return nil, err
	}
	m, err := meeting.NewService(db, time.Now).Create(ctx, u.Actor(), meeting.New{Title: "bench"})
	if err != nil {
		return nil, err
	}
	r, _, err := db.OpenConference(ctx, m.ID)
	if err == nil {
		r, err = db.ClaimEpoch(ctx, r.ID, r.Epoch)
	}
	return &chat{db: db, id: r.ID, seq: r.Seq}, err
}

// compare appends to the journal, in turn without and with an audit entry, and returns how long each took.
func (c *chat) compare(ctx context.Context, length time.Duration) (without, with []time.Duration, err error) {
	for until := time.Now().Add(length); time.Now().Before(until); {
		for _, entries := range [][]audit.Entry{nil, {c.entry()}} {
			began := time.Now()
			row := journal.Row{Number: c.seq + 1, Epoch: 1, Kind: "chat.message", Sealed: make([]byte, 300)}
			errs := c.db.AppendJournal(ctx, []journal.Batch{{Conference: c.id, Epoch: 1, Seq: c.seq + 1, Rows: []journal.Row{row}, Digest: make([]byte, 32), Entries: entries}})
			if errs[0] != nil {
				return nil, nil, errs[0]
			}
			c.seq++
			if took := time.Since(began); entries == nil {
				without = append(without, took)
			} else {
				with = append(with, took)
			}
		}
	}
	slices.Sort(without)
	slices.Sort(with)
	return without, with, nil
}

func (c *chat) entry() audit.Entry {
	return audit.ChatSent(audit.Report{At: time.Now(), Actor: access.Guest("g1"), Conference: c.id}, "m")
}

// flood writes entries without a pause while a sequencer runs, and looks how long the last of them waits for its place.
func flood(ctx context.Context, name string, db *store.Store, length time.Duration) error {
	stop, cancel := context.WithCancel(ctx)
	sequencing := make(chan error, 1)
	go func() { sequencing <- sequencer.New(db, slog.Default()).Run(stop) }()
	var done atomic.Int64
	errs := make([]error, writers)
	var all sync.WaitGroup
	until := time.Now().Add(length)
	for w := range writers {
		actor := access.Guest(fmt.Sprintf("g%d", w))
		all.Go(func() {
			for time.Now().Before(until) && errs[w] == nil {
				errs[w] = db.Record(ctx, audit.ChatSent(audit.Report{At: time.Now(), Actor: actor, Conference: "c"}, "m"))
				done.Add(1)
			}
		})
	}
	all.Wait()
	ended := time.Now()
	waits, err := true, errors.Join(errs...)
	for waits && err == nil {
		waits, err = db.AuditWaits(ctx)
	}
	lag := time.Since(ended)
	cancel()
	if err := errors.Join(err, <-sequencing); err != nil {
		return err
	}
	fmt.Printf("%-10s full speed, %d writers: %6.0f entries/s; the last was in the tree after %.2f s\n", name, writers, float64(done.Load())/length.Seconds(), lag.Seconds())
	return nil
}

func ms(sorted []time.Duration, percent int) float64 {
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)].Seconds() * 1000
}
