-- name: InsertAuditEntry :exec
INSERT INTO audit_entries (id, tenant, at, kind, outcome, actor_kind, actor_id, actor_user, object_kind, object_id, reported_by, details)
VALUES (@id, @tenant, @at, @kind, @outcome, @actor_kind, @actor_id, @actor_user, @object_kind, @object_id, @reported_by, @details);

-- name: AuditEntriesAfter :many
SELECT * FROM audit_entries WHERE seq > @after_seq ORDER BY seq LIMIT @at_most;
