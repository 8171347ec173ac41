-- +goose Up

-- Times are milliseconds since 1970 in UTC; 0 stands for "not yet". Every table names the organisation (tenant).

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    tenant        TEXT NOT NULL,
    email         TEXT COLLATE "C" NOT NULL,
    name          TEXT NOT NULL,
    role          TEXT NOT NULL CHECK (role IN ('admin', 'user')),
    language      TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    disabled_at   BIGINT NOT NULL DEFAULT 0,
    UNIQUE (tenant, email)
);

CREATE TABLE setup_tokens (
    tenant     TEXT PRIMARY KEY,
    hash       BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES users (id),
    hash       BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    user_agent TEXT NOT NULL,
    source     TEXT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Browsers in which a user has signed in before.
CREATE TABLE devices (
    hash       BYTEA NOT NULL,
    tenant     TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES users (id),
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, hash)
);
CREATE INDEX devices_by_expiry ON devices (expires_at);

CREATE TABLE sign_in_failures (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant  TEXT NOT NULL,
    account TEXT NOT NULL,
    source  TEXT NOT NULL,
    known   BOOLEAN NOT NULL,
    at      BIGINT NOT NULL
);
CREATE INDEX sign_in_failures_by_account ON sign_in_failures (tenant, account, at);
CREATE INDEX sign_in_failures_by_source ON sign_in_failures (tenant, source, at);
CREATE INDEX sign_in_failures_by_time ON sign_in_failures (at);

CREATE TABLE api_tokens (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES users (id),
    hash       BYTEA NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX api_tokens_by_user ON api_tokens (user_id);

-- A deleted meeting keeps its row, so that its link is never given out again.
CREATE TABLE meetings (
    id             TEXT PRIMARY KEY,
    tenant         TEXT NOT NULL,
    owner_id       TEXT NOT NULL REFERENCES users (id),
    title          TEXT NOT NULL,
    link           TEXT NOT NULL UNIQUE,
    guests_allowed BOOLEAN NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    deleted_at     BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX meetings_by_owner ON meetings (tenant, owner_id, created_at, id);

CREATE TABLE conferences (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    meeting_id TEXT NOT NULL REFERENCES meetings (id),
    epoch      BIGINT NOT NULL DEFAULT 0,
    seq        BIGINT NOT NULL DEFAULT 0,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX conferences_live ON conferences (meeting_id) WHERE ended_at = 0;

-- What the worker of a conference appended: enough to recognise a batch that comes again.
CREATE TABLE journal_batches (
    conference_id TEXT NOT NULL REFERENCES conferences (id),
    first_seq     BIGINT NOT NULL,
    tenant        TEXT NOT NULL,
    events        BIGINT NOT NULL,
    epoch         BIGINT NOT NULL,
    digest        BYTEA NOT NULL,
    at            BIGINT NOT NULL,
    PRIMARY KEY (conference_id, first_seq)
);

CREATE TABLE tickets (
    hash           BYTEA PRIMARY KEY,
    tenant         TEXT NOT NULL,
    conference_id  TEXT NOT NULL,
    meeting_id     TEXT NOT NULL,
    actor_kind     TEXT NOT NULL,
    actor_id       TEXT NOT NULL,
    participant_id TEXT NOT NULL,
    name           TEXT NOT NULL,
    role           TEXT NOT NULL,
    expires_at     BIGINT NOT NULL,
    used_at        BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX tickets_by_expiry ON tickets (expires_at);

-- The audit log only grows: the triggers refuse everything else.
CREATE TABLE audit_entries (
    seq         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    tenant      TEXT NOT NULL,
    at          BIGINT NOT NULL,
    kind        TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    actor_kind  TEXT NOT NULL,
    actor_id    TEXT NOT NULL,
    actor_user  TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id   TEXT NOT NULL,
    reported_by TEXT NOT NULL,
    details     TEXT NOT NULL
);

-- +goose StatementBegin
CREATE FUNCTION audit_entries_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_entries only grows';
END;
$$;
-- +goose StatementEnd

CREATE TRIGGER audit_entries_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_only_grows();
