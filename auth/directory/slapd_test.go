package directory_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"konklave/access"
	"konklave/auth"
	"konklave/auth/directory"
	"konklave/auth/providertest"
	"konklave/fault"
)

const (
	people   = "ou=people," + providertest.SlapdBase
	groups   = "ou=groups," + providertest.SlapdBase
	anna     = "uid=anna," + people
	eva      = `cn=M\C3\BCller\2C Eva (Amt 5)*+uid=eva,` + people
	password = "correct horse"
)

func longName() string     { return strings.Repeat("n", directory.MaxNameBytes) }
func longPassword() string { return strings.Repeat("p", directory.MaxPasswordBytes) }

// person adds somebody of inetOrgPerson with that password.
func person(c *ldap.Conn, dn, uid, name, secret string, more ...string) error {
	return add(c, dn, append([]string{"objectClass", "inetOrgPerson", "objectClass", "shadowAccount", "uid", uid, "cn", name, "sn", name, "userPassword", secret}, more...)...)
}

func fillSlapd(s *providertest.Slapd) error {
	c, err := s.Admin(shared.authority)
	if err != nil {
		return err
	}
	defer c.Close()
	today := int(time.Now().Unix() / 86400)
	entries := []error{
		person(c, anna, "anna", "Anna Beispiel", password, "mail", "anna@example.org", "employeeType", "Leitung"),
		person(c, eva, "eva", "Müller, Eva (Amt 5)*", password),
		person(c, "uid=long,"+people, "x"+longName(), "Long Name", longPassword(), "mail", longName()),
		person(c, "uid=longer,"+people, "longer", "Longer", longPassword()+"p"),
		person(c, "uid=ended,"+people, "ended", "Ended", password, "shadowExpire", strconv.Itoa(today)),
		person(c, "uid=ending,"+people, "ending", "Ending", password, "shadowExpire", strconv.Itoa(today+2)),
		person(c, "uid=twin1,"+people, "twin1", "Twin", password, "mail", "twin@example.org"),
		person(c, "uid=twin2,"+people, "twin2", "Twin", password, "mail", "twin@example.org"),
		person(c, "uid=locked,"+people, "locked", "Locked", password),
		person(c, "uid=elsewhere,"+providertest.SlapdBase, "elsewhere", "Not Below The Base", password),
		add(c, "cn=staff,"+groups, "objectClass", "groupOfNames", "cn", "staff", "member", anna, "member", eva),
		add(c, "cn=admins,"+groups, "objectClass", "groupOfNames", "cn", "admins", "member", "cn=staff,"+groups),
		add(c, "cn=circle,"+groups, "objectClass", "groupOfNames", "cn", "circle", "member", "cn=admins,"+groups, "member", "cn=circle,"+groups),
		add(c, "cn=unix,"+groups, "objectClass", "posixGroup", "cn", "unix", "gidNumber", "100", "memberUid", "anna"),
		add(c, "cn=unique,"+groups, "objectClass", "groupOfUniqueNames", "cn", "unique", "uniqueMember", eva),
		add(c, "cn=others,"+groups, "objectClass", "groupOfNames", "cn", "others", "member", "uid=ended,"+people),
		replace(c, "uid=locked,"+people, "pwdAccountLockedTime", "000001010000Z"),
	}
	return errors.Join(entries...)
}

func TestSignInTellsWhoSomebodyIs(t *testing.T) {
	t.Parallel()
	s, config := slapd(t)
	for name, server := range map[string]string{"LDAPS": s.LDAPS, "StartTLS": s.StartTLS} {
		config.Servers = []string{server}
		id, err := open(t, config).SignIn(t.Context(), "anna", password)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := []string{"cn=admins," + groups, "cn=circle," + groups, "cn=staff," + groups, "cn=unix," + groups}
		slices.Sort(id.Groups)
		if !reflect.DeepEqual(id.Groups, want) {
			t.Errorf("%s: groups %v, want %v", name, id.Groups, want)
		}
		if id.Provider != "amt" || id.Name != "Anna Beispiel" || id.Email != "anna@example.org" || id.EmailVerified || len(id.Subject) != 36 ||
			!reflect.DeepEqual(id.Attributes, map[string][]string{"employeeType": {"Leitung"}}) || id.AskAgain.Sub(id.SignedInAt) != config.Review {
			t.Errorf("%s: identity %+v", name, id)
		}
		if roles := rules.Assign(id).Roles; !reflect.DeepEqual(roles, []access.Role{access.RoleOperator}) {
			t.Errorf("%s: roles %v, want those of the nested group", name, roles)
		}
	}
}

