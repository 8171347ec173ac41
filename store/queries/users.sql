-- name: InsertUser :execrows
INSERT INTO users (id, tenant, email, name, roles, language, password_hash, created_at)
VALUES (@id, @tenant, @email, @name, @roles, @language, @password_hash, @created_at)
ON CONFLICT (tenant, email) DO NOTHING;

-- name: UserByID :one
SELECT * FROM users WHERE tenant = @tenant AND id = @id;

-- name: UserByEmail :one
SELECT * FROM users WHERE tenant = @tenant AND email = @email;

-- name: UsersAfter :many
SELECT * FROM users WHERE tenant = @tenant AND email > @after_email ORDER BY email LIMIT @at_most;

-- LockUser reads a user whom nobody else can change before the end of the transaction.
-- name: LockUser :one
UPDATE users SET tenant = tenant WHERE tenant = @tenant AND id = @id RETURNING *;

-- name: UpdateUser :exec
UPDATE users SET name = @name, roles = @roles, language = @language, disabled_at = @disabled_at
WHERE tenant = @tenant AND id = @id;

-- name: ReplacePasswordHash :execrows
UPDATE users SET password_hash = @new_hash
WHERE tenant = @tenant AND id = @id AND password_hash = @old_hash AND disabled_at = 0;

-- HasLocalAdmin looks for an account that can be used to make others, and that no identity provider decides about.
-- name: HasLocalAdmin :one
SELECT EXISTS (SELECT 1 FROM users WHERE tenant = @tenant AND roles LIKE '%user_admin%' AND disabled_at = 0 AND password_hash <> '');

-- name: PutSetupToken :exec
INSERT INTO setup_tokens (tenant, hash, created_at) VALUES (@tenant, @hash, @created_at)
ON CONFLICT (tenant) DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at;

-- UseSetupToken dates a token like the administrator who is made with it, which is how SetupAdmin finds the two together.
-- name: UseSetupToken :execrows
UPDATE setup_tokens SET created_at = @created_at WHERE tenant = @tenant AND hash = @hash;

-- name: SetupAdmin :one
SELECT * FROM users WHERE users.tenant = @tenant AND roles LIKE '%user_admin%' AND disabled_at = 0
AND created_at = (SELECT setup_tokens.created_at FROM setup_tokens WHERE setup_tokens.tenant = @tenant AND setup_tokens.hash = @hash);

-- name: DropSetupToken :exec
DELETE FROM setup_tokens WHERE tenant = @tenant;
