-- +goose Up

-- What becomes of a finding: who has taken it up, and how it was closed.
ALTER TABLE findings ADD COLUMN state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'taken', 'closed'));
ALTER TABLE findings ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE findings ADD COLUMN handled_by TEXT NOT NULL DEFAULT '';
ALTER TABLE findings ADD COLUMN handled_at INTEGER NOT NULL DEFAULT 0;

-- What is usual for an account: from which countries it is signed in to, and for administrators from which networks and at which
-- hours they act. The mark is what was noted the last time: of a country, where in it.
CREATE TABLE habits (
    user_id  TEXT NOT NULL REFERENCES users (id),
    aspect   TEXT NOT NULL,
    value    TEXT NOT NULL,
    tenant   TEXT NOT NULL,
    mark     TEXT NOT NULL,
    times    INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    PRIMARY KEY (user_id, aspect, value)
) STRICT;
CREATE INDEX habits_by_time ON habits (last_at);

-- Secrets that are good for nothing any more and must not be seen again: of sessions that were signed out or replaced, of API
-- tokens that were revoked, of browsers that got another one.
CREATE TABLE retired_secrets (
    hash       BLOB PRIMARY KEY,
    tenant     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    sign_in    TEXT NOT NULL,
    entry      TEXT NOT NULL,
    retired_at INTEGER NOT NULL
) STRICT;
CREATE INDEX retired_secrets_by_time ON retired_secrets (retired_at);
