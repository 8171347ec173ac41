package store

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/store/sqlgen"
)

var _ auth.MachineStore = (*Store)(nil)

// InsertMachine implements auth.MachineStore.
func (s *Store) InsertMachine(ctx context.Context, m auth.Machine, entry audit.Entry) error {
	return s.changeAndRecord(ctx, "insert machine", entry, func(ctx context.Context, q *sqlgen.Queries) error {
		if err := q.LockMachines(ctx, m.Tenant); err != nil {
			return err
		}
		there, err := q.CountMachines(ctx, m.Tenant)
		if err != nil {
			return err
		}
		if there >= auth.MaxMachines {
			return auth.ErrMachineTooMany
		}
		if err := q.InsertMachine(ctx, sqlgen.InsertMachineParams{
			ID: m.ID, Tenant: m.Tenant, Name: m.Name, Scopes: joinWords(m.Scopes), Networks: joinNetworks(m.Networks),
			CreatedAt: millis(m.CreatedAt), ExpiresAt: millis(m.ExpiresAt),
		}); err != nil {
			return err
		}
		return insertSecret(ctx, q, m.Tenant, m.ID, m.Secrets[0])
	})
}

func insertSecret(ctx context.Context, q *sqlgen.Queries, tenant, machine string, secret auth.MachineSecret) error {
	return q.InsertMachineSecret(ctx, sqlgen.InsertMachineSecretParams{
		ID: secret.ID, Tenant: tenant, MachineID: machine, Hash: secret.Hash, CreatedAt: millis(secret.CreatedAt),
	})
}

// Machine implements auth.MachineStore. It asks as much of the database whether there is such a machine or not.
func (s *Store) Machine(ctx context.Context, tenant, id string) (auth.Machine, error) {
	return look(ctx, s, func(ctx context.Context, q *sqlgen.Queries) (auth.Machine, error) {
		row, missing := q.MachineByID(ctx, sqlgen.MachineByIDParams{Tenant: tenant, ID: id})
		secrets, err := q.MachineSecrets(ctx, sqlgen.MachineSecretsParams{Tenant: tenant, MachineID: id})
		if err := errors.Join(orElse(missing, auth.ErrMachineUnknown), err); err != nil {
			return auth.Machine{}, err
		}
		m, err := machineOf(row)
		m.Secrets = mapped(secrets, secretOf)
		return m, err
	})
}

// Machines implements auth.MachineStore.
func (s *Store) Machines(ctx context.Context, tenant string) ([]auth.Machine, error) {
	return look(ctx, s, func(ctx context.Context, q *sqlgen.Queries) ([]auth.Machine, error) {
		rows, err := q.Machines(ctx, tenant)
		if err != nil {
			return nil, err
		}
		secrets, err := q.SecretsOfAll(ctx, tenant)
		if err != nil {
			return nil, err
		}
		ofMachine := map[string][]auth.MachineSecret{}
		for _, row := range secrets {
			ofMachine[row.MachineID] = append(ofMachine[row.MachineID], secretOf(row))
		}
		machines := make([]auth.Machine, len(rows))
		for i, row := range rows {
			if machines[i], err = machineOf(row); err != nil {
				return nil, err
			}
			machines[i].Secrets = ofMachine[row.ID]
		}
		return machines, nil
	})
}

// RotateMachine implements auth.MachineStore.
func (s *Store) RotateMachine(ctx context.Context, tenant, id string, r auth.Rotation, entry audit.Entry) error {
	return s.changeAndRecord(ctx, "rotate the secret of a machine", entry, func(ctx context.Context, q *sqlgen.Queries) error {
		if _, err := q.LockMachine(ctx, sqlgen.LockMachineParams{Tenant: tenant, ID: id}); err != nil {
			return orElse(err, auth.ErrMachineUnknown)
		}
		secrets, err := q.MachineSecrets(ctx, sqlgen.MachineSecretsParams{Tenant: tenant, MachineID: id})
		if err != nil {
			return err
		}
		for i, row := range secrets {
			if i == 0 && r.Until.After(r.Now) {
				err = q.EndMachineSecret(ctx, sqlgen.EndMachineSecretParams{ID: row.ID, ExpiresAt: millis(r.Until)})
			} else {
				err = endSecret(ctx, q, row.ID, entry)
			}
			if err != nil {
				return err
			}
		}
		return insertSecret(ctx, q, tenant, id, r.Secret)
	})
}

// RemoveMachine implements auth.MachineStore.
func (s *Store) RemoveMachine(ctx context.Context, tenant, id string, entryFor func(ended int) audit.Entry) error {
	return s.change(ctx, "remove machine", func(ctx context.Context, q *sqlgen.Queries) error {
		if _, err := q.LockMachine(ctx, sqlgen.LockMachineParams{Tenant: tenant, ID: id}); err != nil {
			return orElse(err, auth.ErrMachineUnknown)
		}
		ended, err := q.DeleteAccessOfMachine(ctx, id)
		if err != nil {
			return err
		}
		if err := q.DeleteMachineSecrets(ctx, id); err != nil {
			return err
		}
		if err := q.DeleteMachine(ctx, id); err != nil {
			return err
		}
		entry := entryFor(len(ended))
		if err := retireAccess(ctx, q, ended, entry); err != nil {
			return err
		}
		return s.record(ctx, q, entry)
	})
}

