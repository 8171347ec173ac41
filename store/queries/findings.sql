-- InsertFinding keeps nothing about somebody who is erased.
-- name: InsertFinding :execrows
INSERT INTO findings (id, tenant, at, kind, user_id, topic, evidence)
SELECT CAST(@id AS TEXT), CAST(@tenant AS TEXT), CAST(@at AS BIGINT), CAST(@kind AS TEXT), CAST(@user_id AS TEXT), CAST(@topic AS TEXT), CAST(@evidence AS TEXT)
WHERE NOT EXISTS (SELECT 1 FROM users WHERE users.tenant = @tenant AND users.id = @user_id AND users.erased_at <> 0)
ON CONFLICT (id) DO NOTHING;

-- name: FindingSince :one
SELECT EXISTS (SELECT 1 FROM findings WHERE tenant = @tenant AND kind = @kind AND topic = @topic AND at > @since);

-- name: ForgetFindings :exec
DELETE FROM findings WHERE at < @forget;

-- name: FindingsAfter :many
SELECT * FROM findings WHERE findings.tenant = @tenant AND findings.number < COALESCE(
    (SELECT last.number FROM findings last WHERE last.tenant = @tenant AND last.id = @after_id), 9223372036854775807)
ORDER BY findings.number DESC LIMIT @at_most;

-- name: FindingByID :one
SELECT * FROM findings WHERE tenant = @tenant AND id = @id;

-- name: HandleFinding :execrows
UPDATE findings SET state = @state, note = @note, handled_by = @handled_by, handled_at = @handled_at
WHERE tenant = @tenant AND id = @id AND state = @was AND handled_at = @was_at;
