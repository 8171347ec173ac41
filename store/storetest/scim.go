package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/scim"
	"konklave/user"
)

// scimRules give roles by groups that are provisioned.
var scimRules = auth.Rules{
	{Place: "f:1", Group: "Staff", Roles: []access.Role{access.RoleUser}},
	{Place: "f:2", Group: "IT", Roles: []access.Role{access.RoleOperator, access.RoleUserAdmin}},
	{Place: "f:3", Group: "revision", Roles: []access.Role{access.RoleAuditor}},
	{Place: "f:4", Attribute: "department", Value: "HR", Roles: []access.Role{access.RoleMeetingManager}},
}

const scimBase = "https://k.example/scim/v2"

func (h *house) scim() *scim.Service { return h.scimBy(scimRules) }

func (h *house) scimBy(rules auth.Rules) *scim.Service {
	return scim.NewService(h.Store, scim.Provider{ID: "amt", Rules: rules, Subject: func(id string) string { return "issuer " + id }}, h.clock.Now)
}

// provisioner is a machine that provisions; there is a user administrator as well.
func (h *house) provisioner(t *testing.T) access.Actor {
	t.Helper()
	h.account(t, "provisioner@example.org", "user_admin")
	return access.Machine("provisioner", access.DefaultTenant, access.UsersProvision)
}

func scimUser(name string, more scim.Object) scim.Object {
	r := scim.Object{"userName": name, "externalId": "ext-" + name, "emails": []any{scim.Object{"value": name + "@example.org"}}}
	for key, value := range more {
		r[key] = value
	}
	return r
}

func scimGroup(name string, members ...string) scim.Object {
	var list []any
	for _, id := range members {
		list = append(list, scim.Object{"value": id})
	}
	return scim.Object{"displayName": name, "members": list}
}

// stage is provisioning with what a test needs beside it.
type stage struct {
	*house
	*scim.Service
	by access.Actor
}

func (h *house) stage(t *testing.T) *stage {
	t.Helper()
	return &stage{h, h.scim(), h.provisioner(t)}
}

func (s *stage) add(t *testing.T, name string, more scim.Object) scim.Person {
	t.Helper()
	f, err := s.CreateUser(t.Context(), s.by, scimUser(name, more))
	if err != nil {
		t.Fatal(err)
	}
	return f.Person
}

