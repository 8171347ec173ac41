-- +goose Up

-- The one session that a used ticket opens, by the hash of its resume token, and when that was stored in the journal.
ALTER TABLE tickets ADD COLUMN session TEXT NOT NULL DEFAULT '';
ALTER TABLE tickets ADD COLUMN opened_at BIGINT NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX tickets_by_session ON tickets (conference_id, session) WHERE session <> '';
