// Package postgrestest runs a real PostgreSQL server of its own, for tests and measurements. The server listens on a unix
// socket in a directory of its own and can be stopped and started again with its data.
package postgrestest

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Server is a PostgreSQL server. Close ends it and removes its data.
type Server struct {
	bin, dir   string
	settings   []string
	credential *syscall.Credential

	mu      sync.Mutex
	process *os.Process   // nil while it is stopped
	done    chan struct{} // closed when the process has ended
}

// quick are settings of a server whose data nobody needs after a crash of the machine.
func quick() []string {
	return []string{"listen_addresses=", "fsync=off", "full_page_writes=off", "max_connections=300", "lc_messages=C"}
}

// Start makes a database cluster and starts a server on it. Settings like "fsync=on" come after the usual ones, which
// make it fast and forget durability. As root it runs as the user "postgres", because PostgreSQL refuses to run as root.
// It ends with this program at the latest.
func Start(ctx context.Context, settings ...string) (*Server, error) {
	return StartIn(ctx, "", settings...)
}

// StartIn is Start with the data in a new directory within parent; the path must be short, for a socket is in it.
func StartIn(ctx context.Context, parent string, settings ...string) (_ *Server, err error) {
	s := &Server{settings: append(quick(), settings...)}
	if s.bin, err = binaries(); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp(parent, "konklave-pg-"); err != nil {
		return nil, err
	}
	if err = s.initialise(ctx); err == nil {
		err = s.Resume()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) initialise(ctx context.Context) (err error) {
	if s.credential, err = ordinaryUser(s.dir); err != nil {
		return err
	}
	initdb := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"), "-D", s.data(), "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C")
	initdb.Dir, initdb.SysProcAttr = s.dir, &syscall.SysProcAttr{Credential: s.credential}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Resume starts the server again on its data, and returns when it accepts connections. It does nothing while it runs.
func (s *Server) Resume() error {
	s.mu.Lock()
	running := s.process != nil
	s.mu.Unlock()
	if running {
		return nil
	}
	args := []string{"-D", s.data(), "-k", s.dir}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	server := exec.Command(filepath.Join(s.bin, "postgres"), args...) //nolint:noctx // lives until Stop or Close
	server.Dir = s.dir
	server.SysProcAttr = &syscall.SysProcAttr{Credential: s.credential, Pdeathsig: syscall.SIGQUIT}
	stderr, err := server.StderrPipe()
	if err != nil {
		return err
	}
	started, ready, done := make(chan error, 1), make(chan error, 1), make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // the kernel ends the server when this thread ends, that is with the program
		defer runtime.UnlockOSThread()
		err := server.Start()
		started <- err
		if err != nil {
			return
		}
		ready <- readUntil(stderr, "ready to accept connections")
		_, _ = io.Copy(io.Discard, stderr)
		_ = server.Wait() // Stop decides how it ends
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	s.mu.Lock()
	s.process, s.done = server.Process, done
	s.mu.Unlock()
	return <-ready
}

// Stop ends the server at once, as a crash does, and keeps its data. A second call does nothing.
func (s *Server) Stop() { s.end(syscall.SIGQUIT) }

// Kill kills the server's first process, as nothing does that is in order, and keeps its data. The others end when they see
// it; Kill returns when they have. A second call does nothing.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

func (s *Server) end(signal syscall.Signal) {
	s.mu.Lock()
	process, done := s.process, s.done
	s.process = nil
	s.mu.Unlock()
	if process == nil {
		return
	}
	_ = process.Signal(signal) // one that has just ended needs none
	<-done
}

// Close ends the server and removes its data.
func (s *Server) Close() error {
	s.Stop()
	return os.RemoveAll(s.dir)
}

// DSN is where a database of the server is, for package store.
func (s *Server) DSN(database string) string {
	return "postgres://postgres@/" + database + "?" + url.Values{"host": {s.dir}}.Encode()
}

// Create makes a database as a copy of a template, "template0" for an empty one, and returns where it is.
func (s *Server) Create(ctx context.Context, name, template string) (dsn string, err error) {
	return s.DSN(name), s.Execute(ctx, "postgres", "CREATE DATABASE "+name+" TEMPLATE "+template)
}

// Execute runs statements in a database, as the administrator of the server.
func (s *Server) Execute(ctx context.Context, database string, statements ...string) error {
	db, err := sql.Open("pgx", s.DSN(database))
	if err != nil {
		return err
	}
	for _, statement := range statements {
		if _, errRun := db.ExecContext(ctx, statement); errRun != nil {
			err = fmt.Errorf("%s: %w", statement, errRun)
			break
		}
	}
	return errors.Join(err, db.Close())
}

// Tables lists the tables in all schemas of a database but PostgreSQL's own, as "schema.table", in order.
func (s *Server) Tables(ctx context.Context, database string) (all []string, err error) {
	const list = `SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`
	db, err := sql.Open("pgx", s.DSN(database))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, list)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		all = append(all, name)
	}
	return all, rows.Err()
}

// readUntil reads lines up to one that has the text; without one it fails with what it read.
func readUntil(r io.Reader, text string) error {
	var read strings.Builder
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if strings.Contains(lines.Text(), text) {
			return nil
		}
		read.WriteString(lines.Text() + "\n")
	}
	return fmt.Errorf("postgres did not start:\n%s", read.String())
}
