-- name: InsertMeeting :exec
INSERT INTO meetings (id, tenant, owner_id, title, link, guests_allowed, created_at, updated_at)
VALUES (@id, @tenant, @owner_id, @title, @link, @guests_allowed, @created_at, @updated_at);

-- name: MeetingByID :one
SELECT * FROM meetings WHERE tenant = @tenant AND id = @id AND deleted_at = 0;

-- name: MeetingByLink :one
SELECT sqlc.embed(meetings), users.name AS host
FROM meetings JOIN users ON users.id = meetings.owner_id
WHERE meetings.link = @link AND meetings.deleted_at = 0;

-- name: MeetingPlace :one
SELECT created_at FROM meetings WHERE tenant = @tenant AND owner_id = @owner_id AND id = @id;

-- name: MeetingsBefore :many
SELECT * FROM meetings
WHERE tenant = @tenant AND owner_id = @owner_id AND deleted_at = 0
  AND (created_at < @created_before OR created_at = @created_before AND id < @before_id)
ORDER BY created_at DESC, id DESC LIMIT @at_most;

-- LockMeeting reads a meeting that nobody else can change before the end of the transaction.
-- name: LockMeeting :one
UPDATE meetings SET tenant = tenant WHERE tenant = @tenant AND id = @id AND deleted_at = 0 RETURNING *;

-- name: LockMeetingOfAnyTenant :one
UPDATE meetings SET tenant = tenant WHERE id = @id AND deleted_at = 0 RETURNING *;

-- name: UpdateMeeting :exec
UPDATE meetings SET title = @title, guests_allowed = @guests_allowed, updated_at = @updated_at, deleted_at = @deleted_at
WHERE tenant = @tenant AND id = @id;
