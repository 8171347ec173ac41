-- name: InsertConference :exec
INSERT INTO conferences (id, tenant, meeting_id, started_at) VALUES (@id, @tenant, @meeting_id, @started_at);

-- name: LiveConferenceOf :one
SELECT * FROM conferences WHERE meeting_id = @meeting_id AND ended_at = 0;

-- name: ConferenceByID :one
SELECT * FROM conferences WHERE id = @id;

-- name: LiveConferences :many
SELECT * FROM conferences WHERE ended_at = 0 ORDER BY started_at, id;

-- LockConference reads a conference that nobody else can change before the end of the transaction.
-- name: LockConference :one
UPDATE conferences SET tenant = tenant WHERE id = @id RETURNING *;

-- name: AdvanceConference :exec
UPDATE conferences SET seq = @seq, journal_bytes = @journal_bytes, ended_at = @ended_at WHERE id = @id;