func (s *stage) addGroup(t *testing.T, name string, members ...string) scim.Group {
	t.Helper()
	g, err := s.CreateGroup(t.Context(), s.by, scimGroup(name, members...))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// account is somebody's account now.
func (s *stage) now(t *testing.T, id string) user.User {
	t.Helper()
	u, err := s.house.User(t.Context(), access.DefaultTenant, id)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (s *stage) wantAccount(t *testing.T, id string, roles access.Roles, disabled bool) {
	t.Helper()
	if u := s.now(t, id); u.Roles != roles || u.Disabled() != disabled {
		t.Errorf("the account has %q, disabled %v, want %q, %v", u.Roles, u.Disabled(), roles, disabled)
	}
}

func (s *stage) set(t *testing.T, id, attribute string, value any) error {
	t.Helper()
	f, err := s.Service.User(t.Context(), s.by, id)
	if err != nil {
		return err
	}
	r := f.Person.Resource(scimBase, nil)
	for _, readOnly := range []string{"id", "schemas", "meta"} {
		delete(r, readOnly)
	}
	r[attribute] = value
	_, err = s.ReplaceUser(t.Context(), s.by, id, "", r)
	return err
}

// gate is the provider at which somebody is signed in; no rule gives a role there.
func (s *stage) gate(name string, rules ...auth.Rule) *auth.Federation {
	v := &vouching{h: s.house, id: auth.ProviderIdentity{Provider: "amt", Subject: "issuer ext-" + name, Name: "Other", Email: "other@example.org", Hint: auth.Hint(refreshToken)}}
	return auth.NewFederation(s.Store, s.sessions, s.keys, auth.Entrance{ID: "amt", Password: v, Reviewer: v, Rules: rules})
}

// comes signs somebody in at the provider.
func (s *stage) comes(t *testing.T, f *auth.Federation) auth.Identity {
	t.Helper()
	in, err := f.SignIn(t.Context(), access.Nobody(), "amt", auth.Attempt{Email: "anna", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.sessions.Authenticate(t.Context(), in.Session)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

var provisioning = map[string]func(*testing.T, *house){
	"ProvisionedPersonSignsInAtTheProviderAlone": func(t *testing.T, h *house) {
		s := h.stage(t)
		var p scim.Person
		h.wantNewEntries(t, func() { p = s.add(t, "anna", scim.Object{"displayName": "Anna A"}) }, audit.KindUserCreated, audit.KindUserProvisioned, audit.KindIdentityBarred)
		s.wantAccount(t, p.Account.ID, access.Ordinary, true) // no rule gives a role yet
		var g scim.Group
		h.wantNewEntries(t, func() { g = s.addGroup(t, "staff", p.Account.ID) }, audit.KindGroupCreated, audit.KindUserEnabled)
		s.wantAccount(t, p.Account.ID, access.Ordinary, false)
		f := s.gate("anna")
		if u := s.comes(t, f).User; u.ID != p.Account.ID || u.Name != "Anna A" || u.Roles != access.Ordinary {
			t.Fatalf("signed in as %+v", u)
		}
		h.clock.Advance(review)
		if err := f.Review(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.wantAccount(t, p.Account.ID, access.Ordinary, false) // nor does a review take one
		if err := s.DeleteGroup(t.Context(), s.by, g.ID, ""); err != nil {
			t.Fatal(err)
		}
		s.wantAccount(t, p.Account.ID, access.Ordinary, true)
		if _, err := f.SignIn(t.Context(), access.Nobody(), "amt", auth.Attempt{Email: "anna", Password: password}); !errors.Is(err, auth.ErrFailed) {
			t.Errorf("signed in without a role: %v", err)
		}
	},
	"A35DeactivatedPersonIsOutOfTheCall": func(t *testing.T, h *house) {
		s, r := h.stage(t), h.conference(t)
		p := s.add(t, "anna", nil)
		s.addGroup(t, "Staff", p.Account.ID)
		h.admitted(t, r, s.comes(t, s.gate("anna")).Actor, "session")
		h.wantEnded(t, r)
		h.wantNewEntries(t, func() {
			if err := s.set(t, p.Account.ID, "active", false); err != nil {
				t.Fatal(err)
			}
		}, audit.KindProfileChanged, audit.KindUserDisabled)
		h.wantEnded(t, r, "session")
		h.wantNewEntries(t, func() {
			if err := s.set(t, p.Account.ID, "active", true); err != nil {
				t.Fatal(err)
			}
		}, audit.KindProfileChanged, audit.KindUserEnabled)
		s.wantAccount(t, p.Account.ID, access.Ordinary, false)
	},
	"AnAdministratorsWordStays": func(t *testing.T, h *house) {
		s := h.stage(t)
		p := s.add(t, "anna", nil)
		id := p.Account.ID
		s.addGroup(t, "Staff", id)
		if _, err := h.users.Disable(t.Context(), access.System("test"), id); err != nil {
			t.Fatal(err)
		}
		for _, active := range []bool{false, true} {
			if err := s.set(t, id, "active", active); err != nil {
				t.Fatal(err)
			}
			s.wantAccount(t, id, access.Ordinary, true)
		}
		if _, err := h.users.Enable(t.Context(), access.System("test"), id); err != nil {
			t.Fatal(err)
		}
		s.wantAccount(t, id, access.Ordinary, false)
	},
	"GroupsGiveRoles": func(t *testing.T, h *house) {
		s := h.stage(t)
		anna, bert := s.add(t, "anna", nil).Account.ID, s.add(t, "bert", scim.Object{scim.SchemaEnterprise: scim.Object{"department": "HR"}}).Account.ID
		s.wantAccount(t, bert, "meeting_manager", false)
		staff, it := s.addGroup(t, "Staff", anna, bert), s.addGroup(t, "IT", anna)
		s.wantAccount(t, anna, "user operator user_admin", false)
		s.wantAccount(t, bert, "user meeting_manager", false)
		_, err := s.CreateGroup(t.Context(), s.by, scimGroup("Revision", anna))
		if !errors.Is(err, scim.ErrRolesConflict) || !strings.Contains(err.Error(), "f:3") {
			t.Errorf("operator and auditor: %v", err)
		}
		s.wantAccount(t, anna, "user operator user_admin", false)
		if list, err := s.Service.Groups(t.Context(), s.by, scim.Query{Start: 1, Count: 10}, scimBase); err != nil || list["totalResults"] != float64(2) {
			t.Errorf("a group that was refused is there: %v %v", list, err)
		}
		if _, err := s.ReplaceGroup(t.Context(), s.by, it.ID, "", scimGroup("Nothing", anna)); err != nil {
			t.Fatal(err)
		}
		s.wantAccount(t, anna, "user", false)
		if _, err := s.ReplaceGroup(t.Context(), s.by, staff.ID, "", scimGroup("Staff", bert)); err != nil {
			t.Fatal(err)
		}
		s.wantAccount(t, anna, "user", true)
		changed, err := h.scimBy(auth.Rules{{Everybody: true, Roles: []access.Role{access.RoleOperator}}}).Reconcile(t.Context())
		if err != nil || changed != 2 {
			t.Errorf("other rules changed %d, %v", changed, err)
		}
		s.wantAccount(t, anna, "operator", false)
		if changed, err := h.scimBy(auth.Rules{{Everybody: true, Roles: []access.Role{access.RoleOperator, access.RoleAuditor}}}).Reconcile(t.Context()); err != nil || changed != 2 {
			t.Errorf("rules that contradict changed %d, %v", changed, err)
		}
		s.wantAccount(t, anna, access.Ordinary, true)
	},
	"TheLastAdministratorStays": func(t *testing.T, h *house) {
		s := h.stage(t)
		anna := s.add(t, "anna", nil).Account.ID
		g := s.addGroup(t, "IT", anna)
		h.exec(t, "UPDATE users SET disabled_at = 1 WHERE email = 'provisioner@example.org'")
		before := h.entries(t)
		if err := s.DeleteGroup(t.Context(), s.by, g.ID, ""); !errors.Is(err, scim.ErrLastAdmin) {
			t.Errorf("the group: %v", err)
		}
		if err := s.DeleteUser(t.Context(), s.by, anna, ""); !errors.Is(err, scim.ErrLastAdmin) {
			t.Errorf("the person: %v", err)
		}
		if err := s.set(t, anna, "active", false); !errors.Is(err, scim.ErrLastAdmin) {
			t.Errorf("active: %v", err)
		}
		s.wantAccount(t, anna, "operator user_admin", false)
		if after := h.entries(t); len(after) != len(before) {
			t.Errorf("%d entries about nothing", len(after)-len(before))
		}
	},
	"OneRefusalDoesNotKeepTheRulesFromTheOthers": func(t *testing.T, h *house) {
		s := h.stage(t)
		anna := s.add(t, "anna", nil).Account.ID
		s.addGroup(t, "IT", anna)
		bert, carl := s.add(t, "bert", nil).Account.ID, s.add(t, "carl", nil).Account.ID
		h.exec(t, "UPDATE users SET disabled_at = 1 WHERE email = 'provisioner@example.org'")
		changed, err := h.scimBy(auth.Rules{{Everybody: true, Roles: []access.Role{access.RoleAuditor}}}).Reconcile(t.Context())
		if changed != 2 || !errors.Is(err, scim.ErrLastAdmin) || !strings.Contains(err.Error(), anna) || strings.Contains(err.Error(), bert) {
			t.Errorf("changed %d, %v", changed, err)
		}
		s.wantAccount(t, anna, "operator user_admin", false)
		s.wantAccount(t, bert, "auditor", false)
		s.wantAccount(t, carl, "auditor", false)
	},
	"NobodyGetsAnAccountByItsAddress": func(t *testing.T, h *house) {
		s := h.stage(t)
		local := h.account(t, "anna@example.org", access.Administrator)
		if _, err := s.CreateUser(t.Context(), s.by, scimUser("anna", nil)); !errors.Is(err, scim.ErrTaken) {
			t.Errorf("%v", err)
		}
		bert := s.add(t, "bert", nil).Account.ID
		if err := s.set(t, bert, "emails", []any{scim.Object{"value": "ANNA@example.org"}}); !errors.Is(err, scim.ErrTaken) {
			t.Errorf("%v", err)
		}
		if err := s.set(t, bert, "externalId", "another"); !errors.Is(err, scim.ErrMutability) {
			t.Errorf("%v", err)
		}
		if err := s.DeleteUser(t.Context(), s.by, local.ID, ""); !errors.Is(err, scim.ErrUnknown) {
			t.Errorf("an account that is not provisioned was deleted: %v", err)
		}
		for name, more := range map[string]scim.Object{"BERT": {"externalId": "x", "emails": []any{scim.Object{"value": "c@example.org"}}}, "carl": {"externalId": "ext-bert"}} {
			if _, err := s.CreateUser(t.Context(), s.by, scimUser(name, more)); !errors.Is(err, scim.ErrTaken) {
				t.Errorf("%s: %v", name, err)
			}
		}
	},
	"WhoSignedInBeforeKeepsTheAccount": func(t *testing.T, h *house) {
		s := h.stage(t)
		in := s.comes(t, s.gate("anna", auth.Rule{Everybody: true, Roles: []access.Role{access.RoleUser}}))
		h.wantNewEntries(t, func() {
			if p := s.add(t, "anna", scim.Object{scim.SchemaEnterprise: scim.Object{"department": "HR"}}); p.Account.ID != in.User.ID || p.Account.Email != "anna@example.org" {
				t.Errorf("another account: %+v", p.Account)
			}
		}, audit.KindUserProvisioned, audit.KindRolesAssigned)
	},
	"DeletedPersonIsForgottenAndComesBack": func(t *testing.T, h *house) {
		s := h.stage(t)
		id := s.add(t, "anna", scim.Object{"displayName": "Anna Secret", scim.SchemaEnterprise: scim.Object{"department": "HR"}}).Account.ID
		g := s.addGroup(t, "Staff", id)
		s.comes(t, s.gate("anna"))
		told := func() (n int) {
			t.Helper()
			if err := h.Raw.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM identities WHERE user_id = '"+id+"' AND (login <> '' OR length(sealed) > 0)").Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if told() != 1 {
			t.Error("the provider told nothing")
		}
		h.wantNewEntries(t, func() {
			if err := s.DeleteUser(t.Context(), s.by, id, ""); err != nil {
				t.Fatal(err)
			}
		}, audit.KindUserRemoved)
		if told() != 0 {
			t.Error("what the provider told is still there")
		}
		s.wantAccount(t, id, access.Ordinary, true)
		if u := s.now(t, id); u.Email != id+"@removed.invalid" {
			t.Errorf("the address is %s", u.Email)
		}
		for what, err := range map[string]error{"read": func() error { _, err := s.Service.User(t.Context(), s.by, id); return err }(), "delete": s.DeleteUser(t.Context(), s.by, id, ""), "replace": s.set(t, id, "active", true)} {
			if !errors.Is(err, scim.ErrUnknown) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if members, err := h.Members(t.Context(), access.DefaultTenant, g.ID); err != nil || len(members) != 0 {
			t.Errorf("still a member: %v, %v", members, err)
		}
		if now, err := s.Service.Group(t.Context(), s.by, g.ID); err != nil || now.Version == g.Version {
			t.Errorf("the group has version %d still, %v", now.Version, err)
		}
		other := s.add(t, "anna", scim.Object{"externalId": "somebody else"}).Account.ID // name and address are free
		if other == id {
			t.Error("somebody else got the account")
		}
		if err := s.DeleteUser(t.Context(), s.by, other, ""); err != nil {
			t.Fatal(err)
		}
		if back := s.add(t, "anna", scim.Object{scim.SchemaEnterprise: scim.Object{"department": "HR"}}); back.Account.ID != id || back.Account.Disabled() || back.Account.Email != "anna@example.org" {
			t.Errorf("came back as %+v", back.Account)
		}
	},
	"VersionsAndChangesThatAreNone": func(t *testing.T, h *house) {
		s := h.stage(t)
		p := s.add(t, "anna", nil)
		id, tag := p.Account.ID, scim.ETag(p.Version)
		h.wantNewEntries(t, func() {
			if err := s.set(t, id, "active", true); err != nil {
				t.Fatal(err)
			}
		})
		if f, err := s.Service.User(t.Context(), s.by, id); err != nil || scim.ETag(f.Person.Version) != tag {
			t.Errorf("version %d after no change, %v", f.Person.Version, err)
		}
		h.clock.Advance(time.Minute)
		if err := s.set(t, id, "displayName", "Bea"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ReplaceUser(t.Context(), s.by, id, tag, scimUser("anna", nil)); !errors.Is(err, scim.ErrVersion) {
			t.Errorf("an old version: %v", err)
		}
		if err := s.DeleteUser(t.Context(), s.by, id, tag); !errors.Is(err, scim.ErrVersion) {
			t.Errorf("an old version: %v", err)
		}
		if f, err := s.Service.User(t.Context(), s.by, id); err != nil || !f.Person.ChangedAt.Equal(h.clock.Now()) || f.Person.CreatedAt.Equal(h.clock.Now()) || s.now(t, id).Name != "Bea" {
			t.Errorf("%+v, %v", f.Person, err)
		}
		if _, err := s.ReplaceUser(t.Context(), s.by, id, "*", scimUser("anna", nil)); err != nil {
			t.Errorf("any version: %v", err)
		}
	},
	"PeopleAreFound": func(t *testing.T, h *house) {
		s := h.stage(t)
		for i := range 5 {
			s.add(t, fmt.Sprintf("u%d", i), scim.Object{"active": i%2 == 0})
			h.clock.Advance(time.Second)
		}
		for _, c := range []struct {
			parameters map[string]string
			total      float64
			names      string
		}{
			{nil, 5, "u0 u1 u2 u3 u4"}, {map[string]string{"startIndex": "2", "count": "2"}, 5, "u1 u2"}, {map[string]string{"startIndex": "9"}, 5, ""},
			{map[string]string{"count": "0"}, 5, ""}, {map[string]string{"filter": `userName eq "U3"`}, 1, "u3"}, {map[string]string{"filter": `userName eq "U3"`, "startIndex": "2"}, 1, ""},
			{map[string]string{"filter": `externalId eq "ext-u2"`}, 1, "u2"}, {map[string]string{"filter": `externalId eq "EXT-u2"`}, 0, ""},
			{map[string]string{"filter": `active eq true`, "sortBy": "userName", "sortOrder": "descending"}, 3, "u4 u2 u0"},
			{map[string]string{"filter": `active eq true`, "startIndex": "2", "count": "1"}, 3, "u2"},
			{map[string]string{"filter": `emails.value co "example" and not (userName sw "u1")`, "count": "2"}, 4, "u0 u2"},
			{map[string]string{"filter": `meta.lastModified gt "` + h.clock.Now().Add(-2*time.Second).Format(time.RFC3339) + `"`}, 1, "u4"},
		} {
			q, err := scim.UserType().ParseQuery(func(name string) string { return c.parameters[name] })
			if err != nil {
				t.Fatal(err)
			}
			list, err := s.Service.Users(t.Context(), s.by, q, scimBase)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, each := range list["Resources"].([]any) {
				names = append(names, each.(scim.Object)["userName"].(string))
			}
			if got := strings.Join(names, " "); got != c.names || list["totalResults"] != c.total {
				t.Errorf("%v: %v of %v, want %s of %v", c.parameters, got, list["totalResults"], c.names, c.total)
			}
		}
	},
	"MembersAreCounted": func(t *testing.T, h *house) {
		s := h.stage(t)
		var ids []string
		for i := range 3 {
			ids = append(ids, s.add(t, fmt.Sprintf("u%d", i), nil).Account.ID)
		}
		g := s.addGroup(t, "Staff", ids...)
		for _, filter := range []string{`members eq "` + ids[1] + `"`, `id eq "` + g.ID + `" and members[value eq "` + ids[2] + `"]`, `displayName eq "STAFF"`} {
			q, err := scim.GroupType().ParseQuery(func(name string) string { return map[string]string{"filter": filter}[name] })
			if err != nil {
				t.Fatal(err)
			}
			list, err := s.Service.Groups(t.Context(), s.by, q, scimBase)
			if err != nil || list["totalResults"] != float64(1) || len(list["Resources"].([]any)[0].(scim.Object)["members"].([]any)) != 3 {
				t.Errorf("%s: %v, %v", filter, list, err)
			}
		}
		if _, err := s.ReplaceGroup(t.Context(), s.by, g.ID, "", scimGroup("Staff", "nobody")); !errors.Is(err, scim.ErrValue) {
			t.Errorf("nobody as a member: %v", err)
		}
		many := slices.Clone(ids)
		for i := range scim.MaxPerChange + 1 - len(ids) {
			many = append(many, fmt.Sprint(i))
		}
		if _, err := s.CreateGroup(t.Context(), s.by, scimGroup("Many", many...)); !errors.Is(err, scim.ErrTooMany) {
			t.Errorf("one change too many: %v", err)
		}
		if _, err := s.CreateGroup(t.Context(), s.by, scimGroup("Many", many[1:]...)); !errors.Is(err, scim.ErrValue) { // not too many, but nobody
			t.Errorf("as many changes as may be: %v", err)
		}
	},
	"AnotherOrganisationSeesNothing": func(t *testing.T, h *house) {
		s := h.stage(t)
		id := s.add(t, "anna", nil).Account.ID
		g := s.addGroup(t, "Staff", id)
		stranger := s.by
		stranger.Tenant = "another"
		for what, err := range map[string]error{
			"read":    func() error { _, err := s.Service.User(t.Context(), stranger, id); return err }(),
			"delete":  s.DeleteUser(t.Context(), stranger, id, ""),
			"group":   func() error { _, err := s.Service.Group(t.Context(), stranger, g.ID); return err }(),
			"ungroup": s.DeleteGroup(t.Context(), stranger, g.ID, ""),
			"member": func() error {
				_, err := s.CreateGroup(t.Context(), stranger, scimGroup("Staff", id))
				return err
			}(),
		} {
			if !errors.Is(err, scim.ErrUnknown) && !errors.Is(err, scim.ErrValue) {
				t.Errorf("%s: %v", what, err)
			}
		}
		list, err := s.Service.Users(t.Context(), stranger, scim.Query{Start: 1, Count: 10}, scimBase)
		if err != nil || list["totalResults"] != float64(0) {
			t.Errorf("%v, %v", list, err)
		}
	},
	"WhoMayProvision": func(t *testing.T, h *house) {
		s := h.stage(t)
		own := s.by
		if err := s.DeleteUser(t.Context(), h.account(t, "u@example.org", access.Ordinary).Actor(), "x", ""); !errors.Is(err, access.ErrDenied) {
			t.Errorf("somebody: %v", err)
		}
		if _, err := scim.NewService(h.Store, scim.Provider{}, h.clock.Now).CreateUser(t.Context(), own, scimUser("anna", nil)); !errors.Is(err, scim.ErrOff) {
			t.Errorf("not set up: %v", err)
		}
		for name, by := range map[string]access.Actor{
			"a token of a user administrator": h.tokenActor(t, h.account(t, "a@example.org", access.Administrator), lasting),
			"a machine for something else":    access.Machine("other", access.DefaultTenant, access.UsersRead),
		} {
			if _, err := s.CreateUser(t.Context(), by, scimUser("anna", nil)); !errors.Is(err, access.ErrDenied) {
				t.Errorf("%s: %v", name, err)
			}
		}
	},
	"ProvisioningSideBySide": func(t *testing.T, h *house) {
		s := h.stage(t)
		g := s.addGroup(t, "Staff")
		var ids []string
		for i := range 4 {
			ids = append(ids, s.add(t, fmt.Sprintf("u%d", i), nil).Account.ID)
		}
		add := func(ctx context.Context, id string) error {
			steps, err := scim.GroupType().ParsePatch([]byte(`{"schemas":["` + scim.SchemaPatch + `"],"Operations":[{"op":"add","path":"members","value":[{"value":"` + id + `"}]}]}`))
			if err != nil {
				return err
			}
			_, err = s.PatchGroup(ctx, s.by, g.ID, "", steps)
			return err
		}
		if done, failures := sideBySide(4, func(i int) error { return add(t.Context(), ids[i]) }); len(failures) != 0 {
			t.Errorf("%d succeeded: %v", done, failures)
		}
		if members, err := h.Members(t.Context(), access.DefaultTenant, g.ID); err != nil || len(members) != 4 {
			t.Errorf("%v, %v", members, err)
		}
	},
}
