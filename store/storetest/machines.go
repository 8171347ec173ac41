package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/finding"
)

// machine adds a machine with these scopes, and returns it with its secret.
func (h *house) machine(t *testing.T, scopes ...access.Scope) (auth.Machine, string) {
	t.Helper()
	m, secret, err := h.machines.Add(t.Context(), access.System("test"), auth.NewMachine{Name: "Calendar", Scopes: scopes})
	if err != nil {
		t.Fatal(err)
	}
	return m, secret
}

func (h *house) grant(t *testing.T, id, secret, address string, scopes ...access.Scope) (auth.Granted, error) {
	t.Helper()
	return h.machines.Grant(t.Context(), access.Nobody(), auth.ClientProof{ID: id, Secret: secret, Address: address, Scopes: scopes})
}

// granted is an access token.
func (h *house) granted(t *testing.T, id, secret string) auth.Granted {
	t.Helper()
	g, err := h.grant(t, id, secret, home)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (h *house) wantGrant(t *testing.T, id, secret, address string, want error) {
	t.Helper()
	if _, err := h.grant(t, id, secret, address); !errors.Is(err, want) {
		t.Errorf("token for %q from %s: %v, want %v", id, address, err, want)
	}
}

func (h *house) wantAccess(t *testing.T, token string, want error) {
	t.Helper()
	if _, _, err := h.machines.Authenticate(t.Context(), token); !errors.Is(err, want) {
		t.Errorf("access: %v, want %v", err, want)
	}
}

// wrongSecret has the form of a secret.
func wrongSecret() string { return auth.MachineSecretPrefix + strings.Repeat("A", 43) }

var machines = map[string]func(*testing.T, *house){
	"AnAccessTokenIsFoundThatIsShownAfterItsMachineOrSecret": func(t *testing.T, h *house) {
		admin := h.account(t, "anna@example.org", "user_admin").Actor()
		m, secret := h.machine(t, access.MeetingsRead)
		first := h.granted(t, m.ID, secret).Token
		_, next, err := h.machines.Rotate(t.Context(), admin, m.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		second := h.granted(t, m.ID, next).Token
		removed := h.wantNewEntries(t, func() {
			if err := h.machines.Remove(t.Context(), admin, m.ID); err != nil {
				t.Fatal(err)
			}
		}, audit.KindMachineRemoved)
		h.clock.Advance(auth.ReuseGrace - time.Millisecond)
		if early := h.shown(t, second, auth.ErrTokenInvalid, finding.AccessReused); len(early) != 0 {
			t.Errorf("found while it may be under way: %+v", early)
		}
		h.clock.Advance(time.Millisecond)
		found := h.shown(t, second, auth.ErrTokenInvalid, finding.AccessReused)
		if len(found) != 1 || found[0].UserID != "" || found[0].Evidence.Machine != m.ID || !slices.Equal(found[0].Evidence.Entries, []string{removed[0].ID}) {
			t.Errorf("%+v", found)
		}
		if again := h.shown(t, first, auth.ErrTokenInvalid, finding.AccessReused); len(again) != 1 {
			t.Errorf("told twice about one machine: %+v", again)
		}
		h.clock.Advance(auth.ReuseQuiet)
		if again := h.shown(t, first, auth.ErrTokenInvalid, finding.AccessReused); len(again) != 2 {
			t.Errorf("the token of a secret that was replaced: %+v", again)
		}
	},
	"AnAccessTokenThatEndedByItselfIsNoFinding": func(t *testing.T, h *house) {
		m, secret := h.machine(t, access.MeetingsRead)
		token := h.granted(t, m.ID, secret).Token
		h.clock.Advance(auth.DefaultAccessLifetime)
		if err := h.machines.Remove(t.Context(), h.account(t, "anna@example.org", "user_admin").Actor(), m.ID); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(auth.ReuseGrace)
		if found := h.shown(t, token, auth.ErrTokenInvalid, finding.AccessReused); len(found) != 0 {
			t.Errorf("%+v", found)
		}
	},
	"MachineIsAddedUsedAndRemoved": func(t *testing.T, h *house) {
		admin := h.account(t, "anna@example.org", "user_admin").Actor()
		var m auth.Machine
		var secret string
		added := h.wantNewEntries(t, func() {
			var err error
			m, secret, err = h.machines.Add(t.Context(), admin, auth.NewMachine{
				Name: " Calendar ", Scopes: []access.Scope{access.MeetingsWrite, access.MeetingsRead}, Networks: []string{"192.0.2.9/24"},
			})
			if err != nil || m.Name != "Calendar" || !strings.HasPrefix(secret, auth.MachineSecretPrefix) {
				t.Fatalf("added %+v, %v", m, err)
			}
		}, audit.KindMachineAdded)
		if e := added[0]; e.ObjectID != m.ID || e.ActorID != admin.ID || e.Details != `{"networks":["192.0.2.0/24"],"scopes":["meetings.read","meetings.write"]}` {
			t.Errorf("entry %+v", e)
		}
		var g auth.Granted
		issued := h.wantNewEntries(t, func() { g = h.granted(t, m.ID, secret) }, audit.KindAccessTokenIssued)
		if e := issued[0]; e.ActorKind != access.KindMachine || e.ActorID != m.ID || e.ObjectID != g.Access.ID {
			t.Errorf("entry %+v", e)
		}
		if g.Lifetime != auth.DefaultAccessLifetime || !strings.HasPrefix(g.Token, auth.AccessTokenPrefix) {
			t.Errorf("granted %+v", g)
		}
		actor, _, err := h.machines.Authenticate(t.Context(), g.Token)
		if err != nil || actor.Kind != access.KindMachine || actor.ID != m.ID || actor.UserID != "" || actor.SignIn != g.Access.ID || !slices.Equal(actor.Scopes, m.Scopes) {
			t.Errorf("actor %+v, %v", actor, err)
		}
		list, err := h.machines.List(t.Context(), admin)
		if err != nil || len(list) != 1 || !list[0].UsedAt.Equal(h.clock.Now()) || len(list[0].Secrets) != 1 || list[0].Networks[0].String() != "192.0.2.0/24" {
			t.Errorf("listed %+v, %v", list, err)
		}
		removed := h.wantNewEntries(t, func() {
			if err := h.machines.Remove(t.Context(), admin, m.ID); err != nil {
				t.Error(err)
			}
		}, audit.KindMachineRemoved)
		if removed[0].Details != `{"tokensEnded":1}` {
			t.Errorf("entry %+v", removed[0])
		}
		h.wantAccess(t, g.Token, auth.ErrTokenInvalid)
		h.wantGrant(t, m.ID, secret, home, auth.ErrClientRefused)
		if err := h.machines.Remove(t.Context(), admin, m.ID); !errors.Is(err, auth.ErrMachineUnknown) {
			t.Errorf("removed twice: %v", err)
		}
	},
	"A19AccessExpires": func(t *testing.T, h *house) {
		m, secret := h.machine(t, access.MeetingsRead)
		g := h.granted(t, m.ID, secret)
		h.clock.Advance(auth.DefaultAccessLifetime - time.Millisecond)
		h.wantAccess(t, g.Token, nil)
		h.clock.Advance(time.Millisecond)
		h.wantAccess(t, g.Token, auth.ErrTokenInvalid)
		for _, wrong := range []string{"", auth.AccessTokenPrefix, g.Token + "A", g.Token[:len(g.Token)-1], "kk_" + g.Token[4:], secret, "eyJhbGciOiJub25lIn0.e30."} {
			h.wantAccess(t, wrong, auth.ErrTokenInvalid)
		}
	},
	"MachineExpires": func(t *testing.T, h *house) {
		m, secret, err := h.machines.Add(t.Context(), access.System("test"), auth.NewMachine{
			Name: "x", Scopes: []access.Scope{access.UsersRead}, ExpiresAt: h.clock.Now().Add(time.Minute),
		})
		if err != nil {
			t.Fatal(err)
		}
		g := h.granted(t, m.ID, secret)
		if g.Lifetime != time.Minute {
			t.Errorf("the token lasts longer than its machine: %v", g.Lifetime)
		}
		h.clock.Advance(time.Minute - time.Millisecond)
		h.wantAccess(t, g.Token, nil)
		h.wantGrant(t, m.ID, secret, home, nil)
		h.clock.Advance(time.Millisecond)
		h.wantAccess(t, g.Token, auth.ErrTokenInvalid)
		h.wantGrant(t, m.ID, secret, home, auth.ErrClientRefused)
	},
	"A21SecretIsChangedWithAndWithoutOverlap": func(t *testing.T, h *house) {
		admin := h.account(t, "anna@example.org", "user_admin").Actor()
		m, first := h.machine(t, access.MeetingsRead)
		rotate := func(overlap time.Duration) string {
			_, secret, err := h.machines.Rotate(t.Context(), admin, m.ID, overlap)
			if err != nil {
				t.Fatal(err)
			}
			return secret
		}
		var second string
		h.wantNewEntries(t, func() { second = rotate(time.Hour) }, audit.KindMachineRotated)
		byFirst, bySecond := h.granted(t, m.ID, first), h.granted(t, m.ID, second)
		h.clock.Advance(time.Hour - time.Millisecond)
		byFirst = h.granted(t, m.ID, first)
		h.wantAccess(t, byFirst.Token, nil)
		if byFirst.Lifetime != time.Millisecond {
			t.Errorf("the token lasts longer than its secret: %v", byFirst.Lifetime)
		}
		h.clock.Advance(time.Millisecond)
		h.wantAccess(t, byFirst.Token, auth.ErrTokenInvalid)
		h.wantGrant(t, m.ID, first, home, auth.ErrClientRefused)
		bySecond = h.granted(t, m.ID, second)
		third := rotate(time.Hour)
		h.wantAccess(t, bySecond.Token, nil)
		fourth := rotate(time.Hour) // the third is the one before; the second is over
		h.wantAccess(t, bySecond.Token, auth.ErrTokenInvalid)
		h.wantGrant(t, m.ID, second, home, auth.ErrClientRefused)
		byThird, byFourth := h.granted(t, m.ID, third), h.granted(t, m.ID, fourth)
		last := rotate(0)
		for _, g := range []auth.Granted{byThird, byFourth} {
			h.wantAccess(t, g.Token, auth.ErrTokenInvalid)
		}
		h.wantGrant(t, m.ID, fourth, home, auth.ErrClientRefused)
		h.wantGrant(t, m.ID, last, home, nil)
		for overlap, want := range map[time.Duration]error{-1: auth.ErrSecretOverlap, auth.MaxSecretOverlap: nil, auth.MaxSecretOverlap + 1: auth.ErrSecretOverlap} {
			if _, _, err := h.machines.Rotate(t.Context(), admin, m.ID, overlap); !errors.Is(err, want) {
				t.Errorf("overlap %v: %v, want %v", overlap, err, want)
			}
		}
		if _, _, err := h.machines.Rotate(t.Context(), admin, "nobody", 0); !errors.Is(err, auth.ErrMachineUnknown) {
			t.Errorf("of nobody: %v", err)
		}
	},
	"A18ScopesAreThoseOfTheMachine": func(t *testing.T, h *house) {
		m, secret := h.machine(t, access.MeetingsRead, access.UsersRead)
		g, err := h.grant(t, m.ID, secret, home, access.UsersRead)
		if err != nil || !slices.Equal(g.Access.Scopes, []access.Scope{access.UsersRead}) {
			t.Fatalf("%+v, %v", g, err)
		}
		actor, _, err := h.machines.Authenticate(t.Context(), g.Token)
		if err != nil || !slices.Equal(actor.Scopes, []access.Scope{access.UsersRead}) {
			t.Errorf("%+v, %v", actor, err)
		}
		for _, scopes := range [][]access.Scope{{access.MeetingsWrite}, {access.UsersRead, access.FindingsRead}, {"x"}, {access.UsersRead, access.UsersRead}, {}} {
			if len(scopes) == 0 {
				continue
			}
			h.wantNewEntries(t, func() {
				if _, err := h.grant(t, m.ID, secret, home, scopes...); !errors.Is(err, auth.ErrScopeRefused) {
					t.Errorf("%v: %v", scopes, err)
				}
			}, audit.KindAccessTokenRefused)
		}
	},
	"MachineComesFromItsNetworks": func(t *testing.T, h *house) {
		m, secret, err := h.machines.Add(t.Context(), access.System("test"), auth.NewMachine{
			Name: "x", Scopes: []access.Scope{access.UsersRead}, Networks: []string{"192.0.2.0/25", "2001:db8::/32"},
		})
		if err != nil {
			t.Fatal(err)
		}
		for address, want := range map[string]error{
			"192.0.2.0": nil, "192.0.2.127": nil, "192.0.2.127:80": nil, "::ffff:192.0.2.1": nil, "2001:db8:ffff::1": nil,
			"192.0.2.128": auth.ErrClientRefused, "2001:db9::": auth.ErrClientRefused, "": auth.ErrClientRefused,
		} {
			h.wantGrant(t, m.ID, secret, address, want)
		}
	},
	"A26GuessingAtMachinesLocksTheSourceAlone": func(t *testing.T, h *house) {
		m, secret := h.machine(t, access.MeetingsRead)
		for range auth.LockFailures - 1 {
			h.wantNewEntries(t, func() { h.wantGrant(t, m.ID, wrongSecret(), home, auth.ErrClientRefused) }, audit.KindAccessTokenRefused)
		}
		h.wantGrant(t, m.ID, secret, home, nil)
		h.wantNewEntries(t, func() { h.wantGrant(t, m.ID, wrongSecret(), home, auth.ErrLocked) }, audit.KindAccessTokenRefused, audit.KindSessionLocked)
		h.wantNewEntries(t, func() { h.wantGrant(t, m.ID, secret, home, auth.ErrLocked) })
		h.elsewhere(t, 2*auth.AccountLockFailures)
		h.wantGrant(t, m.ID, secret, "198.51.100.200", nil)
		h.clock.Advance(auth.LockDuration)
		h.wantGrant(t, m.ID, secret, home, nil)
	},
	"A28UnknownMachinesAreAnsweredAlike": func(t *testing.T, h *house) {
		m, secret := h.machine(t, access.MeetingsRead)
		_, wrong := h.grant(t, m.ID, wrongSecret(), home)
		for i, unknown := range []string{"nobody", "", strings.ToUpper(m.ID), strings.Repeat("x", 10_000)} {
			_, err := h.grant(t, unknown, secret, fmt.Sprintf("198.51.100.%d", i))
			if err == nil || err.Error() != wrong.Error() {
				t.Errorf("unknown: %v, known: %v", err, wrong)
			}
		}
		if entries := h.wantNewEntries(t, func() { h.wantGrant(t, "what somebody typed", secret, home, auth.ErrClientRefused) }, audit.KindAccessTokenRefused); entries[0].ObjectID != "" {
			t.Errorf("the log has what somebody typed: %+v", entries[0])
		}
	},
	"A26GuessingAtManyMachinesIsFound": func(t *testing.T, h *house) {
		for i := range auth.SprayAccounts {
			h.wantGrant(t, fmt.Sprintf("machine%d", i), wrongSecret(), home, auth.ErrClientRefused)
			h.clock.Advance(time.Second)
		}
		found, err := h.Findings(t.Context(), access.DefaultTenant, "", 10)
		if err != nil || len(found) != 1 || found[0].Kind != finding.SignInSpray || found[0].Evidence.Accounts != auth.SprayAccounts {
			t.Errorf("%+v, %v", found, err)
		}
	},
	"MachineLimits": func(t *testing.T, h *house) {
		now, many := h.clock.Now(), make([]string, auth.MaxMachineNetworks+1)
		for i := range many {
			many[i] = fmt.Sprintf("10.0.%d.0/24", i)
		}
		for _, c := range []struct {
			change func(*auth.NewMachine)
			want   error
		}{
			{func(n *auth.NewMachine) { n.Name = "" }, auth.ErrMachineName},
			{func(n *auth.NewMachine) { n.Name = strings.Repeat("x", auth.MaxMachineNameLength) }, nil},
			{func(n *auth.NewMachine) { n.Name = strings.Repeat("x", auth.MaxMachineNameLength+1) }, auth.ErrMachineName},
			{func(n *auth.NewMachine) { n.Scopes = nil }, access.ErrScopeInvalid},
			{func(n *auth.NewMachine) { n.Scopes = []access.Scope{access.AuditReads, access.UsersRead} }, access.ErrScopeConflict},
			{func(n *auth.NewMachine) { n.Networks = many[:auth.MaxMachineNetworks] }, nil},
			{func(n *auth.NewMachine) { n.Networks = many }, auth.ErrMachineNetworks},
			{func(n *auth.NewMachine) { n.Networks = []string{"10.0.0.0/33"} }, auth.ErrMachineNetworks},
			{func(n *auth.NewMachine) { n.Networks = []string{"office"} }, auth.ErrMachineNetworks},
			{func(n *auth.NewMachine) { n.Networks = []string{"10.0.0.1/8", "10.0.0.0/8"} }, auth.ErrMachineNetworks},
			{func(n *auth.NewMachine) { n.ExpiresAt = now }, auth.ErrMachineExpiry},
			{func(n *auth.NewMachine) { n.ExpiresAt = now.Add(auth.MaxMachineLifetime) }, nil},
			{func(n *auth.NewMachine) { n.ExpiresAt = now.Add(auth.MaxMachineLifetime + time.Millisecond) }, auth.ErrMachineExpiry},
		} {
			n := auth.NewMachine{Name: "x", Scopes: []access.Scope{access.MeetingsRead}}
			c.change(&n)
			if _, _, err := h.machines.Add(t.Context(), access.System("test"), n); !errors.Is(err, c.want) {
				t.Errorf("%+v: %v, want %v", n, err, c.want)
			}
		}
		h.behind(t, fmt.Sprintf(`INSERT INTO machines (id, tenant, name, scopes, networks, created_at, expires_at)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			SELECT 'm' || i, 'default', 'x', 'meetings.read', '', i, 0 FROM n`, auth.MaxMachines-3-2)) // three were added above
		made, failures := sideBySide(6, func(int) error {
			_, _, err := h.machines.Add(t.Context(), access.System("test"), auth.NewMachine{Name: "x", Scopes: []access.Scope{access.MeetingsRead}})
			return err
		})
		if made != 2 || len(failures) != 4 {
			t.Errorf("%d more machines were added", made)
		}
		for _, err := range failures {
			if !errors.Is(err, auth.ErrMachineTooMany) {
				t.Errorf("got %v", err)
			}
		}
	},
	"OldestAccessEndsBeyondTheMost": func(t *testing.T, h *house) {
		m, secret := h.machine(t, access.MeetingsRead)
		first := h.granted(t, m.ID, secret)
		h.clock.Advance(time.Millisecond)
		second := h.granted(t, m.ID, secret)
		h.clock.Advance(time.Millisecond)
		for range auth.MaxMachineAccess - 2 {
			h.granted(t, m.ID, secret)
		}
		h.wantAccess(t, first.Token, nil)
		h.granted(t, m.ID, secret)
		h.wantAccess(t, first.Token, auth.ErrTokenInvalid)
		h.wantAccess(t, second.Token, nil)
	},
	"A21RemovalAndGrantAtOnceLeaveNothing": func(t *testing.T, h *house) {
		m, secret := h.machine(t, access.MeetingsRead)
		tokens := make([]string, 8)
		_, failures := sideBySide(len(tokens), func(i int) error {
			if i == len(tokens)/2 {
				return h.machines.Remove(t.Context(), access.System("test"), m.ID)
			}
			g, err := h.grant(t, m.ID, secret, fmt.Sprintf("198.51.100.%d", i))
			tokens[i] = g.Token
			return err
		})
		for _, err := range failures {
			if !errors.Is(err, auth.ErrClientRefused) {
				t.Errorf("got %v", err)
			}
		}
		for _, token := range tokens {
			h.wantAccess(t, token, auth.ErrTokenInvalid)
		}
	},
}
