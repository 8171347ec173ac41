// Command backup measures what a backup costs: time and size of backup, verify and restore of an instance with a given
// amount of data, on SQLite and on PostgreSQL. The data are sealed journal events, which do not compress, and audit entries.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"konklave/access"
	"konklave/auth"
	"konklave/backup"
	"konklave/store"
	"konklave/store/postgrestest"
	"konklave/vault"
)

const (
	sealedSize = 1000 // bytes of an event
	mebibyte   = 1 << 20
)

func main() {
	size := flag.Int("mib", 1024, "data in the database, in MiB")
	flag.Parse()
	if err := run(context.Background(), *size); err != nil {
		fmt.Fprintln(os.Stderr, "backup:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, mib int) (err error) {
	dir, err := os.MkdirTemp("", "konklave-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	server, err := postgrestest.Start(ctx, "fsync=on", "full_page_writes=on")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	for _, name := range []string{"source", "target"} {
		if _, err := server.Create(ctx, name, "template0"); err != nil {
			return err
		}
	}
	for _, d := range []struct{ name, source, target string }{
		{"SQLite", "sqlite:" + filepath.Join(dir, "source.db"), "sqlite:" + filepath.Join(dir, "SQLite", "konklave.db")},
		{"PostgreSQL", server.DSN("source"), server.DSN("target")},
	} {
		if err := measure(ctx, d.name, filepath.Join(dir, d.name), d.source, d.target, mib); err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
	}
	return nil
}

func measure(ctx context.Context, name, dir, source, target string, mib int) error {
	if err := fill(ctx, source, mib); err != nil {
		return err
	}
	db, err := store.Open(ctx, source, store.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	data := dir + "-data"
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	masterKey := filepath.Join(data, "master.key")
	keys, err := vault.Open(ctx, masterKey, db)
	if err != nil {
		return err
	}
	if err := db.Unlock(ctx, keys); err != nil {
		return err
	}
	operator := access.System("command-line")
	operator.Tenant = access.DefaultTenant
	secret, err := auth.NewRecoveryKeys(db, keys.NewRecovery, time.Now).Make(ctx, operator, false)
	if err != nil {
		return err
	}
	path := dir + ".backup"
	var size int64
	var s backup.Summary
	if err := timed(name, "backup", mib, func() (err error) {
		size, s, err = backup.WriteFile(ctx, path, backup.Instance{Store: db, Keys: keys, Data: data, Without: []string{masterKey}, Now: time.Now})
		return err
	}); err != nil {
		return err
	}
	fmt.Printf("%-10s size    %7.1f MiB for %d rows, %.1f MiB as lines\n", name, float64(size)/mebibyte, s.Rows["journal_events"]+s.Rows["audit_log"], float64(s.Bytes)/mebibyte)
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := timed(name, "verify", mib, func() error { _, err := backup.Verify(file, secret); return err }); err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return timed(name, "restore", mib, func() error {
		_, err := backup.Restore(ctx, file, secret, backup.Target{Data: dir, DSN: target, MasterKey: filepath.Join(dir, "master.key")})
		return err
	})
}

func timed(name, what string, mib int, do func() error) error {
	began := time.Now()
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	took := time.Since(began)
	fmt.Printf("%-10s %-7s %7.2f s, %.0f MiB of data a second\n", name, what, took.Seconds(), float64(mib)/took.Seconds())
	return nil
}

// fill writes a meeting, a conference, and then nine parts of events to one part of audit entries.
func fill(ctx context.Context, dsn string, mib int) (err error) {
	db, err := store.Stage(ctx, dsn, store.NewestSchema(), store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.Fill(ctx, func(f *store.Filling) error {
		counts := map[string]int{
			"users": 1, "meetings": 1, "conferences": 1,
			"journal_events": mib * mebibyte / 10 * 9 / sealedSize, "audit_log": mib * mebibyte / 10 / (3 * sealedSize),
		}
		for _, t := range f.Tables {
			left, n := counts[t.Name], 0
			if err := f.Table(ctx, t, func() ([]any, error) {
				if n == left {
					return nil, io.EOF
				}
				n++
				return row(t, n), nil
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return db.Place(ctx)
}

// row makes up a row of a table.
func row(t store.Table, n int) []any {
	values := make([]any, len(t.Columns))
	for i, c := range t.Columns {
		switch {
		case c.Type == store.TypeInteger:
			values[i] = int64(n)
		case c.Type == store.TypeBytes:
			random := make([]byte, sealedSize)
			_, _ = rand.Read(random) // never fails, see crypto/rand
			values[i] = random
		case c.Name == "roles":
			values[i] = "user"
		case t.Name == "audit_log" && c.Name == "id":
			values[i] = fmt.Sprintf("a%d", n)
		default:
			values[i] = "x"
		}
	}
	return values
}
