package access

import (
	"errors"
	"slices"
	"testing"
)

func TestEveryScopeOpensSomethingAndNothingElseDoes(t *testing.T) {
	t.Parallel()
	for _, s := range Scopes() {
		if len(Opened(s)) == 0 {
			t.Errorf("%s opens nothing", s)
		}
	}
	for i := range table {
		for _, s := range table[i].scopes {
			if !slices.Contains(Scopes(), s) {
				t.Errorf("%s is opened by %s, which is no scope", table[i].action, s)
			}
		}
	}
	if opened := Opened("everything"); opened != nil {
		t.Errorf("an unknown scope opens %v", opened)
	}
}

func TestScopesAreKeptInOrder(t *testing.T) {
	t.Parallel()
	got, err := ScopesOf(AuditCosigns, MeetingsWrite, MeetingsRead)
	if err != nil || !slices.Equal(got, []Scope{MeetingsRead, MeetingsWrite, AuditCosigns}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, wrong := range [][]Scope{nil, {}, {""}, {"meetings"}, {MeetingsRead, MeetingsRead}, {MeetingsRead, "x"}} {
		if got, err := ScopesOf(wrong...); !errors.Is(err, ErrScopeInvalid) {
			t.Errorf("%q: %v, %v", wrong, got, err)
		}
	}
}

// What nobody may be together, no machine has together.
func TestNoMachineHasScopesThatAreApart(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		scopes []Scope
		want   error
	}{
		{[]Scope{AuditReads, ConferencesRead}, ErrScopeConflict},
		{[]Scope{AuditReads, UsersRead}, ErrScopeConflict},
		{[]Scope{AuditReads, FindingsRead}, ErrScopeConflict},
		{[]Scope{ConferencesRead, FindingsRead}, ErrScopeConflict},
		{[]Scope{AuditReads, AuditCosigns}, nil},
		{[]Scope{AuditReads, MeetingsRead}, nil},
		{[]Scope{MeetingsRead, MeetingsWrite, ConferencesRead, UsersRead, AuditCosigns}, nil},
	} {
		if _, err := ScopesOf(test.scopes...); !errors.Is(err, test.want) {
			t.Errorf("%v: %v, want %v", test.scopes, err, test.want)
		}
	}
}

// Whoever adds a machine sees its secret: it has nothing that he may not have beside his roles.
func TestNobodyGivesWhatHeMayNotHave(t *testing.T) {
	t.Parallel()
	giver := func(roles ...Role) Actor {
		return Actor{Kind: KindAccount, ID: self, UserID: self, Roles: roles, Tenant: DefaultTenant}
	}
	for _, test := range []struct {
		giver Actor
		scope Scope
		want  error
	}{
		{giver(RoleUserAdmin), AuditReads, ErrScopeBeyond},
		{giver(RoleUserAdmin), AuditCosigns, nil},
		{giver(RoleUserAdmin), FindingsRead, nil},
		{giver(RoleUserAdmin, RoleOperator), FindingsRead, ErrScopeBeyond},
		{giver(RoleUserAdmin, RoleOperator), ConferencesRead, nil},
		{giver(RoleUserAdmin, RoleSecurityOfficer), ConferencesRead, ErrScopeBeyond},
		{giver(RoleUserAdmin), MeetingsWrite, nil},
		{System("command-line"), AuditReads, nil},
	} {
		if err := MayGive(test.giver, test.scope); !errors.Is(err, test.want) {
			t.Errorf("%v gives %s: %v, want %v", test.giver.Roles, test.scope, err, test.want)
		}
	}
}
