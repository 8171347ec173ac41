package auth

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
)

// ErrNetworkDenied is the fault of somebody who is known and comes from a network that he may not come from.
var ErrNetworkDenied = fault.New(fault.KindDenied, "network.denied", "This account may be used from certain networks only, and you are in none of them. Go there, or connect to one, and try again.")

// How often a denial is recorded.
const (
	DeniedQuiet = 10 * time.Minute // after which the next denial of the same sign-in from the same network leaves an entry again
	DeniedMax   = 10_000           // of which it is remembered that there was one
)

var errNetwork = errors.New("is no network")

// ParseNetworks reads networks, each once: addresses with a number of bits, or single addresses. IPv4 in IPv6 is IPv4, and what
// is behind the bits of a network does not count.
func ParseNetworks(texts []string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, text := range texts {
		n, err := parseNetwork(strings.TrimSpace(text))
		if err != nil || slices.Contains(networks, n) {
			return nil, errNetwork
		}
		networks = append(networks, n)
	}
	return networks, nil
}

func parseNetwork(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	n, err := netip.ParsePrefix(text)
	if err != nil {
		return n, err
	}
	const mapped = 96 // bits before an IPv4 address in IPv6
	switch {
	case n.Addr().Is4In6() && n.Bits() < mapped:
		return n, errNetwork
	case n.Addr().Is4In6():
		n = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-mapped)
	}
	return n.Masked(), nil
}

// Within reports whether an address, with or without a port, is in one of the networks; where there is none it is.
func Within(networks []netip.Prefix, address string) bool {
	if len(networks) == 0 {
		return true
	}
	a, ok := addressIn(address)
	return ok && slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(a) })
}

// Recorder writes entries about what changes nothing.
type Recorder interface {
	Record(ctx context.Context, entries ...audit.Entry) error
}

// Networks says from which networks those who hold a role may come. Who holds several roles comes from a network of each that has
// some. A nil Networks denies nobody.
type Networks struct {
	byRole map[access.Role][]netip.Prefix
	log    Recorder
	now    func() time.Time

	mu   sync.Mutex
	told map[string]time.Time // when a denial was last recorded
}

// NewNetworks returns Networks; a role without networks may come from everywhere.
func NewNetworks(byRole map[access.Role][]netip.Prefix, log Recorder, now func() time.Time) *Networks {
	return &Networks{byRole: byRole, log: log, now: now, told: map[string]time.Time{}}
}

// Check fails with ErrNetworkDenied when a role of the actor may not come from the address, and records that.
func (n *Networks) Check(ctx context.Context, actor access.Actor, address string) error {
	if n == nil || n.Open(actor.Roles, address) {
		return nil
	}
	return n.deny(ctx, actor, address)
}

// CheckMachine is Check for a machine, which has networks of its own.
func (n *Networks) CheckMachine(ctx context.Context, actor access.Actor, m Machine, address string) error {
	if Within(m.Networks, address) {
		return nil
	}
	return n.deny(ctx, actor, address)
}

// Open reports whether somebody who holds these roles may come from an address.
func (n *Networks) Open(roles []access.Role, address string) bool {
	return n == nil || !slices.ContainsFunc(roles, func(r access.Role) bool { return !Within(n.byRole[r], address) })
}

// deny records a denial, unless its like was recorded a short time ago.
func (n *Networks) deny(ctx context.Context, actor access.Actor, address string) error {
	if n == nil {
		return ErrNetworkDenied
	}
	source, now := shortSource(address), n.now()
	who := actor.SignIn
	if who == "" {
		who = actor.ID
	}
	key := who + "@" + source
	if n.silent(key, now) {
		return ErrNetworkDenied
	}
	if err := n.log.Record(ctx, audit.NetworkDenied(audit.Origin{At: now, Actor: actor}, actor.SignIn, source)); err != nil {
		n.mu.Lock()
		delete(n.told, key)
		n.mu.Unlock()
		return err
	}
	return ErrNetworkDenied
}

// silent reports whether a denial was recorded a short time ago; if not, it is taken to be recorded now.
func (n *Networks) silent(key string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if at, told := n.told[key]; told && now.Sub(at) < DeniedQuiet {
		return true
	}
	if len(n.told) >= DeniedMax {
		for old, at := range n.told {
			if now.Sub(at) >= DeniedQuiet {
				delete(n.told, old)
			}
		}
		if len(n.told) >= DeniedMax {
			clear(n.told) // rather twice in the log than not at all
		}
	}
	n.told[key] = now
	return false
}
