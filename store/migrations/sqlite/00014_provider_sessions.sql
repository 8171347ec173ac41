-- +goose Up

-- Which session of an identity provider a session came from: so both can end together. What the provider wants to be told then is sealed.
CREATE TABLE provider_sessions (
    session_id       TEXT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    tenant           TEXT NOT NULL,
    provider         TEXT NOT NULL,
    subject          TEXT NOT NULL,
    provider_session TEXT NOT NULL,
    sealed           BLOB NOT NULL
) STRICT;
CREATE INDEX provider_sessions_by_subject ON provider_sessions (tenant, provider, subject);
CREATE INDEX provider_sessions_by_session ON provider_sessions (tenant, provider, provider_session);
