-- +goose Up

-- That the instance was set up: it is never to be again, even when the rules of an identity provider have taken the last
-- administrator away before.
INSERT INTO instance_settings (name, value)
SELECT 'setup.done', '1' WHERE EXISTS (SELECT 1 FROM users);
