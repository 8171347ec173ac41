-- +goose Up

-- Sensitive acts that a second person is asked to agree to. The parameters are a JSON object; the digest is what an act is known
-- again by.
CREATE TABLE approvals (
    number       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    tenant       TEXT NOT NULL,
    action       TEXT NOT NULL,
    about        TEXT NOT NULL,
    parameters   TEXT NOT NULL,
    digest       TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'used', 'refused', 'withdrawn', 'expired')),
    reason       TEXT NOT NULL,
    requested_by TEXT NOT NULL REFERENCES users (id),
    requested_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    decided_by   TEXT NOT NULL DEFAULT '',
    decided_at   BIGINT NOT NULL DEFAULT 0,
    note         TEXT NOT NULL DEFAULT '',
    used_at      BIGINT NOT NULL DEFAULT 0
);
-- What is open is asked for once.
CREATE UNIQUE INDEX approvals_open ON approvals (tenant, digest) WHERE state IN ('pending', 'approved');
CREATE INDEX approvals_by_requester ON approvals (requested_by);
CREATE INDEX approvals_by_expiry ON approvals (expires_at);
