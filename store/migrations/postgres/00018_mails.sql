-- +goose Up

-- Mails that wait to be sent, for accounts and for names that are none: so nobody can tell the two apart.
CREATE TABLE mails (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    due_at     BIGINT NOT NULL,
    attempts   BIGINT NOT NULL
);
CREATE INDEX mails_by_due ON mails (due_at);

-- When a lock of an account last caused a mail.
CREATE TABLE lock_mails (
    tenant  TEXT NOT NULL,
    account TEXT NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (tenant, account)
);

-- The links in mails by which locks end.
CREATE TABLE unlock_links (
    hash       BYTEA PRIMARY KEY,
    tenant     TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES users (id),
    expires_at BIGINT NOT NULL
);
