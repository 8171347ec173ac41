-- +goose Up

-- Times are milliseconds since 1970 in UTC; 0 stands for "not yet". Every table names the organisation (tenant).

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    tenant        TEXT NOT NULL,
    email         TEXT NOT NULL,
    name          TEXT NOT NULL,
    role          TEXT NOT NULL CHECK (role IN ('admin', 'user')),
    language      TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    disabled_at   INTEGER NOT NULL DEFAULT 0,
    UNIQUE (tenant, email)
) STRICT;

CREATE TABLE setup_tokens (
    tenant     TEXT PRIMARY KEY,
    hash       BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES users (id),
    hash       BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    user_agent TEXT NOT NULL,
    source     TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Browsers in which a user has signed in before.
CREATE TABLE devices (
    hash       BLOB NOT NULL,
    tenant     TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES users (id),
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, hash)
) STRICT;
CREATE INDEX devices_by_expiry ON devices (expires_at);

CREATE TABLE sign_in_failures (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant  TEXT NOT NULL,
    account TEXT NOT NULL,
    source  TEXT NOT NULL,
    known   INTEGER NOT NULL,
    at      INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_failures_by_account ON sign_in_failures (tenant, account, at);
CREATE INDEX sign_in_failures_by_source ON sign_in_failures (tenant, source, at);
CREATE INDEX sign_in_failures_by_time ON sign_in_failures (at);

CREATE TABLE api_tokens (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES users (id),
    hash       BLOB NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX api_tokens_by_user ON api_tokens (user_id);

-- A deleted meeting keeps its row, so that its link is never given out again.
CREATE TABLE meetings (
    id             TEXT PRIMARY KEY,
    tenant         TEXT NOT NULL,
    owner_id       TEXT NOT NULL REFERENCES users (id),
    title          TEXT NOT NULL,
    link           TEXT NOT NULL UNIQUE,
    guests_allowed INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    deleted_at     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX meetings_by_owner ON meetings (tenant, owner_id, created_at, id);

CREATE TABLE conferences (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    meeting_id TEXT NOT NULL REFERENCES meetings (id),
    epoch      INTEGER NOT NULL DEFAULT 0,
    seq        INTEGER NOT NULL DEFAULT 0,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX conferences_live ON conferences (meeting_id) WHERE ended_at = 0;

-- What the worker of a conference appended: enough to recognise a batch that comes again.
CREATE TABLE journal_batches (
    conference_id TEXT NOT NULL REFERENCES conferences (id),
    first_seq     INTEGER NOT NULL,
    tenant        TEXT NOT NULL,
    events        INTEGER NOT NULL,
    epoch         INTEGER NOT NULL,
    digest        BLOB NOT NULL,
    at            INTEGER NOT NULL,
    PRIMARY KEY (conference_id, first_seq)
) STRICT;

CREATE TABLE tickets (
    hash           BLOB PRIMARY KEY,
    tenant         TEXT NOT NULL,
    conference_id  TEXT NOT NULL,
    meeting_id     TEXT NOT NULL,
    actor_kind     TEXT NOT NULL,
    actor_id       TEXT NOT NULL,
    participant_id TEXT NOT NULL,
    name           TEXT NOT NULL,
    role           TEXT NOT NULL,
    expires_at     INTEGER NOT NULL,
    used_at        INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX tickets_by_expiry ON tickets (expires_at);

-- The audit log only grows: the triggers refuse everything else.
CREATE TABLE audit_entries (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    tenant      TEXT NOT NULL,
    at          INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    actor_kind  TEXT NOT NULL,
    actor_id    TEXT NOT NULL,
    actor_user  TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id   TEXT NOT NULL,
    reported_by TEXT NOT NULL,
    details     TEXT NOT NULL
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries
BEGIN
    SELECT RAISE(ABORT, 'audit_entries only grows');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries
BEGIN
    SELECT RAISE(ABORT, 'audit_entries only grows');
END;
-- +goose StatementEnd

-- INSERT OR REPLACE would remove a row without running the trigger above.
-- +goose StatementBegin
CREATE TRIGGER audit_entries_no_replace BEFORE INSERT ON audit_entries
WHEN EXISTS (SELECT 1 FROM audit_entries WHERE seq = NEW.seq OR id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'audit_entries only grows');
END;
-- +goose StatementEnd
