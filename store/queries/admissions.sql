-- name: SignInLives :one
SELECT EXISTS (
    SELECT 1 FROM sessions JOIN users ON users.id = sessions.user_id
    WHERE sessions.id = @sign_in AND sessions.expires_at > @now AND users.disabled_at = 0
    UNION ALL
    SELECT 1 FROM api_tokens JOIN users ON users.id = api_tokens.user_id
    WHERE api_tokens.id = @sign_in AND api_tokens.expires_at > @now AND users.disabled_at = 0
);

-- name: InsertAdmission :exec
INSERT INTO admissions (conference_id, session, tenant, sign_in)
SELECT conferences.id, @session, @tenant, @sign_in FROM conferences
WHERE conferences.id = @conference_id AND conferences.ended_at = 0;

-- EndedAdmissions finds the sessions of live conferences whose sign-in is over.
-- name: EndedAdmissions :many
SELECT admissions.conference_id, admissions.session
FROM admissions JOIN conferences ON conferences.id = admissions.conference_id
WHERE conferences.ended_at = 0
  AND NOT EXISTS (SELECT 1 FROM sessions JOIN users ON users.id = sessions.user_id
                  WHERE sessions.id = admissions.sign_in AND sessions.expires_at > @now AND users.disabled_at = 0)
  AND NOT EXISTS (SELECT 1 FROM api_tokens JOIN users ON users.id = api_tokens.user_id
                  WHERE api_tokens.id = admissions.sign_in AND api_tokens.expires_at > @now AND users.disabled_at = 0)
ORDER BY admissions.conference_id, admissions.session LIMIT @at_most;

-- name: DeleteAdmission :exec
DELETE FROM admissions WHERE conference_id = @conference_id AND session = @session;

-- name: DeleteAdmissions :exec
DELETE FROM admissions WHERE conference_id = @conference_id;
