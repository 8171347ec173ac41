-- +goose Up

-- One row that every provisioning of an organisation changes first, so that one comes after the other; the number is that of the
-- last change.
CREATE TABLE scim_changes (
    tenant TEXT PRIMARY KEY,
    number BIGINT NOT NULL
);

-- Who is provisioned, and what was said of them. A removed one keeps the row, without what was said.
CREATE TABLE scim_users (
    user_id     TEXT PRIMARY KEY REFERENCES users (id),
    tenant      TEXT NOT NULL,
    external_id TEXT NOT NULL,
    user_name   TEXT NOT NULL,
    name_key    TEXT NOT NULL,
    active      BOOLEAN NOT NULL,
    said        TEXT NOT NULL,
    barred_at   BIGINT NOT NULL DEFAULT 0,
    created_at  BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    removed_at  BIGINT NOT NULL DEFAULT 0,
    version     BIGINT NOT NULL
);
CREATE UNIQUE INDEX scim_users_by_name ON scim_users (tenant, name_key) WHERE removed_at = 0;
CREATE UNIQUE INDEX scim_users_by_external_id ON scim_users (tenant, external_id);
CREATE INDEX scim_users_by_age ON scim_users (tenant, created_at, user_id);

CREATE TABLE scim_groups (
    id          TEXT PRIMARY KEY,
    tenant      TEXT NOT NULL,
    external_id TEXT NOT NULL,
    name        TEXT NOT NULL,
    name_key    TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    version     BIGINT NOT NULL,
    UNIQUE (tenant, name_key)
);
CREATE UNIQUE INDEX scim_groups_by_external_id ON scim_groups (tenant, external_id) WHERE external_id <> '';
CREATE INDEX scim_groups_by_age ON scim_groups (tenant, created_at, id);

CREATE TABLE scim_members (
    group_id TEXT NOT NULL REFERENCES scim_groups (id),
    user_id  TEXT NOT NULL REFERENCES scim_users (user_id),
    tenant   TEXT NOT NULL,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX scim_members_by_user ON scim_members (user_id);
