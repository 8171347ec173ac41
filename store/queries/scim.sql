-- NextChange counts a provisioning, and makes the next one of the organisation wait for the end of the transaction.
-- name: NextChange :one
INSERT INTO scim_changes (tenant, number) VALUES (@tenant, 1)
ON CONFLICT (tenant) DO UPDATE SET number = scim_changes.number + 1 RETURNING number;

-- HasLivingAdmin looks for an account that can be used to make others. No other role has its name in it.
-- name: HasLivingAdmin :one
SELECT EXISTS (SELECT 1 FROM users WHERE tenant = @tenant AND roles LIKE '%user_admin%' AND disabled_at = 0);

-- name: Provisioned :many
SELECT sqlc.embed(users), sqlc.embed(scim_users) FROM scim_users JOIN users ON users.id = scim_users.user_id
WHERE scim_users.tenant = @tenant AND scim_users.removed_at = 0
ORDER BY scim_users.created_at, scim_users.user_id LIMIT @at_most OFFSET @past;

-- name: ProvisionedByID :many
SELECT sqlc.embed(users), sqlc.embed(scim_users) FROM scim_users JOIN users ON users.id = scim_users.user_id
WHERE scim_users.tenant = @tenant AND scim_users.removed_at = 0 AND scim_users.user_id = @user_id;

-- name: ProvisionedByExternalID :many
SELECT sqlc.embed(users), sqlc.embed(scim_users) FROM scim_users JOIN users ON users.id = scim_users.user_id
WHERE scim_users.tenant = @tenant AND scim_users.removed_at = 0 AND scim_users.external_id = @external_id;

-- name: ProvisionedByName :many
SELECT sqlc.embed(users), sqlc.embed(scim_users) FROM scim_users JOIN users ON users.id = scim_users.user_id
WHERE scim_users.tenant = @tenant AND scim_users.removed_at = 0 AND scim_users.name_key = @name_key;

-- name: CountProvisioned :one
SELECT count(*) FROM scim_users WHERE tenant = @tenant AND removed_at = 0;

-- name: ScimUser :one
SELECT * FROM scim_users WHERE tenant = @tenant AND user_id = @user_id;

-- name: ScimNameTaken :one
SELECT EXISTS (
    SELECT 1 FROM scim_users
    WHERE tenant = @tenant AND user_id <> @user_id AND (external_id = @external_id OR removed_at = 0 AND name_key = @name_key)
);

-- name: PutScimUser :exec
INSERT INTO scim_users (user_id, tenant, external_id, user_name, name_key, active, said, barred_at, created_at, changed_at, removed_at, version)
VALUES (@user_id, @tenant, @external_id, @user_name, @name_key, @active, @said, @barred_at, @created_at, @changed_at, @removed_at, @version)
ON CONFLICT (user_id) DO UPDATE SET
    user_name = excluded.user_name, name_key = excluded.name_key, active = excluded.active, said = excluded.said, barred_at = excluded.barred_at,
    created_at = excluded.created_at, changed_at = excluded.changed_at, removed_at = excluded.removed_at, version = excluded.version;

-- ForgetBarred forgets that an account is disabled because of what provisioning said.
-- name: ForgetBarred :exec
UPDATE scim_users SET barred_at = 0 WHERE tenant = @tenant AND user_id = @user_id;

-- name: ChangeEmail :execrows
UPDATE users SET email = @email WHERE users.tenant = @tenant AND users.id = @id
AND NOT EXISTS (SELECT 1 FROM users other WHERE other.tenant = @tenant AND other.email = @email AND other.id <> @id);

-- name: ScimGroups :many
SELECT * FROM scim_groups WHERE tenant = @tenant ORDER BY created_at, id LIMIT @at_most OFFSET @past;

-- name: ScimGroupsByID :many
SELECT * FROM scim_groups WHERE tenant = @tenant AND id = @id;

-- name: ScimGroupsByExternalID :many
SELECT * FROM scim_groups WHERE tenant = @tenant AND external_id = @external_id;

-- name: ScimGroupsByName :many
SELECT * FROM scim_groups WHERE tenant = @tenant AND name_key = @name_key;

-- name: ScimGroupsOf :many
SELECT scim_groups.* FROM scim_groups JOIN scim_members ON scim_members.group_id = scim_groups.id
WHERE scim_members.tenant = @tenant AND scim_members.user_id = @user_id ORDER BY scim_groups.name_key, scim_groups.id;

-- name: CountScimGroups :one
SELECT count(*) FROM scim_groups WHERE tenant = @tenant;

-- name: ScimGroupTaken :one
SELECT EXISTS (
    SELECT 1 FROM scim_groups
    WHERE tenant = @tenant AND id <> @id AND (name_key = @name_key OR external_id <> '' AND external_id = @external_id)
);

-- name: PutScimGroup :exec
INSERT INTO scim_groups (id, tenant, external_id, name, name_key, created_at, changed_at, version)
VALUES (@id, @tenant, @external_id, @name, @name_key, @created_at, @changed_at, @version)
ON CONFLICT (id) DO UPDATE SET
    external_id = excluded.external_id, name = excluded.name, name_key = excluded.name_key, changed_at = excluded.changed_at, version = excluded.version;

-- name: DropScimMembers :exec
DELETE FROM scim_members WHERE group_id = @group_id;

-- name: DropScimGroup :exec
DELETE FROM scim_groups WHERE id = @id;

-- name: ScimMembers :many
SELECT users.id, users.name FROM scim_members JOIN users ON users.id = scim_members.user_id
WHERE scim_members.tenant = @tenant AND scim_members.group_id = @group_id ORDER BY users.id;

-- name: JoinScimGroup :execrows
INSERT INTO scim_members (group_id, user_id, tenant)
SELECT @group_id, scim_users.user_id, scim_users.tenant FROM scim_users
WHERE scim_users.tenant = @tenant AND scim_users.user_id = @user_id AND scim_users.removed_at = 0;

-- name: LeaveScimGroup :exec
DELETE FROM scim_members WHERE group_id = @group_id AND user_id = @user_id;

-- name: TouchScimGroupsOf :exec
UPDATE scim_groups SET version = @version, changed_at = @changed_at
WHERE id IN (SELECT group_id FROM scim_members WHERE user_id = @user_id);

-- name: LeaveScimGroups :exec
DELETE FROM scim_members WHERE user_id = @user_id;
