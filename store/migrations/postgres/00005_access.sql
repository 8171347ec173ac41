-- +goose Up

-- The sign-in (session or API token) that a ticket was issued under; empty for guests.
ALTER TABLE tickets ADD COLUMN sign_in TEXT NOT NULL DEFAULT '';

-- Under which sign-in each session of a live conference was opened. A session is named by the hash of its resume token.
CREATE TABLE admissions (
    conference_id TEXT NOT NULL REFERENCES conferences (id),
    session       TEXT NOT NULL,
    tenant        TEXT NOT NULL,
    sign_in       TEXT NOT NULL,
    PRIMARY KEY (conference_id, session)
);

-- An account has several roles, with a space between them. Who was an administrator has all that this one role was.
ALTER TABLE users ADD COLUMN roles TEXT NOT NULL DEFAULT 'user';
UPDATE users SET roles = 'user meeting_manager operator user_admin' WHERE role = 'admin';
ALTER TABLE users DROP COLUMN role;
