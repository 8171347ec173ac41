package auth

import (
	"context"
	"net/netip"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
	"konklave/line"
)

// What the secrets of machines look like, and how long things of theirs last.
const (
	MachineSecretPrefix   = "kms_"
	MaxMachines           = 200 // of one organisation
	MaxMachineNameLength  = 100 // characters (code points)
	MaxMachineNetworks    = 20  // of one machine
	MaxMachineLifetime    = 10 * 366 * 24 * time.Hour
	DefaultSecretOverlap  = 24 * time.Hour // how long the secret before a new one is good as well
	MaxSecretOverlap      = 30 * 24 * time.Hour
	MaxMachineSecrets     = 2                // that are good at once
	MaxMachineAccess      = 100              // access tokens of one machine at once; the oldest end
	DefaultAccessLifetime = 10 * time.Minute // of an access token
	MinAccessLifetime     = time.Minute
	MaxAccessLifetime     = time.Hour
)

// The faults of machines.
var (
	ErrMachineUnknown  = fault.New(fault.KindNotFound, "machine.unknown", "There is no such machine. It may have been removed already.")
	ErrMachineName     = fault.Newf(fault.KindInvalid, "machine.name_invalid", "Please name the machine in 1 to %d characters, without control or invisible ones.", MaxMachineNameLength).At("/name")
	ErrMachineExpiry   = fault.New(fault.KindInvalid, "machine.expiry_invalid", "A machine must expire in the future and within ten years, or not at all.").At("/expiresAt")
	ErrMachineNetworks = fault.Newf(fault.KindInvalid, "machine.networks_invalid", "Please give at most %d networks, each once, as addresses with a number of bits such as 192.0.2.0/24 or 2001:db8::/32.", MaxMachineNetworks).At("/networks")
	ErrMachineTooMany  = fault.Newf(fault.KindTooMany, "machine.too_many", "An organisation may have at most %d machines. Please remove one first.", MaxMachines)
	ErrSecretOverlap   = fault.New(fault.KindInvalid, "machine.overlap_invalid", "The secret before may stay good for 0 seconds to 30 days.").At("/overlapSeconds")
)

// Machine is a program of its own, which proves who it is with a secret (RFC 6749, section 4.4). Its scopes and networks stay as
// they are.
type Machine struct {
	ID        string // also its client_id
	Tenant    string
	Name      string
	Scopes    []access.Scope
	Networks  []netip.Prefix // from which alone it may come; none for everywhere
	CreatedAt time.Time
	ExpiresAt time.Time       // zero when it does not
	UsedAt    time.Time       // when it last got an access token; zero before the first
	Secrets   []MachineSecret // the newest first
}

// MachineSecret is one of the secrets of a machine, without itself.
type MachineSecret struct {
	ID        string
	Hash      Hash
	CreatedAt time.Time
	ExpiresAt time.Time // zero for the newest
}

// good reports whether the secret may be used at a time.
func (s MachineSecret) good(now time.Time) bool {
	return s.ExpiresAt.IsZero() || now.Before(s.ExpiresAt)
}

// ended reports whether the machine has expired at a time.
func (m Machine) ended(now time.Time) bool { return !m.ExpiresAt.IsZero() && !now.Before(m.ExpiresAt) }

