-- +goose Up

-- That there was an administrator once: the instance is never to be set up again.
INSERT INTO instance_settings (name, value)
SELECT 'setup.done', '1' WHERE EXISTS (SELECT 1 FROM users WHERE roles LIKE '%user_admin%');
