package store

import (
	"context"
	"time"

	"konklave/store/sqlgen"
)

// endedAtMost is how many admissions EndedAdmissions returns at once.
const endedAtMost = 10_000

// EndedAdmissions returns the sessions of live conferences that were opened under a sign-in that is over, by conference:
// the person has signed out or was signed out, the session or the API token has expired now, or the account was disabled.
func (s *Store) EndedAdmissions(ctx context.Context, now time.Time) (map[string][]string, error) {
	rows, err := ask(ctx, s, (*sqlgen.Queries).EndedAdmissions, sqlgen.EndedAdmissionsParams{Now: millis(now), AtMost: endedAtMost})
	ended := map[string][]string{}
	for _, row := range rows {
		ended[row.ConferenceID] = append(ended[row.ConferenceID], row.Session)
	}
	return ended, err
}

// ForgetAdmissions forgets sessions of a conference that have ended.
func (s *Store) ForgetAdmissions(ctx context.Context, conferenceID string, sessions []string) error {
	return s.change(ctx, "forget admissions", func(ctx context.Context, q *sqlgen.Queries) error {
		for _, session := range sessions {
			if err := q.DeleteAdmission(ctx, sqlgen.DeleteAdmissionParams{ConferenceID: conferenceID, Session: session}); err != nil {
				return err
			}
		}
		return nil
	})
}
