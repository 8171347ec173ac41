-- name: InsertAuditEntry :one
INSERT INTO audit_log (id, tenant, at, kind, category, leaf, body, personal)
VALUES (@id, @tenant, @at, @kind, @category, @leaf, @body, @personal) RETURNING seq;

-- name: QueueAuditEntry :exec
INSERT INTO audit_waiting (seq) VALUES (@seq);

-- name: AuditEntriesAfter :many
SELECT * FROM audit_log WHERE seq > @after_seq ORDER BY seq LIMIT @at_most;

-- name: AuditSubjectKey :one
SELECT * FROM audit_keys WHERE tenant = @tenant AND subject = @subject AND period = @period;

-- name: AddAuditKey :exec
INSERT INTO audit_keys (id, tenant, subject, period, wrapped) VALUES (@id, @tenant, @subject, @period, @wrapped)
ON CONFLICT (tenant, subject, period) DO NOTHING;

-- name: AuditKey :one
SELECT * FROM audit_keys WHERE id = @id;

-- name: EraseAuditKeys :execrows
DELETE FROM audit_keys WHERE tenant = @tenant AND subject = @subject;

-- name: AuditWaits :one
SELECT EXISTS (SELECT 1 FROM audit_waiting);

-- TakeAuditTurn gives the turn to integrate entries to the transaction, unless another one has it, and bounds how long the
-- transaction may rest. It is for PostgreSQL alone; on SQLite there is one transaction at a time that writes.
-- name: TakeAuditTurn :one
SELECT CAST(set_config('idle_in_transaction_session_timeout', @rest_millis, true) AS TEXT) AS rest,
    pg_try_advisory_xact_lock(CAST(@lock AS INTEGER), CAST(CAST(CAST('audit_places' AS regclass) AS oid) AS INTEGER)) AS mine;

-- name: LastAuditPlace :one
SELECT leaf_index FROM audit_places ORDER BY leaf_index DESC LIMIT 1;

-- name: PlaceAuditEntries :execrows
INSERT INTO audit_places (leaf_index, seq)
SELECT CAST(@size AS BIGINT) + row_number() OVER (ORDER BY w.seq) - 1, w.seq
FROM (SELECT seq FROM audit_waiting ORDER BY seq LIMIT @at_most) w;

-- name: PlacedAuditLeaves :many
SELECT l.leaf FROM audit_places p JOIN audit_log l ON l.seq = p.seq WHERE p.leaf_index >= @first ORDER BY p.leaf_index;

-- name: UnqueueAuditEntries :execrows
DELETE FROM audit_waiting WHERE seq IN (SELECT p.seq FROM audit_places p WHERE p.leaf_index >= @first);

-- name: AuditHashesAt :one
SELECT * FROM audit_hashes WHERE first_index <= @stored_index ORDER BY first_index DESC LIMIT 1;

-- name: AuditHashesBetween :many
SELECT * FROM audit_hashes WHERE first_index > @after_index AND first_index <= @last_index ORDER BY first_index;

-- name: InsertAuditHashes :exec
INSERT INTO audit_hashes (first_index, hashes) VALUES (@first_index, @hashes);

-- name: AuditLogFrom :many
SELECT p.leaf_index, l.leaf, l.body, l.personal FROM audit_places p JOIN audit_log l ON l.seq = p.seq
WHERE p.leaf_index >= @first AND p.leaf_index < @past ORDER BY p.leaf_index;

-- name: InsertAuditCheckpoint :execrows
INSERT INTO audit_checkpoints (size, note) VALUES (@size, @note) ON CONFLICT (size) DO NOTHING;

-- ReplaceAuditCheckpoint puts a note in the place of the one that was read before, unless it is another one by now.
-- name: ReplaceAuditCheckpoint :execrows
UPDATE audit_checkpoints SET note = @note WHERE size = @size AND note = @before;

-- name: AuditCheckpointAt :one
SELECT note FROM audit_checkpoints WHERE size <= @at_most ORDER BY size DESC LIMIT 1;

-- name: PrunableAuditEntries :many
SELECT p.leaf_index FROM audit_log l JOIN audit_places p ON p.seq = l.seq
WHERE l.category = @category AND l.at < @before AND l.body IS NOT NULL AND (CAST(@bodies AS BOOLEAN) OR l.personal IS NOT NULL)
ORDER BY p.leaf_index LIMIT @at_most;

-- name: PruneAuditEntries :execrows
UPDATE audit_log SET body = CASE WHEN CAST(@bodies AS BOOLEAN) THEN NULL ELSE body END, personal = NULL
WHERE category = @category AND at < @before AND body IS NOT NULL AND (CAST(@bodies AS BOOLEAN) OR personal IS NOT NULL)
AND seq IN (SELECT p.seq FROM audit_places p WHERE p.leaf_index >= @first AND p.leaf_index < @past);

-- InsertClearEntry writes an entry as programs did before entries were sealed, into a database whose schema is left as it is.
-- name: InsertClearEntry :exec
INSERT INTO audit_entries (id, tenant, at, kind, outcome, actor_kind, actor_id, actor_user, object_kind, object_id, reported_by, details)
VALUES (@id, @tenant, @at, @kind, @outcome, @actor_kind, @actor_id, @actor_user, @object_kind, @object_id, @reported_by, @details);

-- name: TakeClearEntries :many
DELETE FROM audit_entries WHERE seq IN (SELECT e.seq FROM audit_entries e ORDER BY e.seq LIMIT @at_most) RETURNING *;
