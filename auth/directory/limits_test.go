package directory

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"konklave/auth"
	"konklave/auth/settings"
)

func TestGroupsHaveALimit(t *testing.T) {
	t.Parallel()
	g := &groups{known: map[string]bool{}}
	for i := range MaxGroups {
		if added, err := g.add(fmt.Sprintf("cn=g%d,dc=x", i)); !added || err != nil {
			t.Fatalf("group %d: %v, %v", i, added, err)
		}
	}
	if added, err := g.add("CN=G0, DC=X"); added || err != nil {
		t.Errorf("a group that is there, in another spelling: %v, %v", added, err)
	}
	if _, err := g.add("cn=one,dc=more"); !errors.Is(err, auth.ReasonTooLarge) {
		t.Errorf("one group more: %v", err)
	}
	if _, err := g.add("no DN"); err == nil || errors.Is(err, auth.ReasonTooLarge) {
		t.Errorf("a group without a DN: %v", err)
	}
}

func TestAnswersHaveALimit(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	go func() {
		_, _ = theirs.Write([]byte("1234567890"))
		_ = theirs.Close()
	}()
	c := &boundedConn{Conn: ours, left: 9}
	defer c.Close()
	if got, err := io.ReadAll(io.LimitReader(c, 9)); string(got) != "123456789" || err != nil {
		t.Errorf("up to the limit: %q, %v", got, err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("over the limit: %d, %v", n, err)
	}
}

func TestAccountsThatMayNotBeUsed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	d := &Directory{now: func() time.Time { return now }}
	days := now.Unix() / 86400
	fileTime := func(at time.Time) string { return strconv.FormatInt(at.UnixNano()/100+116444736000000000, 10) }
	for _, c := range []struct {
		attribute, value string
		want             auth.Reason
	}{
		{"userAccountControl", "512", ""},
		{"userAccountControl", "514", auth.ReasonDisabled},
		{"userAccountControl", "66050", auth.ReasonDisabled},
		{"userAccountControl", "what", auth.ReasonDisabled},
		{"useraccountcontrol", "514", auth.ReasonDisabled},
		{"accountExpires", "0", ""},
		{"accountExpires", "9223372036854775807", ""},
		{"accountExpires", fileTime(now), auth.ReasonExpired},
		{"accountExpires", fileTime(now.Add(time.Microsecond)), ""},
		{"accountExpires", "soon", auth.ReasonExpired},
		{"shadowExpire", "-1", ""},
		{"shadowExpire", "0", auth.ReasonExpired},
		{"shadowExpire", strconv.FormatInt(days, 10), auth.ReasonExpired},
		{"shadowExpire", strconv.FormatInt(days+1, 10), ""},
		{"shadowExpire", "9223372036854775807", ""},
		{"pwdAccountLockedTime", "000001010000Z", auth.ReasonDisabled},
		{"pwdAccountLockedTime", "20261122115900Z", ""},
		{"nsAccountLock", "TRUE", auth.ReasonDisabled},
		{"nsAccountLock", "false", ""},
	} {
		entry := ldap.NewEntry("cn=x", map[string][]string{c.attribute: {c.value}})
		if got := d.barred(entry); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.attribute, c.value, got, c.want)
		}
	}
}

func TestGUIDIsWrittenAndFound(t *testing.T) {
	t.Parallel()
	raw := []byte{0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}
	const written = "00112233-4455-6677-8899-aabbccddeeff"
	if got := formatGUID(raw); got != written {
		t.Errorf("%q, want %q", got, written)
	}
	d := &Directory{settings: settings.Directory{Kind: settings.ActiveDirectory}}
	filter, ok := d.subjectFilter(written)
	if want := `(objectGUID=\33\22\11\00\55\44\77\66\88\99\aa\bb\cc\dd\ee\ff)`; filter != want || !ok {
		t.Errorf("%q, want %q", filter, want)
	}
	for _, wrong := range []string{"", "*", written + ")", written[1:], "00112233-4455-6677-8899-AABBCCDDEEFF"} {
		if filter, ok := d.subjectFilter(wrong); ok {
			t.Errorf("%q is looked for by %q", wrong, filter)
		}
	}
}

func TestBindReasons(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]auth.Reason{"52e": auth.ReasonPassword, "525": auth.ReasonPassword, "533": auth.ReasonDisabled, "775": auth.ReasonDisabled, "532": auth.ReasonExpired, "701": auth.ReasonExpired, "773": auth.ReasonExpired} {
		err := ldap.NewError(ldap.LDAPResultInvalidCredentials, errors.New("80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data "+data+", v2580"))
		if got := bindReason(err); got != want {
			t.Errorf("data %s: %q, want %q", data, got, want)
		}
	}
	for code, want := range map[uint16]auth.Reason{
		ldap.LDAPResultInvalidCredentials: auth.ReasonPassword, ldap.LDAPResultUnwillingToPerform: auth.ReasonPassword,
		ldap.LDAPResultBusy: "", ldap.LDAPResultUnavailable: "", ldap.ErrorNetwork: "", ldap.LDAPResultStrongAuthRequired: "",
	} {
		if got := bindReason(ldap.NewError(code, errors.New("x"))); got != want {
			t.Errorf("code %d: %q, want %q", code, got, want)
		}
	}
}
