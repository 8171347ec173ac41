-- name: InsertApproval :execrows
INSERT INTO approvals (id, tenant, action, about, parameters, digest, state, reason, requested_by, requested_at, expires_at)
VALUES (@id, @tenant, @action, @about, @parameters, @digest, @state, @reason, @requested_by, @requested_at, @expires_at)
ON CONFLICT (tenant, digest) WHERE state IN ('pending', 'approved') DO NOTHING;

-- name: CountOpenApprovals :one
SELECT COUNT(*) FROM approvals WHERE tenant = @tenant AND requested_by = @requested_by AND state IN ('pending', 'approved');

-- Approvals has those that are open first, so that closed ones never push them out.
-- name: Approvals :many
SELECT * FROM approvals WHERE tenant = @tenant
ORDER BY CASE WHEN state IN ('pending', 'approved') THEN 0 ELSE 1 END, number DESC LIMIT @at_most;

-- LockApproval reads a request that nobody else can change before the end of the transaction.
-- name: LockApproval :one
UPDATE approvals SET tenant = tenant WHERE tenant = @tenant AND id = @id RETURNING *;

-- name: UpdateApproval :exec
UPDATE approvals SET state = @state, expires_at = @expires_at, decided_by = @decided_by, decided_at = @decided_at, note = @note, used_at = @used_at
WHERE tenant = @tenant AND id = @id;

-- name: ExpiredApprovals :many
SELECT * FROM approvals WHERE state IN ('pending', 'approved') AND expires_at <= @now ORDER BY number;

-- name: ForgetApprovals :exec
DELETE FROM approvals WHERE state NOT IN ('pending', 'approved') AND expires_at < @forget;

-- Staff are the accounts that can do more than most, and may be used.
-- name: Staff :many
SELECT * FROM users WHERE tenant = @tenant AND disabled_at = 0 AND roles <> 'user' ORDER BY id;
