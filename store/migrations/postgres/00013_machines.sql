-- +goose Up

-- Programs of their own (RFC 6749, section 4.4). Scopes and networks are lists with a space between their elements.
CREATE TABLE machines (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    name       TEXT NOT NULL,
    scopes     TEXT NOT NULL,
    networks   TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL DEFAULT 0
);

-- A machine has one secret, and while it is changed the one before as well, until that expires.
CREATE TABLE machine_secrets (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    machine_id TEXT NOT NULL REFERENCES machines (id),
    hash       BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX machine_secrets_by_machine ON machine_secrets (machine_id);

-- What a machine got for a secret; it ends with it.
CREATE TABLE access_tokens (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    machine_id TEXT NOT NULL REFERENCES machines (id),
    secret_id  TEXT NOT NULL REFERENCES machine_secrets (id),
    hash       BYTEA NOT NULL UNIQUE,
    scopes     TEXT NOT NULL,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_tokens_by_machine ON access_tokens (machine_id);
CREATE INDEX access_tokens_by_secret ON access_tokens (secret_id);
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at);
