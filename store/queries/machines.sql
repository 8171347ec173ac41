-- LockMachines makes whoever adds a machine to the organisation wait for the others who do.
-- name: LockMachines :exec
UPDATE machines SET tenant = tenant WHERE tenant = @tenant;

-- name: CountMachines :one
SELECT COUNT(*) FROM machines WHERE tenant = @tenant;

-- name: InsertMachine :exec
INSERT INTO machines (id, tenant, name, scopes, networks, created_at, expires_at)
VALUES (@id, @tenant, @name, @scopes, @networks, @created_at, @expires_at);

-- LockMachine reads a machine that nobody else can change before the end of the transaction.
-- name: LockMachine :one
UPDATE machines SET tenant = tenant WHERE tenant = @tenant AND id = @id RETURNING *;

-- name: MachineByID :one
SELECT * FROM machines WHERE tenant = @tenant AND id = @id;

-- name: Machines :many
SELECT * FROM machines WHERE tenant = @tenant ORDER BY created_at DESC, id;

-- name: UseMachine :exec
UPDATE machines SET used_at = @used_at WHERE id = @id AND used_at < @used_at;

-- name: DeleteMachine :exec
DELETE FROM machines WHERE id = @id;

-- name: InsertMachineSecret :exec
INSERT INTO machine_secrets (id, tenant, machine_id, hash, created_at) VALUES (@id, @tenant, @machine_id, @hash, @created_at);

-- MachineSecrets begins with the one that does not expire.
-- name: MachineSecrets :many
SELECT * FROM machine_secrets WHERE tenant = @tenant AND machine_id = @machine_id ORDER BY expires_at = 0 DESC, created_at DESC, id;

-- name: SecretsOfAll :many
SELECT * FROM machine_secrets WHERE tenant = @tenant ORDER BY expires_at = 0 DESC, created_at DESC, id;

-- name: EndMachineSecret :exec
UPDATE machine_secrets SET expires_at = @expires_at WHERE id = @id;

-- name: DeleteMachineSecret :exec
DELETE FROM machine_secrets WHERE id = @id;

-- name: DeleteMachineSecrets :exec
DELETE FROM machine_secrets WHERE machine_id = @machine_id;

-- name: InsertAccessToken :exec
INSERT INTO access_tokens (id, tenant, machine_id, secret_id, hash, scopes, issued_at, expires_at)
VALUES (@id, @tenant, @machine_id, @secret_id, @hash, @scopes, @issued_at, @expires_at);

-- name: AccessByHash :one
SELECT sqlc.embed(access_tokens), sqlc.embed(machines), machine_secrets.expires_at AS secret_expires_at
FROM access_tokens
JOIN machines ON machines.id = access_tokens.machine_id
JOIN machine_secrets ON machine_secrets.id = access_tokens.secret_id
WHERE access_tokens.hash = @hash;

-- name: ForgetAccessTokens :exec
DELETE FROM access_tokens WHERE expires_at <= @now;

-- DeleteAccessBeyond removes the access tokens of a machine but for the newest.
-- name: DeleteAccessBeyond :exec
DELETE FROM access_tokens WHERE id IN (
    SELECT beyond.id FROM access_tokens AS beyond WHERE beyond.machine_id = @machine_id
    ORDER BY beyond.issued_at DESC, beyond.id LIMIT @at_most OFFSET @stay
);

-- name: DeleteAccessOfSecret :many
DELETE FROM access_tokens WHERE secret_id = @secret_id RETURNING *;

-- name: DeleteAccessOfMachine :many
DELETE FROM access_tokens WHERE machine_id = @machine_id RETURNING *;
