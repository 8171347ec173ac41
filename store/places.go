package store

import (
	"context"

	"konklave/access"
	"konklave/auth"
	"konklave/store/sqlgen"
)

var _ auth.PlaceStore = (*Store)(nil)

// Admitted implements auth.PlaceStore.
func (s *Store) Admitted(ctx context.Context, conference, session string) (access.Actor, error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).AdmissionUser, sqlgen.AdmissionUserParams{ConferenceID: conference, Session: session})
	if err != nil {
		return access.Actor{}, orElse(err, auth.ErrNoAdmission)
	}
	actor := userOf(row.User).Actor()
	actor.SignIn = row.SignIn
	return actor, nil
}

// PlaceAdmission implements auth.PlaceStore.
func (s *Store) PlaceAdmission(ctx context.Context, conference, session, address string) error {
	return s.change(ctx, "place admission", func(ctx context.Context, q *sqlgen.Queries) error {
		return q.PlaceAdmission(ctx, sqlgen.PlaceAdmissionParams{ConferenceID: conference, Session: session, Address: address})
	})
}

// Places implements auth.PlaceStore.
func (s *Store) Places(ctx context.Context) ([]auth.Place, error) {
	rows, err := look(ctx, s, func(ctx context.Context, q *sqlgen.Queries) ([]sqlgen.PlacedAdmissionsRow, error) {
		return q.PlacedAdmissions(ctx)
	})
	return mapped(rows, func(row sqlgen.PlacedAdmissionsRow) auth.Place {
		return auth.Place{Conference: row.ConferenceID, Session: row.Session, Address: row.Address, Roles: access.Roles(row.Roles).List()}
	}), err
}
