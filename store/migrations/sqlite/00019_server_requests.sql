-- +goose Up

-- What the server itself asks for, because its configuration says so, no account asks for.
CREATE TABLE approvals_new (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT NOT NULL UNIQUE,
    tenant       TEXT NOT NULL,
    action       TEXT NOT NULL,
    about        TEXT NOT NULL,
    parameters   TEXT NOT NULL,
    digest       TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'used', 'refused', 'withdrawn', 'expired')),
    reason       TEXT NOT NULL,
    requested_by TEXT REFERENCES users (id),
    requested_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    decided_by   TEXT NOT NULL DEFAULT '',
    decided_at   INTEGER NOT NULL DEFAULT 0,
    note         TEXT NOT NULL DEFAULT '',
    used_at      INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO approvals_new (number, id, tenant, action, about, parameters, digest, state, reason, requested_by, requested_at, expires_at, decided_by, decided_at, note, used_at)
SELECT number, id, tenant, action, about, parameters, digest, state, reason, requested_by, requested_at, expires_at, decided_by, decided_at, note, used_at
FROM approvals;
DROP TABLE approvals;
ALTER TABLE approvals_new RENAME TO approvals;
-- What is open is asked for once.
CREATE UNIQUE INDEX approvals_open ON approvals (tenant, digest) WHERE state IN ('pending', 'approved');
CREATE INDEX approvals_by_requester ON approvals (requested_by);
CREATE INDEX approvals_by_expiry ON approvals (expires_at);