// endSecret removes a secret of a machine and what was given for it.
func endSecret(ctx context.Context, q *sqlgen.Queries, id string, entry audit.Entry) error {
	ended, err := q.DeleteAccessOfSecret(ctx, id)
	if err != nil {
		return err
	}
	if err := retireAccess(ctx, q, ended, entry); err != nil {
		return err
	}
	return q.DeleteMachineSecret(ctx, id)
}

// retireAccess remembers access tokens that ended before their time.
func retireAccess(ctx context.Context, q *sqlgen.Queries, ended []sqlgen.AccessToken, entry audit.Entry) error {
	r := entry.Record()
	for _, t := range ended {
		if t.ExpiresAt <= millis(r.At) {
			continue
		}
		if err := q.RetireAccess(ctx, sqlgen.RetireAccessParams{Hash: t.Hash, Tenant: t.Tenant, MachineID: t.MachineID, Entry: r.ID, At: millis(r.At)}); err != nil {
			return err
		}
	}
	return nil
}

// accessBeyondAtMost is how many access tokens are ended at once because there are too many; more end with the next one.
const accessBeyondAtMost = 1000

// InsertAccess implements auth.MachineStore. The machine is locked, so that it is not removed, nor its secret, meanwhile.
func (s *Store) InsertAccess(ctx context.Context, a auth.Access, secret auth.Hash, entry audit.Entry) error {
	return s.changeAndRecord(ctx, "insert access token", entry, func(ctx context.Context, q *sqlgen.Queries) error {
		if _, err := q.LockMachine(ctx, sqlgen.LockMachineParams{Tenant: a.Tenant, ID: a.MachineID}); err != nil {
			return orElse(err, auth.ErrMachineUnknown)
		}
		secrets, err := q.MachineSecrets(ctx, sqlgen.MachineSecretsParams{Tenant: a.Tenant, MachineID: a.MachineID})
		if err != nil {
			return err
		}
		there := false
		for _, row := range secrets {
			there = there || row.ID == a.SecretID
		}
		if !there {
			return auth.ErrMachineUnknown
		}
		if err := q.ForgetAccessTokens(ctx, millis(a.IssuedAt)); err != nil {
			return err
		}
		if err := q.DeleteAccessBeyond(ctx, sqlgen.DeleteAccessBeyondParams{
			MachineID: a.MachineID, Stay: auth.MaxMachineAccess - 1, AtMost: accessBeyondAtMost,
		}); err != nil {
			return err
		}
		if err := q.UseMachine(ctx, sqlgen.UseMachineParams{ID: a.MachineID, UsedAt: millis(a.IssuedAt)}); err != nil {
			return err
		}
		return q.InsertAccessToken(ctx, sqlgen.InsertAccessTokenParams{
			ID: a.ID, Tenant: a.Tenant, MachineID: a.MachineID, SecretID: a.SecretID, Hash: secret, Scopes: joinWords(a.Scopes),
			IssuedAt: millis(a.IssuedAt), ExpiresAt: millis(a.ExpiresAt),
		})
	})
}

// Access implements auth.MachineStore.
func (s *Store) Access(ctx context.Context, secret auth.Hash) (auth.Access, auth.Machine, time.Time, error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).AccessByHash, []byte(secret))
	if err != nil {
		return auth.Access{}, auth.Machine{}, time.Time{}, orElse(err, auth.ErrTokenInvalid)
	}
	t := row.AccessToken
	a := auth.Access{
		ID: t.ID, Tenant: t.Tenant, MachineID: t.MachineID, SecretID: t.SecretID, Scopes: splitWords[access.Scope](t.Scopes),
		IssuedAt: fromMillis(t.IssuedAt), ExpiresAt: fromMillis(t.ExpiresAt),
	}
	m, err := machineOf(row.Machine)
	return a, m, fromMillis(row.SecretExpiresAt), err
}

func machineOf(row sqlgen.Machine) (auth.Machine, error) {
	networks, err := auth.ParseNetworks(strings.Fields(row.Networks))
	return auth.Machine{
		ID: row.ID, Tenant: row.Tenant, Name: row.Name, Scopes: splitWords[access.Scope](row.Scopes), Networks: networks,
		CreatedAt: fromMillis(row.CreatedAt), ExpiresAt: fromMillis(row.ExpiresAt), UsedAt: fromMillis(row.UsedAt),
	}, err
}

func secretOf(row sqlgen.MachineSecret) auth.MachineSecret {
	return auth.MachineSecret{ID: row.ID, Hash: row.Hash, CreatedAt: fromMillis(row.CreatedAt), ExpiresAt: fromMillis(row.ExpiresAt)}
}

// joinWords and splitWords keep a list in one column.
func joinWords[T ~string](list []T) string {
	words := mapped(list, func(v T) string { return string(v) })
	return strings.Join(words, " ")
}

func splitWords[T ~string](text string) []T {
	return mapped(strings.Fields(text), func(word string) T { return T(word) })
}

func joinNetworks(networks []netip.Prefix) string {
	return joinWords(mapped(networks, netip.Prefix.String))
}
