-- name: InsertToken :exec
INSERT INTO api_tokens (id, tenant, user_id, hash, name, created_at, expires_at)
VALUES (@id, @tenant, @user_id, @hash, @name, @created_at, @expires_at);

-- name: CountTokens :one
SELECT COUNT(*) FROM api_tokens WHERE tenant = @tenant AND user_id = @user_id AND expires_at > @now;

-- TokenByHash passes over those of people for whom their identity provider does not vouch any more.
-- name: TokenByHash :one
SELECT sqlc.embed(api_tokens), sqlc.embed(users)
FROM api_tokens JOIN users ON users.id = api_tokens.user_id
WHERE api_tokens.hash = @hash AND NOT EXISTS (SELECT 1 FROM identities WHERE identities.user_id = users.id AND identities.gone_at > 0);

-- name: TouchToken :exec
UPDATE api_tokens SET used_at = @used_at WHERE id = @id AND used_at < @used_at;

-- name: TokensOfUser :many
SELECT * FROM api_tokens WHERE tenant = @tenant AND user_id = @user_id ORDER BY created_at DESC, id;

-- name: DeleteToken :execrows
DELETE FROM api_tokens WHERE tenant = @tenant AND user_id = @user_id AND id = @id;
