package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Rights is what the role with which the application connects may do to the audit log.
type Rights struct {
	Role    string // empty on SQLite, which knows no roles
	Changes bool   // it may change or remove what was logged, or what guards it: always so on SQLite
	Prunes  bool   // it may let go of the content of entries
}

// rightsQuery tells what the role may do. Who owns a table may do everything to it, and who owns its schema or its database may
// remove it.
const rightsQuery = `SELECT current_user,
	(SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
	OR (SELECT pg_has_role(datdba, 'MEMBER') FROM pg_database WHERE datname = current_database())
	OR (SELECT pg_has_role(nspowner, 'MEMBER') FROM pg_namespace WHERE nspname = current_schema())
	OR COALESCE(bool_or(pg_has_role(c.relowner, 'MEMBER') OR has_table_privilege(c.oid, 'TRUNCATE, TRIGGER')
		OR c.relname NOT IN ('audit_checkpoints') AND has_any_column_privilege(c.oid, 'UPDATE')
		OR c.relname <> 'audit_waiting' AND has_table_privilege(c.oid, 'DELETE')), false),
	COALESCE(bool_or(c.relname = 'audit_log' AND has_column_privilege(c.oid, 'body', 'UPDATE')), false)
FROM pg_class c WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind = 'r' AND c.relname = ANY($1)`

// auditTables are those in which the audit log is.
func auditTables() []string {
	return []string{"audit_log", "audit_waiting", "audit_places", "audit_hashes", "audit_checkpoints", "audit_keys", "erasures"}
}

// Rights looks what this role may do to the audit log.
func (s *Store) Rights(ctx context.Context) (Rights, error) {
	if s.sqlite {
		return Rights{Changes: true, Prunes: true}, nil
	}
	limited, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	var r Rights
	err := s.read.QueryRowContext(limited, rightsQuery, auditTables()).Scan(&r.Role, &r.Changes, &r.Prunes)
	if err != nil {
		return r, fmt.Errorf("look at the rights of the role: %w", s.reads.told(ctx, err))
	}
	return r, nil
}

// Sentence says in plain words that the database does not keep the application from changing the audit log; empty when it does,
// and on SQLite, where nothing can.
func (r Rights) Sentence() string {
	if r.Role == "" || !r.Changes {
		return ""
	}
	return fmt.Sprintf("The role %q, with which the server connects to PostgreSQL, may change the audit log or remove it: only triggers stand against that, and it may remove them too.", r.Role)
}

// OwnerNeededError says that the schema has to be brought up to date by the role that owns it.
type OwnerNeededError struct{ Cause error }

// Error tells the operator what to do.
func (e *OwnerNeededError) Error() string {
	return "the tables of the database have to be made or brought up to date, and the role of the application may not do that: " +
		"run `konklave database prepare` as the role that owns them (" + e.Cause.Error() + ")"
}

// Unwrap returns the cause.
func (e *OwnerNeededError) Unwrap() error { return e.Cause }

// What PostgreSQL says (SQLSTATE) to who may not do something, and where a table is missing that could not be made.
const (
	insufficientPrivilege = "42501"
	undefinedTable        = "42P01"
)

// ownerNeeded is the error of a migration for the operator.
func ownerNeeded(err error) error {
	var pg interface{ SQLState() string }
	if errors.As(err, &pg) && (pg.SQLState() == insufficientPrivilege || pg.SQLState() == undefinedTable) {
		return &OwnerNeededError{err}
	}
	return err
}

// ErrRole refuses a role for the application.
var ErrRole = errors.New("this role cannot be that of the application")

// grants are what the role of the application may do to the tables of the audit log, and to that of the schema's version: it
// adds, puts in order, and adds cosignatures to a checkpoint. Keys of persons are destroyed
// with the rights of the owner, by a trigger, when a person is erased.
func grants() map[string]string {
	return map[string]string{
		"audit_log": "SELECT, INSERT", "audit_places": "SELECT, INSERT", "audit_hashes": "SELECT, INSERT",
		"audit_waiting": "SELECT, INSERT, DELETE", "audit_checkpoints": "SELECT, INSERT, UPDATE (note)",
		"audit_keys": "SELECT, INSERT", "erasures": "SELECT, INSERT", clearTable: "SELECT, DELETE", versionTable: "SELECT",
	}
}

// Prepare brings the schema of a PostgreSQL database up to date, as the role that owns it, and gives the role of the application
// what it needs, and no more. It may be done again at any time; after each change of the schema it must. It fails with ErrRole.
func Prepare(ctx context.Context, dsn, application string, o Options) (err error) {
	if !isPostgres(dsn) {
		return fmt.Errorf("%w: only PostgreSQL has roles", ErrRole)
	}
	s, err := Open(ctx, dsn, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.fitRole(ctx, application); err != nil {
		return err
	}
	if first, there, err := s.firstClear(ctx); err == nil && there && first == 0 {
		if err := s.dropClear(ctx); err != nil {
			return err
		}
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	var schema string
	if err := tx.QueryRowContext(ctx, "SELECT quote_ident(current_schema())").Scan(&schema); err != nil {
		return err
	}
	all, err := s.dialect.tables(ctx, tx)
	if err != nil {
		return err
	}
	role := quote(application)
	statements := []string{"REVOKE CREATE ON SCHEMA " + schema + " FROM PUBLIC, " + role, "GRANT USAGE ON SCHEMA " + schema + " TO " + role}
	for _, t := range append(all, Table{Name: versionTable}) {
		rights, listed := grants()[t.Name]
		if !listed {
			rights = "SELECT, INSERT, UPDATE, DELETE"
		}
		statements = append(statements, "REVOKE ALL ON TABLE "+quote(t.Name)+" FROM PUBLIC, "+role, "GRANT "+rights+" ON TABLE "+quote(t.Name)+" TO "+role)
	}
	if _, err := tx.ExecContext(ctx, strings.Join(statements, ";\n")); err != nil { // names from the catalogue, quoted
		return err
	}
	return tx.Commit()
}

// fitRole refuses a role that nothing could be kept from.
func (s *Store) fitRole(ctx context.Context, role string) error {
	const query = `SELECT current_user, r.rolsuper OR r.rolcreaterole, pg_has_role(r.oid, current_user, 'MEMBER')
		OR (SELECT pg_has_role(r.oid, datdba, 'MEMBER') FROM pg_database WHERE datname = current_database())
		OR (SELECT pg_has_role(r.oid, nspowner, 'MEMBER') FROM pg_namespace WHERE nspname = current_schema())
		FROM pg_roles r WHERE r.rolname = $1`
	var owner string
	var powerful, member bool
	if err := s.read.QueryRowContext(ctx, query, role).Scan(&owner, &powerful, &member); err != nil {
		return fmt.Errorf("%w: make it first, CREATE ROLE %s LOGIN (%w)", ErrRole, quote(role), err)
	}
	switch {
	case powerful:
		return fmt.Errorf("%w: %q is a superuser or may make roles, and nothing could be kept from it", ErrRole, role)
	case member:
		return fmt.Errorf("%w: %q owns the database, its schema or its tables, or is a member of the role %q that does, and nothing could be kept from it", ErrRole, role, owner)
	}
	return nil
}
