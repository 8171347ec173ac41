-- ClaimEpoch begins the time of a new worker, unless somebody else has begun a later one than the one known.
-- name: ClaimEpoch :one
UPDATE conferences SET epoch = epoch + 1 WHERE id = @id AND epoch = @known AND ended_at = 0 RETURNING *;

-- name: TicketsRedeemed :one
SELECT count(*) FROM tickets
WHERE conference_id = @conference_id AND actor_kind = @actor_kind AND actor_id = @actor_id AND name = @name AND role = @role AND used_at <> 0;

-- TitleOfMeeting finds deleted meetings too: their conferences go on.
-- name: TitleOfMeeting :one
SELECT title FROM meetings WHERE id = @id;
