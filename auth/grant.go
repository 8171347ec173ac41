package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
)

// AccessTokenPrefix is how access tokens begin.
const AccessTokenPrefix = "kma_"

// The faults of a machine that asks for an access token. ErrClientRefused is the same for an unknown machine, a wrong secret, one
// that is over, a machine that has expired and one that comes from a network that it may not come from.
var (
	ErrClientRefused = fault.New(fault.KindUnauthenticated, "machine.refused", "The machine is not known, its secret is not right or has ended, or it may not come from this network.")
	ErrScopeRefused  = fault.New(fault.KindDenied, "scope.refused", "The machine does not have every scope that it asked for.")
)

// ClientProof is a machine's request for an access token.
type ClientProof struct {
	ID, Secret string
	Scopes     []access.Scope // nil for all that the machine has
	Address    string         // of the client on the network, with or without a port
}

// Granted is an access token.
type Granted struct {
	Token    string // to be sent as Authorization: Bearer
	Lifetime time.Duration
	Access   Access
}

// Grant gives a machine that knows its secret an access token. A failure counts as one of its source, and of the machine that was
// named; from where too many came nobody is let in for a while. Faults: access, machine.refused, scope.refused, auth.locked.
func (m *Machines) Grant(ctx context.Context, actor access.Actor, p ClientProof) (Granted, error) {
	if err := access.Decide(actor, access.AccessTokenGet, access.Object{Kind: "access_token", Tenant: actor.Tenant}).Err(); err != nil {
		return Granted{}, err
	}
	found, err := m.store.Machine(ctx, actor.Tenant, p.ID)
	if err != nil && !errors.Is(err, ErrMachineUnknown) {
		return Granted{}, err
	}
	var used MachineSecret
	_, err = m.guard.try(ctx, trial{
		actor: actor, account: accountKey("machine\x00"+p.ID, ""), address: p.Address, failed: ErrClientRefused, machine: true,
		failure: func(reason audit.FailureReason, at time.Time) audit.Entry {
			return audit.AccessTokenRefused(audit.Origin{At: at, Actor: actor}, found.ID, reason, shortSource(p.Address))
		},
		check: func() (reason audit.FailureReason, err error) {
			used, reason = found.prove(p, wholeMillis(m.now()))
			return reason, nil
		},
	})
	if err != nil {
		return Granted{}, err
	}
	return m.issue(ctx, actor, found, used, p)
}

// prove finds the secret that was shown, or says why it is not accepted. It takes as long for a machine that is not there.
func (m Machine) prove(p ClientProof, now time.Time) (MachineSecret, audit.FailureReason) {
	text, shaped := strings.CutPrefix(p.Secret, MachineSecretPrefix)
	hash, ok := hashSecret(text)
	if !ok {
		hash = make(Hash, sha256.Size)
	}
	secrets := slices.Clone(m.Secrets)
	for len(secrets) < MaxMachineSecrets {
		secrets = append(secrets, MachineSecret{Hash: make(Hash, len(hash))})
	}
	var used MachineSecret
	for _, s := range secrets {
		if subtle.ConstantTimeCompare(s.Hash, hash) == 1 {
			used = s
		}
	}
	switch {
	case m.ID == "":
		return used, audit.FailureUnknown
	case !ok || !shaped || used.ID == "":
		return used, audit.FailureSecret
	case !used.good(now) || m.ended(now):
		return used, audit.FailureExpired
	case !Within(m.Networks, p.Address):
		return used, audit.FailureNetwork
	}
	return used, ""
}

// issue makes the access token.
func (m *Machines) issue(ctx context.Context, actor access.Actor, found Machine, used MachineSecret, p ClientProof) (Granted, error) {
	now := wholeMillis(m.now())
	scopes := found.Scopes
	if p.Scopes != nil {
		asked, err := access.ScopesOf(p.Scopes...)
		if err != nil || slices.ContainsFunc(asked, func(s access.Scope) bool { return !slices.Contains(found.Scopes, s) }) {
			refused := audit.AccessTokenRefused(audit.Origin{At: now, Actor: actor}, found.ID, audit.FailureScope, shortSource(p.Address))
			if err := m.store.Record(ctx, refused); err != nil {
				return Granted{}, err
			}
			return Granted{}, ErrScopeRefused
		}
		scopes = asked
	}
	a := Access{
		ID: newID(), Tenant: found.Tenant, MachineID: found.ID, SecretID: used.ID, Scopes: scopes, IssuedAt: now, ExpiresAt: now.Add(m.lifetime),
	}
	for _, end := range []time.Time{found.ExpiresAt, used.ExpiresAt} {
		if !end.IsZero() && end.Before(a.ExpiresAt) {
			a.ExpiresAt = end
		}
	}
	secret := newSecret()
	hash, _ := hashSecret(secret)
	origin := audit.Origin{At: now, Actor: access.Machine(found.ID, found.Tenant, scopes...)}
	entry := audit.AccessTokenIssued(origin, a.ID, scopes, shortSource(p.Address), a.ExpiresAt)
	err := m.store.InsertAccess(ctx, a, hash, entry)
	if errors.Is(err, ErrMachineUnknown) {
		return Granted{}, ErrClientRefused.Because(err) // it was removed meanwhile
	}
	if err != nil {
		return Granted{}, err
	}
	return Granted{Token: AccessTokenPrefix + secret, Lifetime: a.ExpiresAt.Sub(now), Access: a}, nil
}

// IsAccessToken reports whether a text can only be an access token.
func IsAccessToken(text string) bool { return strings.HasPrefix(text, AccessTokenPrefix) }

// Authenticate returns the machine that holds a living access token, and the networks from which it may come. It fails with
// ErrTokenInvalid.
func (m *Machines) Authenticate(ctx context.Context, text string) (access.Actor, Machine, error) {
	secret, ok := strings.CutPrefix(text, AccessTokenPrefix)
	hash, shaped := hashSecret(secret)
	if !ok || !shaped {
		return access.Actor{}, Machine{}, ErrTokenInvalid
	}
	a, found, secretEnds, err := m.store.Access(ctx, hash)
	if err != nil {
		return access.Actor{}, Machine{}, err
	}
	now := wholeMillis(m.now())
	if !now.Before(a.ExpiresAt) || found.ended(now) || !(MachineSecret{ExpiresAt: secretEnds}).good(now) {
		return access.Actor{}, Machine{}, ErrTokenInvalid
	}
	actor := access.Machine(found.ID, found.Tenant, a.Scopes...)
	actor.SignIn = a.ID
	return actor, found, nil
}
