-- +goose Up

-- What the server itself asks for, because its configuration says so, no account asks for.
ALTER TABLE approvals ALTER COLUMN requested_by DROP NOT NULL;
