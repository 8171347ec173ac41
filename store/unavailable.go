package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"konklave/fault"
	"konklave/store/sqlgen"
)

// patience bounds one transaction, or one look into the database, with the wait for a connection.
const patience = 10 * time.Second

// The faults of a database that does not do its work. Nothing was changed, or it is not known whether it was; the same
// again is safe where a method says so. They end by themselves when their cause does.
var (
	ErrUnavailable = fault.New(fault.KindUnavailable, "server.unavailable", "The server cannot reach its database right now. Please try again in a moment.")
	ErrDiskFull    = fault.New(fault.KindUnavailable, "server.disk_full", "The server's disk is full, so nothing could be stored. Please tell your administrator.")
)

// health tells the operator once when the database stops working, and once when it works again.
type health struct {
	log    *slog.Logger
	failed atomic.Bool
}

// told turns failures of the database itself into faults for people; other errors stay as they are. The caller's own
// context says whether it was the caller who gave up.
func (h *health) told(ctx context.Context, err error) error {
	if err == nil {
		if h.failed.Load() && h.failed.CompareAndSwap(true, false) {
			h.log.InfoContext(ctx, "the database works again")
		}
		return nil
	}
	f := failureOf(err)
	if f == nil || ctx.Err() != nil || errors.As(err, new(*fault.Fault)) {
		return err
	}
	if h.failed.CompareAndSwap(false, true) {
		h.log.ErrorContext(ctx, "the database does not work; what is asked of it fails until it does", "code", string(f.Code), "err", err)
	}
	return f.Because(err)
}

// failureOf returns the fault that an error of a driver stands for, or nil when the database did its work.
func failureOf(err error) *fault.Fault {
	var connect *pgconn.ConnectError
	var network net.Error
	var postgres *pgconn.PgError
	var sqlite interface{ Code() int }
	switch {
	case errors.As(err, &connect):
		return ErrUnavailable
	case errors.As(err, &postgres):
		return postgresFailure(postgres.Code)
	case errors.As(err, &sqlite):
		return sqliteFailure(sqlite.Code())
	case errors.As(err, &network), errors.Is(err, driver.ErrBadConn), errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, context.DeadlineExceeded), pgconn.SafeToRetry(err):
		return ErrUnavailable
	}
	return nil
}

// postgresFailure knows the classes of https://www.postgresql.org/docs/15/errcodes-appendix.html that mean the server.
func postgresFailure(state string) *fault.Fault {
	switch {
	case state == "53100":
		return ErrDiskFull
	case strings.HasPrefix(state, "08"), // connection exception
		strings.HasPrefix(state, "53"),  // insufficient resources
		strings.HasPrefix(state, "58"),  // system error
		strings.HasPrefix(state, "57P"), // shutdown, crash, starting up
		state == "57014",                // query cancelled: by our own limit, or by the administrator
		state == "25P03",                // our transaction rested longer than it may
		state == "25006":                // the server is a stand-by that only reads
		return ErrUnavailable
	}
	return nil
}

// The primary result codes of SQLite that mean the machine (https://www.sqlite.org/rescode.html).
const (
	sqliteBusy     = 5
	sqliteLocked   = 6
	sqliteNoMemory = 7
	sqliteReadOnly = 8
	sqliteStopped  = 9 // at our own limit
	sqliteIOError  = 10
	sqliteFull     = 13
	sqliteCantOpen = 14
)

func sqliteFailure(code int) *fault.Fault {
	switch code & 0xff { // the higher bits only say more about the same
	case sqliteFull:
		return ErrDiskFull
	case sqliteBusy, sqliteLocked, sqliteNoMemory, sqliteReadOnly, sqliteStopped, sqliteIOError, sqliteCantOpen:
		return ErrUnavailable
	}
	return nil
}

// ask runs one query outside a transaction: one statement sees one state.
func ask[P, T any](ctx context.Context, s *Store, query func(*sqlgen.Queries, context.Context, P) (T, error), p P) (T, error) {
	return look(ctx, s, func(ctx context.Context, q *sqlgen.Queries) (T, error) { return query(q, ctx, p) })
}

// look reads outside a transaction.
func look[T any](ctx context.Context, s *Store, do func(context.Context, *sqlgen.Queries) (T, error)) (T, error) {
	limited, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	v, err := do(limited, sqlgen.New(s.read))
	return v, s.reads.told(ctx, err)
}
