package directory

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"konklave/auth"
)

// session is a connection to one server on which the service account is bound.
type session struct {
	*ldap.Conn
	directory *Directory
	server    string
	deadline  time.Time
}

// connect returns a session with the first server that answers, beginning with the one that did last time.
func (d *Directory) connect(ctx context.Context) (*session, error) {
	password, err := d.servicePassword()
	if err != nil {
		return nil, err
	}
	servers := d.settings.Servers
	first := int(d.preferred.Load())
	var failures []error
	for i := range servers {
		n := (first + i) % len(servers)
		s, err := d.open(ctx, servers[n], d.settings.BindDN, password)
		if err == nil {
			d.preferred.Store(int64(n))
			return s, nil
		}
		d.log.WarnContext(ctx, "directory server fails", "server", servers[n], "error", err)
		failures = append(failures, fmt.Errorf("%s: %w", servers[n], err))
	}
	return nil, errors.Join(failures...)
}

// servicePassword is read for each connection, so that it can be changed while this runs.
func (d *Directory) servicePassword() (string, error) {
	text, err := os.ReadFile(d.settings.BindPasswordFile)
	if err != nil {
		return "", fmt.Errorf("the password of directory %s cannot be read: %w", d.settings.ID, err)
	}
	text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	if len(text) == 0 {
		return "", fmt.Errorf("the password file of directory %s is empty (%s)", d.settings.ID, d.settings.BindPasswordFile)
	}
	return string(text), nil
}

// open connects to a server, makes sure of TLS and binds.
func (d *Directory) open(ctx context.Context, server, dn, password string) (*session, error) {
	within, cancel := context.WithTimeout(ctx, ConnectTimeout)
	defer cancel()
	raw, conn, err := d.dial(within, server)
	if err != nil {
		return nil, err
	}
	if err := conn.Bind(dn, password); err != nil {
		_ = conn.Close()
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	_ = raw.SetDeadline(deadline)
	conn.SetTimeout(time.Until(deadline))
	return &session{Conn: conn, directory: d, server: server, deadline: deadline}, nil
}

// dial returns a connection that is protected by TLS and has the deadline of ctx.
func (d *Directory) dial(ctx context.Context, server string) (net.Conn, *ldap.Conn, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, nil, err
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"ldap": ldap.DefaultLdapPort, "ldaps": ldap.DefaultLdapsPort}[u.Scheme]
	}
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, nil, err
	}
	deadline, _ := ctx.Deadline()
	_ = raw.SetDeadline(deadline)
	raw = &boundedConn{Conn: raw, left: MaxAnswerBytes}
	config := d.tls.Clone()
	config.ServerName = u.Hostname()
	if u.Scheme == "ldaps" {
		protected := tls.Client(raw, config)
		if err := protected.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, nil, err
		}
		conn := ldap.NewConn(protected, true)
		conn.SetTimeout(time.Until(deadline))
		conn.Start()
		return raw, conn, nil
	}
	conn := ldap.NewConn(raw, false)
	conn.SetTimeout(time.Until(deadline))
	conn.Start()
	if err := conn.StartTLS(config); err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	return raw, conn, nil
}

// boundedConn ends when more was received than is allowed. Only one goroutine reads at a time.
type boundedConn struct {
	net.Conn
	left int
}

func (c *boundedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, fmt.Errorf("the server sent more than %d bytes: %w", MaxAnswerBytes, io.ErrUnexpectedEOF)
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// prove binds as the person on a connection of its own. It returns nil, an auth.Reason, or that the server fails.
func (s *session) prove(ctx context.Context, dn, password string) error {
	proof, err := s.directory.open(ctx, s.server, dn, password)
	if err == nil {
		return proof.Close()
	}
	if reason := bindReason(err); reason != "" {
		return reason
	}
	return err
}

// adReasons are the codes that Active Directory adds to a refused bind.
var adReasons = map[string]auth.Reason{
	"533": auth.ReasonDisabled, "775": auth.ReasonDisabled, // disabled; locked
	"532": auth.ReasonExpired, "701": auth.ReasonExpired, "773": auth.ReasonExpired, // password, account; password must be changed
}

// bindReason tells a refused person from a failing server: empty for the latter.
func bindReason(err error) auth.Reason {
	if ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials) {
		_, data, _ := strings.Cut(err.Error(), "data ")
		code, _, _ := strings.Cut(data, ",")
		if reason, ok := adReasons[code]; ok {
			return reason
		}
		return auth.ReasonPassword
	}
	refusals := []uint16{
		ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultConstraintViolation, ldap.LDAPResultInvalidDNSyntax,
		ldap.LDAPResultNoSuchObject, ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultInsufficientAccessRights,
	}
	if ldap.IsErrorAnyOf(err, refusals...) {
		return auth.ReasonPassword
	}
	return ""
}
