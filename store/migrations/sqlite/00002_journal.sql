-- +goose Up

-- Named texts of the instance: the public half of the recovery key and what belongs to it.
CREATE TABLE instance_settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- The key of each conference, wrapped by the master key. Without its row, what the conference left cannot be read.
CREATE TABLE conference_keys (
    conference_id TEXT PRIMARY KEY REFERENCES conferences (id),
    tenant        TEXT NOT NULL,
    wrapped       BLOB NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;

-- The durable events of each conference, numbered from 1 without gaps, sealed with the conference's key.
CREATE TABLE journal_events (
    conference_id TEXT NOT NULL REFERENCES conferences (id),
    number        INTEGER NOT NULL,
    tenant        TEXT NOT NULL,
    epoch         INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    sealed        BLOB NOT NULL,
    PRIMARY KEY (conference_id, number)
) STRICT, WITHOUT ROWID;

-- The newest state of each conference that was written down, sealed, so that not everything has to be read again.
CREATE TABLE journal_snapshots (
    conference_id TEXT PRIMARY KEY REFERENCES conferences (id),
    number        INTEGER NOT NULL,
    tenant        TEXT NOT NULL,
    sealed        BLOB NOT NULL,
    at            INTEGER NOT NULL
) STRICT;

ALTER TABLE conferences ADD COLUMN journal_bytes INTEGER NOT NULL DEFAULT 0;

-- Of what was said before this table was there, nothing was kept: those conferences cannot be resumed and are over.
UPDATE conferences SET ended_at = (SELECT MAX(b.at) FROM journal_batches b WHERE b.conference_id = conferences.id)
WHERE ended_at = 0 AND seq > 0;
