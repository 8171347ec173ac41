-- name: FactorsOfUser :many
SELECT * FROM factors WHERE tenant = @tenant AND user_id = @user_id ORDER BY created_at, id;

-- name: FactorOfCredential :one
SELECT * FROM factors WHERE tenant = @tenant AND kind = 'passkey' AND credential = @credential;

-- name: CountFactors :one
SELECT COUNT(*) FROM factors WHERE tenant = @tenant AND user_id = @user_id;

-- name: InsertFactor :execrows
INSERT INTO factors (id, tenant, user_id, kind, name, credential, secret, step, created_at)
VALUES (@id, @tenant, @user_id, @kind, @name, @credential, @secret, @step, @created_at)
ON CONFLICT (credential) WHERE kind = 'passkey' DO NOTHING;

-- name: DeleteFactor :execrows
DELETE FROM factors WHERE tenant = @tenant AND user_id = @user_id AND id = @id;

-- name: DeleteFactors :execrows
DELETE FROM factors WHERE tenant = @tenant AND user_id = @user_id;

-- name: UseApp :execrows
UPDATE factors SET step = @step, used_at = @used_at
WHERE tenant = @tenant AND user_id = @user_id AND id = @id AND kind = 'totp' AND step < @step;

-- name: UsePasskey :execrows
UPDATE factors SET secret = @secret, used_at = @used_at
WHERE tenant = @tenant AND user_id = @user_id AND id = @id AND kind = 'passkey';

-- name: CountRecoveryCodes :one
SELECT COUNT(*) FROM recovery_codes WHERE tenant = @tenant AND user_id = @user_id;

-- name: HasRecoveryCode :one
SELECT EXISTS (SELECT 1 FROM recovery_codes WHERE tenant = @tenant AND user_id = @user_id AND hash = @hash);

-- name: InsertRecoveryCode :exec
INSERT INTO recovery_codes (user_id, hash, tenant) VALUES (@user_id, @hash, @tenant);

-- name: UseRecoveryCode :execrows
DELETE FROM recovery_codes WHERE tenant = @tenant AND user_id = @user_id AND hash = @hash;

-- name: DeleteRecoveryCodes :exec
DELETE FROM recovery_codes WHERE tenant = @tenant AND user_id = @user_id;

-- name: UseChallenge :execrows
INSERT INTO used_challenges (hash, expires_at) VALUES (@hash, @expires_at) ON CONFLICT (hash) DO NOTHING;

-- name: ForgetChallenges :exec
DELETE FROM used_challenges WHERE expires_at <= @now;

-- name: ProveSession :execrows
UPDATE sessions SET proved_at = @proved_at WHERE tenant = @tenant AND user_id = @user_id AND id = @id;
