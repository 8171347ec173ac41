-- +goose Up

-- Who an account is at an identity provider. What the provider said is sealed: there are tokens in it.
CREATE TABLE identities (
    id        TEXT PRIMARY KEY,
    tenant    TEXT NOT NULL,
    provider  TEXT NOT NULL,
    subject   TEXT NOT NULL,
    user_id   TEXT NOT NULL REFERENCES users (id),
    login     TEXT NOT NULL,
    sealed    BYTEA NOT NULL,
    linked_at BIGINT NOT NULL,
    ask_at    BIGINT NOT NULL,
    gone_at   BIGINT NOT NULL DEFAULT 0,
    UNIQUE (tenant, provider, subject)
);
CREATE INDEX identities_by_user ON identities (user_id);
CREATE INDEX identities_by_login ON identities (tenant, provider, login);
CREATE INDEX identities_by_time ON identities (ask_at);

-- What may be shown once only, such as the answer of an identity provider, until it is too old to be shown at all.
CREATE TABLE shown_once (
    kind      TEXT NOT NULL,
    id        TEXT NOT NULL,
    forget_at BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX shown_once_by_time ON shown_once (forget_at);
