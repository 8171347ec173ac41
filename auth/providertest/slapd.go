package providertest

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"

	"github.com/go-ldap/ldap/v3"
)

// The tree of a Slapd. The base exists; what is below it the test adds.
const (
	SlapdBase     = "dc=example,dc=org"
	slapdAdmin    = "cn=admin," + SlapdBase
	slapdPassword = "admin-password"
	slapdService  = "cn=service," + SlapdBase
	// SlapdServicePassword is the password of the service account.
	SlapdServicePassword = "service-password"
)

// Slapd is an OpenLDAP server with the overlays memberof and ppolicy. It refuses a bind without TLS.
type Slapd struct {
	Address      string // of the host, without a port
	StartTLS     string // ldap://
	LDAPS        string // ldaps://
	BindDN       string
	PasswordFile string
	process      *process
}

const slapdConfig = `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload ppolicy
TLSCertificateFile %[2]s
TLSCertificateKeyFile %[3]s
security simple_bind=128
sizelimit size.soft=100 size.hard=100 size.prtotal=unlimited
database mdb
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="` + slapdService + `" read by * none
directory %[1]s/data
suffix "` + SlapdBase + `"
rootdn "` + slapdAdmin + `"
rootpw ` + slapdPassword + `
index entryUUID,member,uid eq
overlay memberof
overlay ppolicy
ppolicy_default "cn=policy,` + SlapdBase + `"
`

const slapdTree = `dn: ` + SlapdBase + `
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,` + SlapdBase + `
objectClass: organizationalUnit
ou: people

dn: ou=groups,` + SlapdBase + `
objectClass: organizationalUnit
ou: groups

dn: ` + slapdService + `
objectClass: device
objectClass: simpleSecurityObject
cn: service
userPassword: ` + SlapdServicePassword + `

dn: cn=policy,` + SlapdBase + `
objectClass: device
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 100
`

// StartSlapd starts a server with its files in dir and a certificate of the authority.
func StartSlapd(ctx context.Context, dir string, a *Authority) (*Slapd, error) {
	server, err := program("slapd")
	if err != nil {
		return nil, err
	}
	s := &Slapd{Address: loopback(), BindDN: slapdService, PasswordFile: filepath.Join(dir, "password")}
	s.StartTLS, s.LDAPS = "ldap://"+s.Address+":3890", "ldaps://"+s.Address+":6360"
	cert, key, err := a.Issue(s.Address)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "slapd.conf")
	if err := writeFiles(dir, map[string]string{
		"slapd.conf": fmt.Sprintf(slapdConfig, dir, cert, key), "tree.ldif": slapdTree,
		"password": SlapdServicePassword + "\n", "data/.keep": "",
	}); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, server, "-T", "add", "-f", config, "-l", filepath.Join(dir, "tree.ldif")).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("fill slapd: %w\n%s", err, out)
	}
	s.process, err = start(ctx, dir, listening(s.Address+":6360"), exec.CommandContext(ctx, server, "-d", "0", "-f", config, "-h", s.StartTLS+" "+s.LDAPS))
	return s, err
}

// Close ends the server.
func (s *Slapd) Close() { s.process.stop() }

// Admin returns a connection that may change everything; the caller closes it.
func (s *Slapd) Admin(a *Authority) (*ldap.Conn, error) {
	return bound(a, s.LDAPS, slapdAdmin, slapdPassword)
}

// bound connects to an ldaps:// address and binds.
func bound(a *Authority, address, dn, password string) (*ldap.Conn, error) {
	conn, err := ldap.DialURL(address, ldap.DialWithTLSConfig(a.trust()))
	if err != nil {
		return nil, err
	}
	if err := conn.Bind(dn, password); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}
