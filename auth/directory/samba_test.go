package directory_test

import (
	"errors"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"konklave/auth"
	"konklave/auth/providertest"
)

const (
	users      = "CN=Users," + providertest.SambaBase
	adPassword = "Str0ng-Secret!"
)

// account adds somebody to the domain; control is userAccountControl.
func account(c *ldap.Conn, name, control string, more ...string) error {
	return add(c, "CN="+name+","+users, append([]string{
		"objectClass", "user", "sAMAccountName", name, "userPrincipalName", name + "@konklave.test", "displayName", "Name of " + name,
		"unicodePwd", providertest.SambaPassword(adPassword), "userAccountControl", control,
	}, more...)...)
}

// fileTime is a time as Active Directory writes it.
func fileTime(at time.Time) string {
	return strconv.FormatInt(at.UnixNano()/100+116444736000000000, 10)
}

func fillSamba(s *providertest.Samba) error {
	c, err := s.Admin(shared.authority)
	if err != nil {
		return err
	}
	defer c.Close()
	group := func(name string, members ...string) error {
		pairs := []string{"objectClass", "group", "sAMAccountName", name}
		for _, m := range members {
			pairs = append(pairs, "member", m)
		}
		return add(c, "CN="+name+","+users, pairs...)
	}
	const normal, disabled = "512", "514"
	return errors.Join(
		account(c, "anna", normal, "mail", "anna@konklave.test", "department", "IT"),
		account(c, "off", disabled),
		account(c, "ended", normal, "accountExpires", fileTime(time.Now().Add(-time.Minute))),
		account(c, "ending", normal, "accountExpires", fileTime(time.Now().Add(time.Hour))),
		account(c, "renew", normal, "pwdLastSet", "0"),
		group("inner", "CN=anna,"+users), group("middle", "CN=inner,"+users), group("outer", "CN=middle,"+users), group("other"),
	)
}

func TestActiveDirectoryTellsWhoSomebodyIs(t *testing.T) {
	t.Parallel()
	s, config := samba(t)
	config.Servers = []string{s.StartTLS}
	d := open(t, config)
	subjects := map[string]bool{}
	for _, name := range []string{"anna", "ANNA", "anna@konklave.test"} {
		id, err := d.SignIn(t.Context(), name, adPassword)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		subjects[id.Subject] = true
		slices.Sort(id.Groups)
		want := []string{"cn=inner,cn=Users,dc=konklave,dc=test", "cn=middle,cn=Users,dc=konklave,dc=test", "cn=outer,cn=Users,dc=konklave,dc=test"}
		if !reflect.DeepEqual(id.Groups, want) {
			t.Errorf("groups %v, want %v", id.Groups, want)
		}
		if id.Name != "Name of anna" || id.Email != "anna@konklave.test" || !reflect.DeepEqual(id.Attributes, map[string][]string{"department": {"IT"}}) {
			t.Errorf("identity %+v", id)
		}
	}
	if len(subjects) != 1 {
		t.Errorf("subjects %v of one person", subjects)
	}
}

func TestActiveDirectoryRefuses(t *testing.T) {
	t.Parallel()
	_, config := samba(t)
	d := open(t, config)
	for _, c := range []struct {
		name, password string
		want           auth.Reason
	}{
		{"anna", "wrong", auth.ReasonPassword},
		{"nobody", adPassword, auth.ReasonUnknown},
		{"anna", "", auth.ReasonPassword},
		{"*", adPassword, auth.ReasonUnknown},
		{"anna)(sAMAccountName=*", adPassword, auth.ReasonUnknown},
		{"off", adPassword, auth.ReasonDisabled},
		{"ended", adPassword, auth.ReasonExpired},
		{"renew", adPassword, auth.ReasonExpired},
		{"DC1$", adPassword, auth.ReasonUnknown}, // a machine
	} {
		_, err := d.SignIn(t.Context(), c.name, c.password)
		refused(t, err, c.want)
	}
	if _, err := d.SignIn(t.Context(), "ending", adPassword); err != nil {
		t.Errorf("an hour before the account ends: %v", err)
	}
}

func TestReviewInActiveDirectory(t *testing.T) {
	t.Parallel()
	s, config := samba(t)
	c, err := s.Admin(shared.authority)
	must(t, err)
	defer c.Close()
	name := fresh("mover")
	must(t, account(c, name, "512"))
	dn := "CN=" + name + "," + users
	d := open(t, config)
	id, err := d.SignIn(t.Context(), name, adPassword)
	must(t, err)
	again, err := d.Review(t.Context(), id)
	must(t, err)
	if again.Subject != id.Subject || again.Name != id.Name {
		t.Errorf("review %+v, sign-in %+v", again, id)
	}
	must(t, replace(c, dn, "userAccountControl", "514"))
	gone(t, d, id, auth.ReasonDisabled)
	must(t, replace(c, dn, "userAccountControl", "512"))
	must(t, replace(c, dn, "accountExpires", fileTime(time.Now().Add(-time.Minute))))
	gone(t, d, id, auth.ReasonExpired)
	must(t, c.Del(ldap.NewDelRequest(dn, nil)))
	gone(t, d, id, auth.ReasonUnknown)
}
