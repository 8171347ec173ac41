-- +goose Up

-- Who was erased, by a hash of the id. In a database that is older they are erased again.
CREATE TABLE erasures (
    tenant    TEXT NOT NULL,
    pseudonym TEXT NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (tenant, pseudonym)
) STRICT;
-- +goose StatementBegin
CREATE TRIGGER erasures_no_update BEFORE UPDATE ON erasures
BEGIN
    SELECT RAISE(ABORT, 'erasures only grows');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER erasures_no_delete BEFORE DELETE ON erasures
BEGIN
    SELECT RAISE(ABORT, 'erasures only grows');
END;
-- +goose StatementEnd

-- When the person behind an account was erased; 0 for all others.
ALTER TABLE users ADD COLUMN erased_at INTEGER NOT NULL DEFAULT 0;

-- With the person go the keys of what the audit log tells about that person.
-- +goose StatementBegin
CREATE TRIGGER users_erased AFTER UPDATE OF erased_at ON users WHEN NEW.erased_at <> 0
BEGIN
    DELETE FROM audit_keys WHERE tenant = NEW.tenant AND subject = NEW.id;
END;
-- +goose StatementEnd