func TestGroupsOfWhomDNsHaveToBeEscaped(t *testing.T) {
	t.Parallel()
	_, config := slapd(t)
	want := []string{"cn=admins," + groups, "cn=circle," + groups, "cn=staff," + groups, "cn=unique," + groups}
	id, err := open(t, config).SignIn(t.Context(), "eva", password)
	must(t, err)
	slices.Sort(id.Groups)
	if !reflect.DeepEqual(id.Groups, want) {
		t.Errorf("by the groups' members: %v, want %v", id.Groups, want)
	}
	config.GroupBase = "" // then by memberOf, which the overlay writes for groupOfNames only
	id, err = open(t, config).SignIn(t.Context(), "eva", password)
	must(t, err)
	slices.Sort(id.Groups)
	if want = want[:3]; !reflect.DeepEqual(id.Groups, want) {
		t.Errorf("by memberOf: %v, want %v", id.Groups, want)
	}
}

//
func TestSignInRefusesWithoutSayingWhy(t *testing.T) {
	t.Parallel()
	_, config := slapd(t)
	d := open(t, config)
	for _, c := range []struct {
		what, name, password string
		want                 auth.Reason
	}{
		{"wrong password", "anna", "wrong", auth.ReasonPassword},
		{"password of another length", "anna", "", auth.ReasonPassword},
		{"nobody", "nobody", password, auth.ReasonUnknown},
		{"nobody and no password", "nobody", "", auth.ReasonPassword},
		{"no name", "", password, auth.ReasonInput},
		{"any name", "*", password, auth.ReasonUnknown},
		{"part of a name", "ann*", password, auth.ReasonUnknown},
		{"filter in a name", "*)(uid=*", password, auth.ReasonUnknown},
		{"filter that closes", "anna)(|(uid=*", password, auth.ReasonUnknown},
		{"filter that opens", "anna))(&(uid=anna", password, auth.ReasonUnknown},
		{"escapes in a name", `\61nna`, password, auth.ReasonUnknown},
		{"zero byte", "anna\x00", password, auth.ReasonInput},
		{"line end", "anna\n", password, auth.ReasonInput},
		{"not UTF-8", "anna\xff", password, auth.ReasonInput},
		{"longest name, without owner", strings.Repeat("m", directory.MaxNameBytes), password, auth.ReasonUnknown},
		{"name over the limit", "x" + longName(), longPassword(), auth.ReasonInput},
		{"password over the limit", "longer", longPassword() + "p", auth.ReasonPassword},
		{"two of that name", "twin@example.org", password, auth.ReasonAmbiguous},
		{"not below the base", "elsewhere", password, auth.ReasonUnknown},
		{"not a person", "service", providertest.SlapdServicePassword, auth.ReasonUnknown},
		{"expired today", "ended", password, auth.ReasonExpired},
		{"locked", "locked", password, auth.ReasonPassword},
		{"DN for a name", anna, password, auth.ReasonUnknown},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			begun := time.Now()
			_, err := d.SignIn(t.Context(), c.name, c.password)
			refused(t, err, c.want)
			if took := time.Since(begun); took < directory.RefusalTime {
				t.Errorf("refused after %v, which is sooner than %v", took, directory.RefusalTime)
			}
			if shown := fault.As(err); shown.Message != auth.ErrFailed.Message || shown.Field != "" {
				t.Errorf("people are told %q (%s)", shown.Message, shown.Field)
			}
		})
	}
}

func TestSignInAtTheLimits(t *testing.T) {
	t.Parallel()
	_, config := slapd(t)
	d := open(t, config)
	for name, secret := range map[string]string{
		longName(): longPassword(), // the longest of both
		"ending":   password,       // the last day but one
	} {
		if _, err := d.SignIn(t.Context(), name, secret); err != nil {
			t.Errorf("%.10s: %v", name, err)
		}
	}
}

func TestMoreGroupsThanAPageHolds(t *testing.T) {
	t.Parallel()
	s, config := slapd(t)
	c, err := s.Admin(shared.authority)
	must(t, err)
	defer c.Close()
	name := fresh("busy")
	dn := "uid=" + name + "," + people
	must(t, person(c, dn, name, "Busy", password))
	must(t, add(c, "ou="+name+","+groups, "objectClass", "organizationalUnit", "ou", name))
	const number = directory.PageSize + 20
	for i := range number {
		must(t, add(c, fmt.Sprintf("cn=g%d,ou=%s,%s", i, name, groups), "objectClass", "groupOfNames", "cn", fmt.Sprintf("g%d", i), "member", dn))
	}
	id, err := open(t, config).SignIn(t.Context(), name, password)
	must(t, err)
	if len(id.Groups) != number {
		t.Errorf("%d groups, want %d", len(id.Groups), number)
	}
}

