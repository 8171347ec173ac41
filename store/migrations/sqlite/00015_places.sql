-- +goose Up

-- From which address a session of a conference is used; empty for who may come from everywhere.
ALTER TABLE admissions ADD COLUMN address TEXT NOT NULL DEFAULT '';
