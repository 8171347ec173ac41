-- +goose Up

-- Second factors. The secret of an authenticator app is sealed; what is known of a passkey is none.
CREATE TABLE factors (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES users (id),
    kind       TEXT NOT NULL CHECK (kind IN ('totp', 'passkey')),
    name       TEXT NOT NULL,
    credential BYTEA NOT NULL,
    secret     BYTEA NOT NULL,
    step       BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX factors_by_user ON factors (user_id);
CREATE UNIQUE INDEX factors_by_credential ON factors (credential) WHERE kind = 'passkey';

CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (id),
    hash    BYTEA NOT NULL,
    tenant  TEXT NOT NULL,
    PRIMARY KEY (user_id, hash)
);

-- What was answered once, until it expires anyway.
CREATE TABLE used_challenges (
    hash       BYTEA PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX used_challenges_by_expiry ON used_challenges (expires_at);

-- When the owner of a session last proved who it is.
ALTER TABLE sessions ADD COLUMN proved_at BIGINT NOT NULL DEFAULT 0;