func TestReviewFollowsWhatTheDirectorySays(t *testing.T) {
	t.Parallel()
	s, config := slapd(t)
	c, err := s.Admin(shared.authority)
	must(t, err)
	defer c.Close()
	before, after := fresh("mover"), fresh("moved")
	dn, group := "uid="+before+","+people, "cn="+after+","+groups
	must(t, person(c, dn, before, "Before", password))
	must(t, add(c, group, "objectClass", "groupOfNames", "cn", after, "member", dn))
	d := open(t, config)
	first, err := d.SignIn(t.Context(), before, password)
	must(t, err)

	must(t, c.ModifyDN(ldap.NewModifyDNRequest(dn, "uid="+after, true, "")))
	dn = "uid=" + after + "," + people
	must(t, replace(c, group, "member", "uid=ended,"+people))
	must(t, replace(c, dn, "cn", "After"))
	second, err := d.Review(t.Context(), first)
	must(t, err)
	if second.Subject != first.Subject || second.Name != "After" || len(second.Groups) != 0 || !second.SignedInAt.Equal(first.SignedInAt) || !second.AskAgain.After(first.AskAgain) {
		t.Errorf("after renaming: %+v, before: %+v", second, first)
	}

	for range 3 { // guessing at somebody does not throw that person out
		_, err := d.SignIn(t.Context(), after, "guess")
		refused(t, err, auth.ReasonPassword)
	}
	if _, err := d.Review(t.Context(), second); err != nil {
		t.Errorf("after guesses: %v", err)
	}

	must(t, replace(c, dn, "shadowExpire", "1"))
	gone(t, d, second, auth.ReasonExpired)
	must(t, replace(c, dn, "shadowExpire"))
	must(t, replace(c, dn, "pwdAccountLockedTime", "000001010000Z"))
	gone(t, d, second, auth.ReasonDisabled)
	must(t, c.Del(ldap.NewDelRequest(dn, nil)))
	gone(t, d, second, auth.ReasonUnknown)
	must(t, person(c, "uid="+before+","+people, before, "Somebody else", password)) // of the same name
	gone(t, d, second, auth.ReasonUnknown)
	second.Subject = "*"
	gone(t, d, second, auth.ReasonUnknown)
}

func gone(t *testing.T, d *directory.Directory, id auth.ProviderIdentity, want auth.Reason) {
	t.Helper()
	_, err := d.Review(t.Context(), id)
	var reason auth.Reason
	if !errors.Is(err, auth.ErrProviderGone) || !errors.As(err, &reason) || reason != want {
		t.Errorf("review: %v, want auth.provider_gone because of %q", err, want)
	}
}

func TestFailoverToTheServerThatAnswers(t *testing.T) {
	t.Parallel()
	s, config := slapd(t)
	silent, _ := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	nobody, stop := listen(t, func(net.Conn) {})
	stop()
	config.Servers = []string{"ldaps://" + nobody, "ldaps://" + silent, s.LDAPS}
	d := open(t, config)
	if _, err := d.SignIn(t.Context(), "anna", password); err != nil {
		t.Fatal(err)
	}
	begun := time.Now() // the server that answered is asked first from now on
	if _, err := d.SignIn(t.Context(), "anna", password); err != nil || time.Since(begun) > directory.ConnectTimeout {
		t.Errorf("second sign-in: %v after %v", err, time.Since(begun))
	}
}

