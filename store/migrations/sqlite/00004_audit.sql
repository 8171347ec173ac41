-- +goose Up

-- The audit log: what the tree hashes (leaf), what happened (body) and what of it is personal (the sealed parts). Rows are numbered as
-- they are written; the place in the log is in audit_places.
CREATE TABLE audit_log (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE,
    tenant   TEXT NOT NULL,
    at       INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    category TEXT NOT NULL,
    leaf     BLOB NOT NULL,
    body     BLOB,
    personal BLOB
) STRICT;
CREATE INDEX audit_log_kept ON audit_log (category, at) WHERE body IS NOT NULL;

-- Entries that are not in the tree yet.
CREATE TABLE audit_waiting (
    seq INTEGER PRIMARY KEY REFERENCES audit_log (seq)
) STRICT;

-- The order of the log: which entry is which leaf of the tree.
CREATE TABLE audit_places (
    leaf_index INTEGER PRIMARY KEY,
    seq        INTEGER NOT NULL UNIQUE REFERENCES audit_log (seq)
) STRICT;

-- The hashes of the tree by stored index: 32 bytes each, several that follow each other in a row.
CREATE TABLE audit_hashes (
    first_index INTEGER PRIMARY KEY,
    hashes      BLOB NOT NULL
) STRICT;

-- Signed checkpoints by the size of the tree.
CREATE TABLE audit_checkpoints (
    size INTEGER PRIMARY KEY,
    note BLOB NOT NULL
) STRICT;

-- The keys of what is personal, wrapped. Without its row, what the log tells about somebody in a month cannot be read.
CREATE TABLE audit_keys (
    id      TEXT PRIMARY KEY,
    tenant  TEXT NOT NULL,
    subject TEXT NOT NULL,
    period  TEXT NOT NULL,
    wrapped BLOB NOT NULL,
    UNIQUE (tenant, subject, period)
) STRICT;

-- What is personal, and bodies, may be let go; nothing else of the log changes.
-- +goose StatementBegin
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
WHEN NOT (OLD.category <> 'log' AND NEW.personal IS NULL AND (NEW.body IS NULL OR NEW.body IS OLD.body)
    AND NEW.seq IS OLD.seq AND NEW.id IS OLD.id AND NEW.tenant IS OLD.tenant AND NEW.at IS OLD.at
    AND NEW.kind IS OLD.kind AND NEW.category IS OLD.category AND NEW.leaf IS OLD.leaf)
BEGIN
    SELECT RAISE(ABORT, 'audit_log only grows');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log only grows');
END;
-- +goose StatementEnd

-- INSERT OR REPLACE would remove a row without running the trigger above.
-- +goose StatementBegin
CREATE TRIGGER audit_log_no_replace BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE seq = NEW.seq OR id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'audit_log only grows');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_waiting_no_delete BEFORE DELETE ON audit_waiting
WHEN NOT EXISTS (SELECT 1 FROM audit_places WHERE seq = OLD.seq)
BEGIN
    SELECT RAISE(ABORT, 'audit_waiting keeps what has no place in the log yet');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_waiting_no_update BEFORE UPDATE ON audit_waiting
BEGIN
    SELECT RAISE(ABORT, 'audit_waiting keeps what has no place in the log yet');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_places_no_update BEFORE UPDATE ON audit_places
BEGIN
    SELECT RAISE(ABORT, 'audit_places only grows');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_places_no_delete BEFORE DELETE ON audit_places
BEGIN
    SELECT RAISE(ABORT, 'audit_places only grows');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_places_no_replace BEFORE INSERT ON audit_places
WHEN EXISTS (SELECT 1 FROM audit_places WHERE leaf_index = NEW.leaf_index OR seq = NEW.seq)
BEGIN
    SELECT RAISE(ABORT, 'audit_places only grows');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_hashes_no_update BEFORE UPDATE ON audit_hashes
BEGIN
    SELECT RAISE(ABORT, 'audit_hashes only grows');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_hashes_no_delete BEFORE DELETE ON audit_hashes
BEGIN
    SELECT RAISE(ABORT, 'audit_hashes only grows');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_hashes_no_replace BEFORE INSERT ON audit_hashes
WHEN EXISTS (SELECT 1 FROM audit_hashes WHERE first_index = NEW.first_index)
BEGIN
    SELECT RAISE(ABORT, 'audit_hashes only grows');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_checkpoints_no_delete BEFORE DELETE ON audit_checkpoints
BEGIN
    SELECT RAISE(ABORT, 'audit_checkpoints only grows');
END;
-- +goose StatementEnd

-- audit_entries holds entries in clear, as they were written before. The program that has the keys seals them in audit_log,
-- removes them row by row, and at last the table.
DROP TRIGGER audit_entries_no_update;
DROP TRIGGER audit_entries_no_delete;
DROP TRIGGER audit_entries_no_replace;
