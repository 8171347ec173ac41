-- name: AddErasure :execrows
INSERT INTO erasures (tenant, pseudonym, at) VALUES (@tenant, @pseudonym, @at) ON CONFLICT (tenant, pseudonym) DO NOTHING;

-- name: Erasures :many
SELECT * FROM erasures ORDER BY at, tenant, pseudonym;

-- name: WasErased :one
SELECT EXISTS (SELECT 1 FROM users WHERE tenant = @tenant AND id = @id AND erased_at <> 0);

-- UnerasedUsers are the accounts of those who were not erased.
-- name: UnerasedUsers :many
SELECT tenant, id FROM users WHERE erased_at = 0;

-- EraseUser removes the keys of the audit log too: a trigger does.
-- name: EraseUser :exec
UPDATE users SET email = @email, name = @name, roles = @roles, password_hash = '', disabled_at = @disabled_at, erased_at = @erased_at
WHERE tenant = @tenant AND id = @id;

-- name: EraseDevices :exec
DELETE FROM devices WHERE tenant = @tenant AND user_id = @user_id;

-- name: EraseTokens :exec
DELETE FROM api_tokens WHERE tenant = @tenant AND user_id = @user_id;

-- name: EraseFindings :exec
DELETE FROM findings WHERE tenant = @tenant AND user_id = @user_id;

-- name: EraseTickets :exec
UPDATE tickets SET name = '' WHERE tenant = @tenant AND actor_id = @actor_id;

-- name: IdentitiesOf :many
SELECT * FROM identities WHERE tenant = @tenant AND user_id = @user_id;

-- name: EraseIdentities :exec
DELETE FROM identities WHERE tenant = @tenant AND user_id = @user_id;

-- EmptyIdentities forgets what providers said of somebody, and not who that is there.
-- name: EmptyIdentities :exec
UPDATE identities SET login = '', sealed = @nothing WHERE tenant = @tenant AND user_id = @user_id;

-- name: EraseHabits :exec
DELETE FROM habits WHERE tenant = @tenant AND user_id = @user_id;

-- name: EraseRetiredSecrets :exec
DELETE FROM retired_secrets WHERE tenant = @tenant AND user_id = @user_id;

-- name: EraseScimUser :exec
DELETE FROM scim_users WHERE tenant = @tenant AND user_id = @user_id;

-- EraseApprovals removes what is asked for about somebody, and what somebody asks for that was not done yet.
-- name: EraseApprovals :exec
DELETE FROM approvals WHERE tenant = @tenant AND (about = @user_id OR requested_by = @user_id AND state IN ('pending', 'approved'));

-- name: EraseMails :exec
DELETE FROM mails WHERE tenant = @tenant AND user_id = @user_id;

-- name: EraseUnlockLinks :exec
DELETE FROM unlock_links WHERE tenant = @tenant AND user_id = @user_id;

-- name: EraseLockMail :exec
DELETE FROM lock_mails WHERE tenant = @tenant AND account = @account;