func TestUnavailableIsNotARefusal(t *testing.T) {
	t.Parallel()
	s, config := slapd(t)
	foreign, err := providertest.NewAuthority(t.TempDir())
	must(t, err)
	nobody, stop := listen(t, func(net.Conn) {})
	stop()
	proxied, _ := listen(t, func(c net.Conn) { pipe(c, s.Address+":6360", io.Discard) })
	for name, change := range map[string]func(){
		"certificate of a foreign authority": func() { config.Roots = foreign.File },
		"certificate for another host":       func() { config.Servers = []string{"ldaps://" + proxied} },
		"certificate unknown to the system":  func() { config.Roots = "" },
		"no server":                          func() { config.Servers = []string{"ldaps://" + nobody} },
		"unknown service account":            func() { config.BindDN = "cn=nobody," + providertest.SlapdBase },
		"unknown base":                       func() { config.Base = "dc=nowhere" },
	} {
		_, config = slapd(t)
		change()
		d := open(t, config)
		if _, err := d.SignIn(t.Context(), "anna", password); !errors.Is(err, auth.ErrProviderUnavailable) {
			t.Errorf("%s: sign-in answers %v, want auth.provider_unavailable", name, err)
		}
		id := auth.ProviderIdentity{Provider: "amt", Subject: "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}
		if _, err := d.Review(t.Context(), id); !errors.Is(err, auth.ErrProviderUnavailable) {
			t.Errorf("%s: review answers %v, want auth.provider_unavailable", name, err)
		}
	}
}

func TestNothingIsSentInClearText(t *testing.T) {
	t.Parallel()
	var seen record
	for name, answer := range map[string]func(c net.Conn){
		"server that refuses StartTLS": func(c net.Conn) {
			question := make([]byte, 4096)
			n, _ := c.Read(question)
			_, _ = seen.Write(question[:n])
			_, _ = c.Write([]byte{0x30, 0x0c, 0x02, 0x01, 0x01, 0x78, 0x07, 0x0a, 0x01, 0x02, 0x04, 0x00, 0x04, 0x00}) // protocolError
			_, _ = io.Copy(&seen, c)
		},
		"server that says nothing": func(c net.Conn) { _, _ = io.Copy(&seen, c) },
	} {
		address, _ := listen(t, answer)
		_, config := slapd(t)
		config.Servers = []string{"ldap://" + address}
		if _, err := open(t, config).SignIn(t.Context(), "anna", password); !errors.Is(err, auth.ErrProviderUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, config := slapd(t)
	proxied, _ := listen(t, func(c net.Conn) { pipe(c, s.Address+":3890", &seen) })
	config.Servers = []string{"ldap://" + proxied}
	_, _ = open(t, config).SignIn(t.Context(), "anna", password) // fails by the name in the certificate, after StartTLS
	if text := seen.String(); text == "" || strings.Contains(text, password) || strings.Contains(text, providertest.SlapdServicePassword) || strings.Contains(text, "cn=service") {
		t.Errorf("%d bytes went over the network, a bind in clear text among them", len(text))
	}
}

func TestReferralsAreNotFollowed(t *testing.T) {
	t.Parallel()
	s, config := slapd(t)
	c, err := s.Admin(shared.authority)
	must(t, err)
	defer c.Close()
	followed := make(chan struct{}, 1)
	address, _ := listen(t, func(net.Conn) { followed <- struct{}{} })
	name := fresh("departments")
	config.Base = "ou=" + name + "," + providertest.SlapdBase
	must(t, add(c, config.Base, "objectClass", "organizationalUnit", "ou", name))
	request := ldap.NewAddRequest("ou=away,"+config.Base, []ldap.Control{ldap.NewControlManageDsaIT(true)})
	request.Attribute("objectClass", []string{"referral", "extensibleObject"})
	request.Attribute("ou", []string{"away"})
	request.Attribute("ref", []string{"ldap://" + address + "/ou=away," + config.Base})
	must(t, c.Add(request))
	must(t, person(c, "uid=ruth,"+config.Base, "ruth", "Ruth", password))
	d := open(t, config)
	if _, err := d.SignIn(t.Context(), "ruth", password); err != nil {
		t.Errorf("beside a referral: %v", err)
	}
	config.Base = "ou=away," + config.Base
	if _, err := open(t, config).SignIn(t.Context(), "ruth", password); !errors.Is(err, auth.ErrProviderUnavailable) {
		t.Errorf("behind a referral: %v, want auth.provider_unavailable", err)
	}
	select {
	case <-followed:
		t.Error("a referral was followed")
	default:
	}
}

func TestCancelledSignInEnds(t *testing.T) {
	t.Parallel()
	reached := make(chan struct{})
	silent, _ := listen(t, func(c net.Conn) { close(reached); _, _ = io.Copy(io.Discard, c) })
	_, config := slapd(t)
	config.Servers = []string{"ldaps://" + silent}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-reached; cancel() }()
	begun := time.Now()
	if _, err := open(t, config).SignIn(ctx, "anna", password); !errors.Is(err, auth.ErrProviderUnavailable) || time.Since(begun) > directory.ConnectTimeout {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
}
