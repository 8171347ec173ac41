-- What is stored about one person, for that person: of each table the newest rows.

-- name: DevicesOfUser :many
SELECT expires_at FROM devices WHERE tenant = @tenant AND user_id = @user_id ORDER BY expires_at DESC LIMIT @at_most;

-- name: AllSessionsOfUser :many
SELECT * FROM sessions WHERE tenant = @tenant AND user_id = @user_id ORDER BY created_at DESC, id LIMIT @at_most;

-- name: ProviderSessionsOfUser :many
SELECT provider_sessions.* FROM provider_sessions JOIN sessions ON sessions.id = provider_sessions.session_id
WHERE sessions.tenant = @tenant AND sessions.user_id = @user_id ORDER BY provider_sessions.session_id LIMIT @at_most;

-- name: AllIdentitiesOfUser :many
SELECT * FROM identities WHERE tenant = @tenant AND user_id = @user_id ORDER BY provider, subject LIMIT @at_most;

-- name: AllMeetingsOfUser :many
SELECT * FROM meetings WHERE tenant = @tenant AND owner_id = @user_id ORDER BY created_at DESC, id LIMIT @at_most;

-- name: TicketsOfUser :many
SELECT * FROM tickets WHERE tenant = @tenant AND actor_kind = 'account' AND actor_id = @user_id ORDER BY expires_at DESC, hash LIMIT @at_most;

-- name: AdmissionsOfUser :many
SELECT admissions.conference_id, admissions.sign_in FROM admissions WHERE admissions.tenant = @tenant AND (
    admissions.sign_in IN (SELECT sessions.id FROM sessions WHERE sessions.user_id = @user_id)
    OR admissions.sign_in IN (SELECT api_tokens.id FROM api_tokens WHERE api_tokens.user_id = @user_id)
) ORDER BY admissions.conference_id, admissions.sign_in LIMIT @at_most;

-- name: ApprovalsWith :many
SELECT * FROM approvals WHERE tenant = @tenant AND (about = @user_id OR requested_by = @user_id OR decided_by = @user_id)
ORDER BY number DESC LIMIT @at_most;

-- name: FindingsOfUser :many
SELECT kind, at FROM findings WHERE tenant = @tenant AND user_id = @user_id ORDER BY number DESC LIMIT @at_most;

-- name: RetiredOfUser :many
SELECT kind, sign_in, retired_at FROM retired_secrets WHERE tenant = @tenant AND user_id = @user_id ORDER BY retired_at DESC, sign_in LIMIT @at_most;

-- name: AuditKeysOf :many
SELECT * FROM audit_keys WHERE tenant = @tenant AND subject = @subject;
