-- +goose Up

-- Mails that wait to be sent, for accounts and for names that are none: so nobody can tell the two apart.
CREATE TABLE mails (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    attempts   INTEGER NOT NULL
) STRICT;
CREATE INDEX mails_by_due ON mails (due_at);

-- When a lock of an account last caused a mail.
CREATE TABLE lock_mails (
    tenant  TEXT NOT NULL,
    account TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (tenant, account)
) STRICT;

-- The links in mails by which locks end.
CREATE TABLE unlock_links (
    hash       BLOB PRIMARY KEY,
    tenant     TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES users (id),
    expires_at INTEGER NOT NULL
) STRICT;
