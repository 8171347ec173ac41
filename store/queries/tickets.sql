-- name: InsertTicket :exec
INSERT INTO tickets (hash, tenant, conference_id, meeting_id, actor_kind, actor_id, participant_id, name, role, sign_in, expires_at)
VALUES (@hash, @tenant, @conference_id, @meeting_id, @actor_kind, @actor_id, @participant_id, @name, @role, @sign_in, @expires_at);

-- name: UseTicket :one
UPDATE tickets SET used_at = @now, session = @session
WHERE hash = @hash AND conference_id = @conference_id AND used_at = 0 AND expires_at > @now
RETURNING *;

-- name: TicketByHash :one
SELECT * FROM tickets WHERE hash = @hash;

-- name: ForgetTickets :exec
DELETE FROM tickets WHERE expires_at < @forget;

-- TicketOfSession finds the used ticket that a session begins with.
-- name: TicketOfSession :one
SELECT * FROM tickets WHERE conference_id = @conference_id AND session = @session AND session <> '';

-- OpenSession notes that the session of a ticket begins.
-- name: OpenSession :exec
UPDATE tickets SET opened_at = @now WHERE conference_id = @conference_id AND session = @session AND session <> '';
