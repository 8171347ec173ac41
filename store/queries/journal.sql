-- name: Setting :one
SELECT value FROM instance_settings WHERE name = @name;

-- name: AddSetting :execrows
INSERT INTO instance_settings (name, value) VALUES (@name, @value) ON CONFLICT (name) DO NOTHING;

-- name: PutSetting :exec
INSERT INTO instance_settings (name, value) VALUES (@name, @value) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- LockSetting has everybody else who does the same wait for the end of the transaction.
-- name: LockSetting :exec
UPDATE instance_settings SET value = value WHERE name = @name;

-- name: ConferenceKey :one
SELECT wrapped FROM conference_keys WHERE conference_id = @conference_id;

-- name: AddConferenceKey :exec
INSERT INTO conference_keys (conference_id, tenant, wrapped, created_at)
VALUES (@conference_id, @tenant, @wrapped, @created_at)
ON CONFLICT (conference_id) DO NOTHING;

-- name: InsertEvent :exec
INSERT INTO journal_events (conference_id, number, tenant, epoch, kind, sealed)
VALUES (@conference_id, @number, @tenant, @epoch, @kind, @sealed);

-- name: EventsAfter :many
SELECT * FROM journal_events WHERE conference_id = @conference_id AND number > @after_number ORDER BY number LIMIT @at_most;

-- name: Snapshot :one
SELECT * FROM journal_snapshots WHERE conference_id = @conference_id;

-- name: PutSnapshot :exec
INSERT INTO journal_snapshots (conference_id, number, tenant, sealed, at)
VALUES (@conference_id, @number, @tenant, @sealed, @at)
ON CONFLICT (conference_id) DO UPDATE SET number = excluded.number, sealed = excluded.sealed, at = excluded.at
WHERE journal_snapshots.number < excluded.number;

-- name: InsertBatch :exec
INSERT INTO journal_batches (conference_id, first_seq, tenant, events, epoch, digest, at)
VALUES (@conference_id, @first_seq, @tenant, @events, @epoch, @digest, @at);

-- name: BatchAt :one
SELECT * FROM journal_batches WHERE conference_id = @conference_id AND first_seq = @first_seq;
