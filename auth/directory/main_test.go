package directory_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"konklave/access"
	"konklave/auth"
	"konklave/auth/directory"
	"konklave/auth/providertest"
	"konklave/auth/settings"
)

// servers are the real directories of all tests of this package; each is started when it is first wanted.
type servers struct {
	dir       string
	authority *providertest.Authority
	slapd     func() (*providertest.Slapd, error)
	samba     func() (*providertest.Samba, error)
}

var shared servers

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "konklave-directory-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer os.RemoveAll(dir)
	shared.dir = dir
	if shared.authority, err = providertest.NewAuthority(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var ends []func()
	var mu sync.Mutex
	shared.slapd = sync.OnceValues(func() (*providertest.Slapd, error) {
		s, err := providertest.StartSlapd(ctx, subdir(dir, "slapd"), shared.authority)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			ends = append(ends, s.Close)
			err = fillSlapd(s)
		}
		return s, err
	})
	shared.samba = sync.OnceValues(func() (*providertest.Samba, error) {
		s, err := providertest.StartSamba(ctx, subdir(dir, "samba"), shared.authority)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			ends = append(ends, s.Close)
			err = fillSamba(s)
		}
		return s, err
	})
	code := m.Run()
	for _, end := range ends {
		end()
	}
	return code
}

func subdir(dir, name string) string {
	path := dir + "/" + name
	_ = os.Mkdir(path, 0o700) // a failure shows in what is written there
	return path
}

// slapd returns the OpenLDAP server and settings that fit it; the test changes its own copy.
func slapd(t *testing.T) (*providertest.Slapd, settings.Directory) {
	t.Helper()
	s, err := shared.slapd()
	if err != nil {
		t.Fatal(err)
	}
	return s, settings.Directory{
		Provider: settings.Provider{ID: "amt", Roots: shared.authority.File, Review: 15 * time.Minute, Attributes: []string{"employeeType"}},
		Kind:     settings.LDAP, Servers: []string{s.LDAPS}, BindDN: s.BindDN, BindPasswordFile: s.PasswordFile,
		Base: people, Filter: "(objectClass=person)", LoginAttributes: []string{"uid", "mail"},
		NameAttribute: "cn", EmailAttribute: "mail", GroupBase: "ou=groups," + providertest.SlapdBase,
	}
}

// samba returns the domain controller and settings that fit it.
func samba(t *testing.T) (*providertest.Samba, settings.Directory) {
	t.Helper()
	s, err := shared.samba()
	if errors.Is(err, providertest.ErrNotRoot) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s, settings.Directory{
		Provider: settings.Provider{ID: "ad", Roots: shared.authority.File, Review: time.Hour, Attributes: []string{"department"}},
		Kind:     settings.ActiveDirectory, Servers: []string{s.LDAPS}, BindDN: s.BindDN, BindPasswordFile: s.PasswordFile,
		Base: providertest.SambaBase, Filter: "(&(objectCategory=person)(objectClass=user))",
		LoginAttributes: []string{"sAMAccountName", "userPrincipalName", "mail"},
		NameAttribute:   "displayName", EmailAttribute: "mail",
	}
}

func open(t *testing.T, s settings.Directory) *directory.Directory {
	t.Helper()
	d, err := directory.New(s, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// refused checks that the error is the one for every refusal, with that hidden reason.
func refused(t *testing.T, err error, want auth.Reason) {
	t.Helper()
	var reason auth.Reason
	if !errors.Is(err, auth.ErrFailed) || !errors.As(err, &reason) || reason != want {
		t.Errorf("error %v, want auth.failed because of %q", err, want)
	}
}

// number makes names that no other test of the shared servers uses, and no other run of the same.
var number atomic.Int64

func fresh(name string) string { return name + strconv.FormatInt(number.Add(1), 10) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// add stores an entry; attributes come as pairs of name and value.
func add(c *ldap.Conn, dn string, pairs ...string) error {
	request := ldap.NewAddRequest(dn, nil)
	values := map[string][]string{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = append(values[pairs[i]], pairs[i+1])
	}
	for name, v := range values {
		request.Attribute(name, v)
	}
	return c.Add(request)
}

func replace(c *ldap.Conn, dn, attribute string, values ...string) error {
	request := ldap.NewModifyRequest(dn, nil)
	request.Replace(attribute, values)
	return c.Modify(request)
}

var rules = auth.Rules{{Place: "k:1", Group: "cn=admins,ou=groups," + providertest.SlapdBase, Roles: []access.Role{access.RoleOperator}}}