// Access is an access token that a machine was given for a secret, without itself.
type Access struct {
	ID        string
	Tenant    string
	MachineID string
	SecretID  string
	Scopes    []access.Scope
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Rotation is a new secret of a machine.
type Rotation struct {
	Secret MachineSecret
	Until  time.Time // when the newest one before it ends; all others end at once
	Now    time.Time
}

// MachineStore keeps machines, their secrets and their access tokens. A method that changes something writes the entry in the same
// transaction.
type MachineStore interface {
	FailureStore
	// Record writes an entry about what changes nothing.
	Record(ctx context.Context, entries ...audit.Entry) error
	// InsertMachine stores a machine with its first secret; it fails with ErrMachineTooMany when there are MaxMachines.
	InsertMachine(ctx context.Context, m Machine, entry audit.Entry) error
	// Machine fails with ErrMachineUnknown.
	Machine(ctx context.Context, tenant, id string) (Machine, error)
	// Machines returns all machines of an organisation, the newest first.
	Machines(ctx context.Context, tenant string) ([]Machine, error)
	// RotateMachine fails with ErrMachineUnknown. Access tokens end with their secret.
	RotateMachine(ctx context.Context, tenant, id string, r Rotation, entry audit.Entry) error
	// RemoveMachine removes a machine with all that it has, and writes the entry that entryFor makes of how many access tokens
	// ended; it fails with ErrMachineUnknown.
	RemoveMachine(ctx context.Context, tenant, id string, entryFor func(ended int) audit.Entry) error
	// InsertAccess stores an access token and forgets those that are over; it fails with ErrMachineUnknown when the machine or
	// its secret is not there any more.
	InsertAccess(ctx context.Context, a Access, secret Hash, entry audit.Entry) error
	// Access finds an access token, its machine, and when the secret ends for which it was given, by the hash of the token; it
	// fails with ErrTokenInvalid.
	Access(ctx context.Context, secret Hash) (a Access, m Machine, secretEnds time.Time, err error)
}

// Machines adds, lists, changes and removes machines, gives them access tokens and recognises those.
type Machines struct {
	store    MachineStore
	now      func() time.Time
	lifetime time.Duration
	guard    *guard
}

// NewMachines returns Machines that take the time from now and whose access tokens last so long; 0 means DefaultAccessLifetime.
func NewMachines(store MachineStore, lifetime time.Duration, now func() time.Time) *Machines {
	if lifetime == 0 {
		lifetime = DefaultAccessLifetime
	}
	return &Machines{store: store, now: now, lifetime: lifetime, guard: newGuard(store, now)}
}

// NewMachine is what a machine is made of.
type NewMachine struct {
	Name      string
	Scopes    []access.Scope
	Networks  []string  // each with a number of bits, or a single address
	ExpiresAt time.Time // zero: never
}

// Add makes a machine and returns its secret, which is never shown again. Faults: access, machine.name_invalid,
// machine.expiry_invalid, machine.networks_invalid, machine.too_many, scope.invalid, scope.conflict, scope.beyond.
func (m *Machines) Add(ctx context.Context, actor access.Actor, n NewMachine) (Machine, string, error) {
	if err := access.Decide(actor, access.MachineAdd, machineObject(actor, "")).Err(); err != nil {
		return Machine{}, "", err
	}
	name, err := line.Clean(n.Name, MaxMachineNameLength)
	if err != nil {
		return Machine{}, "", ErrMachineName.Because(err)
	}
	scopes, err := access.ScopesOf(n.Scopes...)
	if err != nil {
		return Machine{}, "", err
	}
	if err := access.MayGive(actor, scopes...); err != nil {
		return Machine{}, "", err
	}
	networks, err := machineNetworks(n.Networks)
	if err != nil {
		return Machine{}, "", err
	}
	now := wholeMillis(m.now())
	made := Machine{ID: newID(), Tenant: actor.Tenant, Name: name, Scopes: scopes, Networks: networks, CreatedAt: now}
	if !n.ExpiresAt.IsZero() {
		made.ExpiresAt = wholeMillis(n.ExpiresAt)
		if !made.ExpiresAt.After(now) || made.ExpiresAt.Sub(now) > MaxMachineLifetime {
			return Machine{}, "", ErrMachineExpiry
		}
	}
	secret, kept := newMachineSecret(now)
	made.Secrets = []MachineSecret{kept}
	entry := audit.MachineAdded(audit.Origin{At: now, Actor: actor}, made.ID, scopes, words(networks), made.ExpiresAt)
	if err := m.store.InsertMachine(ctx, made, entry); err != nil {
		return Machine{}, "", err
	}
	return made, secret, nil
}

// List returns the machines of the actor's organisation, the newest first. Faults: access.
func (m *Machines) List(ctx context.Context, actor access.Actor) ([]Machine, error) {
	if err := access.Decide(actor, access.MachineList, machineObject(actor, "")).Err(); err != nil {
		return nil, err
	}
	return m.store.Machines(ctx, actor.Tenant)
}

// Rotate gives a machine another secret, which is never shown again, and lets the one before be good as well for the overlap;
// without one, what it was given for that secret ends at once. Faults: access, machine.unknown, machine.overlap_invalid,
// scope.beyond.
func (m *Machines) Rotate(ctx context.Context, actor access.Actor, id string, overlap time.Duration) (Machine, string, error) {
	if err := access.Decide(actor, access.MachineRotate, machineObject(actor, id)).Err(); err != nil {
		return Machine{}, "", err
	}
	if overlap < 0 || overlap > MaxSecretOverlap {
		return Machine{}, "", ErrSecretOverlap
	}
	found, err := m.store.Machine(ctx, actor.Tenant, id)
	if err != nil {
		return Machine{}, "", err
	}
	if err := access.MayGive(actor, found.Scopes...); err != nil {
		return Machine{}, "", err
	}
	now := wholeMillis(m.now())
	secret, kept := newMachineSecret(now)
	r := Rotation{Secret: kept, Until: now.Add(overlap), Now: now}
	if err := m.store.RotateMachine(ctx, actor.Tenant, id, r, audit.MachineRotated(audit.Origin{At: now, Actor: actor}, id, r.Until)); err != nil {
		return Machine{}, "", err
	}
	found, err = m.store.Machine(ctx, actor.Tenant, id)
	return found, secret, err
}

// Remove removes a machine; what it was given ends at once. Faults: access, machine.unknown.
func (m *Machines) Remove(ctx context.Context, actor access.Actor, id string) error {
	if err := access.Decide(actor, access.MachineRemove, machineObject(actor, id)).Err(); err != nil {
		return err
	}
	origin := audit.Origin{At: m.now(), Actor: actor}
	return m.store.RemoveMachine(ctx, actor.Tenant, id, func(ended int) audit.Entry { return audit.MachineRemoved(origin, id, ended) })
}

func machineObject(actor access.Actor, id string) access.Object {
	return access.Object{Kind: "machine", ID: id, Tenant: actor.Tenant}
}

func newMachineSecret(now time.Time) (string, MachineSecret) {
	secret := newSecret()
	hash, _ := hashSecret(secret)
	return MachineSecretPrefix + secret, MachineSecret{ID: newID(), Hash: hash, CreatedAt: now}
}

// machineNetworks reads networks as a machine has them.
func machineNetworks(texts []string) ([]netip.Prefix, error) {
	if len(texts) > MaxMachineNetworks {
		return nil, ErrMachineNetworks
	}
	networks, err := ParseNetworks(texts)
	if err != nil {
		return nil, ErrMachineNetworks.Because(err)
	}
	return networks, nil
}

func words(networks []netip.Prefix) []string {
	texts := make([]string, len(networks))
	for i, n := range networks {
		texts[i] = n.String()
	}
	return texts
}
