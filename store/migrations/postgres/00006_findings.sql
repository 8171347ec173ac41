-- +goose Up

-- The audit entry about each failed proof of identity, as evidence.
ALTER TABLE sign_in_failures ADD COLUMN entry TEXT NOT NULL DEFAULT '';

-- What was noticed that somebody should look at. The evidence is a JSON object.
CREATE TABLE findings (
    number   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
    tenant   TEXT NOT NULL,
    at       BIGINT NOT NULL,
    kind     TEXT NOT NULL,
    user_id  TEXT NOT NULL,
    topic    TEXT NOT NULL,
    evidence TEXT NOT NULL
);
CREATE INDEX findings_by_topic ON findings (tenant, kind, topic, at);
CREATE INDEX findings_by_time ON findings (at);
