package providertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// The domain of a Samba.
const (
	SambaBase     = "DC=konklave,DC=test"
	sambaAdmin    = "CN=Administrator,CN=Users," + SambaBase
	sambaPassword = "Adm1n-Pass!word"
)

// ErrNotRoot says that a domain controller cannot run here.
var ErrNotRoot = errors.New("a domain controller listens on ports below 1024 and changes owners of files, so it needs root")

// Samba is an Active Directory domain controller of which only LDAP runs. It refuses a bind without TLS.
type Samba struct {
	StartTLS     string // ldap://
	LDAPS        string // ldaps://
	BindDN       string
	PasswordFile string
	process      *process
}

// StartSamba makes a domain and starts its controller, with the files in dir and a certificate of the authority. Its
// ports are those of Active Directory, its address is its own.
func StartSamba(ctx context.Context, dir string, a *Authority) (*Samba, error) {
	if os.Getuid() != 0 {
		return nil, ErrNotRoot
	}
	server, err := program("samba")
	if err != nil {
		return nil, err
	}
	tool, err := program("samba-tool")
	if err != nil {
		return nil, err
	}
	host := loopback()
	cert, key, err := a.Issue(host)
	if err != nil {
		return nil, err
	}
	options := []string{
		"--option=interfaces=" + host + "/8", "--option=bind interfaces only=yes", "--option=ldap server require strong auth=yes",
		"--option=log file=" + filepath.Join(dir, "log.%m"), "--option=pid directory=" + dir,
		"--option=tls certfile=" + cert, "--option=tls keyfile=" + key, "--option=tls cafile=" + a.File,
	}
	domain := filepath.Join(dir, "domain")
	provision := exec.CommandContext(ctx, tool, append([]string{
		"domain", "provision", "--realm=KONKLAVE.TEST", "--domain=KONKLAVE", "--server-role=dc", "--dns-backend=NONE",
		"--adminpass=" + sambaPassword, "--targetdir=" + domain, "--host-name=dc1", "--host-ip=" + host,
	}, options...)...)
	if out, err := provision.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make a domain: %w\n%s", err, out[max(0, len(out)-4096):])
	}
	if err := writeFiles(dir, map[string]string{"password": sambaPassword}); err != nil {
		return nil, err
	}
	s := &Samba{StartTLS: "ldap://" + host, LDAPS: "ldaps://" + host, BindDN: sambaAdmin, PasswordFile: filepath.Join(dir, "password")}
	s.process, err = start(ctx, dir, listening(host+":636"), exec.CommandContext(ctx, server, append([]string{
		"-i", "-M", "single", "--configfile=" + filepath.Join(domain, "etc", "smb.conf"), "--option=server services=ldap",
	}, options...)...))
	return s, err
}

// Close ends the server.
func (s *Samba) Close() { s.process.stop() }

// Admin returns a connection that may change everything; the caller closes it.
func (s *Samba) Admin(a *Authority) (*ldap.Conn, error) {
	return bound(a, s.LDAPS, sambaAdmin, sambaPassword)
}

// SambaPassword is the value of unicodePwd for a password.
func SambaPassword(password string) string {
	var utf16 strings.Builder
	for _, b := range []byte(`"` + password + `"`) { // passwords of tests are ASCII
		utf16.WriteByte(b)
		utf16.WriteByte(0)
	}
	return utf16.String()
}
