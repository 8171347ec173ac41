-- +goose Up

-- What one of several programs does at a time: who, and for how long unless it says so again.
CREATE TABLE leases (
    name       TEXT PRIMARY KEY,
    holder     TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- A checkpoint says for ever what it says; cosignatures are added to it. All may be let go but the newest.
-- +goose StatementBegin
CREATE TRIGGER audit_checkpoints_no_update BEFORE UPDATE ON audit_checkpoints
WHEN NOT (NEW.size IS OLD.size
    AND substr(NEW.note, 1, instr(NEW.note, x'0a0a')) IS substr(OLD.note, 1, instr(OLD.note, x'0a0a')))
BEGIN
    SELECT RAISE(ABORT, 'audit_checkpoints only grows');
END;
-- +goose StatementEnd

DROP TRIGGER audit_checkpoints_no_delete;
-- +goose StatementBegin
CREATE TRIGGER audit_checkpoints_no_delete BEFORE DELETE ON audit_checkpoints
WHEN NOT EXISTS (SELECT 1 FROM audit_checkpoints WHERE size > OLD.size)
BEGIN
    SELECT RAISE(ABORT, 'audit_checkpoints only grows');
END;
-- +goose StatementEnd
