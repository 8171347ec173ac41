-- name: SignInLives :one
SELECT EXISTS (
    SELECT 1 FROM sessions JOIN users ON users.id = sessions.user_id
    WHERE sessions.id = @sign_in AND sessions.expires_at > @now AND users.disabled_at = 0
    UNION ALL
    SELECT 1 FROM api_tokens JOIN users ON users.id = api_tokens.user_id
    WHERE api_tokens.id = @sign_in AND api_tokens.expires_at > @now AND users.disabled_at = 0
    AND NOT EXISTS (SELECT 1 FROM identities WHERE identities.user_id = users.id AND identities.gone_at > 0)
);

-- name: InsertAdmission :exec
INSERT INTO admissions (conference_id, session, tenant, sign_in, address)
SELECT conferences.id, @session, @tenant, @sign_in, @address FROM conferences
WHERE conferences.id = @conference_id AND conferences.ended_at = 0;

-- EndedAdmissions finds the sessions of live conferences whose sign-in is over.
-- name: EndedAdmissions :many
SELECT admissions.conference_id, admissions.session
FROM admissions JOIN conferences ON conferences.id = admissions.conference_id
WHERE conferences.ended_at = 0
  AND NOT EXISTS (SELECT 1 FROM sessions JOIN users ON users.id = sessions.user_id
                  WHERE sessions.id = admissions.sign_in AND sessions.expires_at > @now AND users.disabled_at = 0)
  AND NOT EXISTS (SELECT 1 FROM api_tokens JOIN users ON users.id = api_tokens.user_id
                  WHERE api_tokens.id = admissions.sign_in AND api_tokens.expires_at > @now AND users.disabled_at = 0
                  AND NOT EXISTS (SELECT 1 FROM identities WHERE identities.user_id = users.id AND identities.gone_at > 0))
ORDER BY admissions.conference_id, admissions.session LIMIT @at_most;

-- name: DeleteAdmission :exec
DELETE FROM admissions WHERE conference_id = @conference_id AND session = @session;

-- name: DeleteAdmissions :exec
DELETE FROM admissions WHERE conference_id = @conference_id;

-- AdmissionUser finds who was admitted to a session under a sign-in.
-- name: AdmissionUser :one
SELECT admissions.sign_in, sqlc.embed(users) FROM admissions
JOIN users ON users.id = COALESCE(
    (SELECT sessions.user_id FROM sessions WHERE sessions.id = admissions.sign_in),
    (SELECT api_tokens.user_id FROM api_tokens WHERE api_tokens.id = admissions.sign_in))
WHERE admissions.conference_id = @conference_id AND admissions.session = @session;

-- name: PlaceAdmission :exec
UPDATE admissions SET address = @address WHERE conference_id = @conference_id AND session = @session AND address <> @address;

-- PlacedAdmissions finds from where who is in a live conference under a sign-in that lives.
-- name: PlacedAdmissions :many
SELECT admissions.conference_id, admissions.session, admissions.address, users.roles
FROM admissions JOIN conferences ON conferences.id = admissions.conference_id
JOIN users ON users.id = COALESCE(
    (SELECT sessions.user_id FROM sessions WHERE sessions.id = admissions.sign_in),
    (SELECT api_tokens.user_id FROM api_tokens WHERE api_tokens.id = admissions.sign_in))
WHERE conferences.ended_at = 0
ORDER BY admissions.conference_id, admissions.session;
