-- TakeLease gives a lease to a holder, or renews it. It touches no row while somebody else has it.
-- name: TakeLease :execrows
INSERT INTO leases (name, holder, expires_at) VALUES (@name, @holder, @expires_at)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
WHERE leases.holder = excluded.holder OR leases.expires_at <= CAST(@now AS BIGINT);

-- name: Lease :one
SELECT * FROM leases WHERE name = @name;

-- AuditCheckpointsBefore lists checkpoints, the newest first, with the time of the last entry that each covers.
-- name: AuditCheckpointsBefore :many
SELECT c.size, c.note, CAST(COALESCE((
    SELECT l.at FROM audit_places p JOIN audit_log l ON l.seq = p.seq WHERE p.leaf_index = c.size - 1
), 0) AS BIGINT) AS at
FROM audit_checkpoints c WHERE c.size < @before_size ORDER BY c.size DESC LIMIT @at_most;

-- name: DropAuditCheckpoint :exec
DELETE FROM audit_checkpoints WHERE size = @size;
