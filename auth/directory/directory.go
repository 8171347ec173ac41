// Package directory signs people in against LDAP servers and Active Directory, and asks them later who is still there.
//
// Nothing is ever sent in clear text: ldaps:// begins with TLS, ldap:// is raised to it by StartTLS (RFC 4511 section
// 4.14) before the first bind. People are found by a service account and proved by a bind of their own on a second
// connection. Referrals are not followed.
package directory

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"konklave/auth"
	"konklave/auth/settings"
)

// The limits of a sign-in and of what a server may answer.
const (
	MaxNameBytes     = 256
	MaxPasswordBytes = 1024
	MaxGroups        = 5000                   // of one person, nested ones included
	PageSize         = 500                    // entries asked for at once (RFC 2696)
	MaxAnswerBytes   = 32 << 20               // that a server may send on one connection
	ConnectTimeout   = 3 * time.Second        // to reach one server, with TLS and the bind of the service account
	OperationTimeout = 15 * time.Second       // for a sign-in or a review as a whole
	RefusalTime      = 500 * time.Millisecond // no refusal comes sooner, so that its reason cannot be read off the clock
)

// Directory is one directory with its replicas. It is safe for use by several goroutines.
type Directory struct {
	settings  settings.Directory
	tls       *tls.Config
	log       *slog.Logger
	now       func() time.Time
	preferred atomic.Int64 // index of the server that answered last
}

var (
	_ auth.PasswordProvider = (*Directory)(nil)
	_ auth.Reviewer         = (*Directory)(nil)
)

// New returns the directory of the settings, which were read by settings.Read. It reads the roots, and the password file
// to see that it is there; it does not connect.
func New(s settings.Directory, log *slog.Logger, now func() time.Time) (*Directory, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.Roots != "" {
		pem, err := os.ReadFile(s.Roots)
		if err != nil {
			return nil, fmt.Errorf("the roots of directory %s cannot be read: %w", s.ID, err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("the roots of directory %s hold no certificate (%s)", s.ID, s.Roots)
		}
	}
	d := &Directory{settings: s, tls: config, log: log.With("provider", s.ID), now: now}
	if _, err := d.servicePassword(); err != nil {
		return nil, err
	}
	return d, nil
}

// ID is the name of the directory in the configuration.
func (d *Directory) ID() string { return d.settings.ID }

// SignIn proves a person by name and password. It fails with auth.ErrFailed, whatever was wrong and not before
// RefusalTime, or with auth.ErrProviderUnavailable.
func (d *Directory) SignIn(ctx context.Context, name, password string) (auth.ProviderIdentity, error) {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, OperationTimeout)
	defer cancel()
	id, err := d.attempt(ctx, name, password)
	if err == nil {
		return id, nil
	}
	var reason auth.Reason
	if !errors.As(err, &reason) {
		d.log.WarnContext(ctx, "directory does not answer", "error", err)
		return auth.ProviderIdentity{}, auth.ErrProviderUnavailable.Because(err)
	}
	d.log.InfoContext(ctx, "directory refuses a sign-in", "reason", reason)
	select {
	case <-time.After(RefusalTime - time.Since(begun)):
	case <-ctx.Done():
	}
	return auth.ProviderIdentity{}, auth.ErrFailed.Because(reason)
}

// decoy begins the DN of nobody, at whom a bind takes as long as at somebody.
const decoy = "cn=konklave-decoy-of-nobody,"

// attempt returns an auth.Reason when the person is refused. Someone who is not there costs a bind as well.
func (d *Directory) attempt(ctx context.Context, name, password string) (auth.ProviderIdentity, error) {
	if !plausible(name) {
		return auth.ProviderIdentity{}, auth.ReasonInput
	}
	if password == "" || len(password) > MaxPasswordBytes { // an empty one would be an anonymous bind (RFC 4513 section 5.1.2)
		return auth.ProviderIdentity{}, auth.ReasonPassword
	}
	s, err := d.connect(ctx)
	if err != nil {
		return auth.ProviderIdentity{}, err
	}
	defer s.Close()
	dn, refused, err := s.find(name)
	if err != nil {
		return auth.ProviderIdentity{}, err
	}
	if refused != "" {
		dn = decoy + d.settings.Base
	}
	proved := s.prove(ctx, dn, password)
	switch {
	case refused != "":
		return auth.ProviderIdentity{}, refused
	case proved != nil:
		return auth.ProviderIdentity{}, proved
	}
	entry, err := s.read(dn)
	if err != nil {
		return auth.ProviderIdentity{}, err
	}
	if reason := d.barred(entry); reason != "" {
		return auth.ProviderIdentity{}, reason
	}
	return s.identity(entry)
}

func plausible(name string) bool {
	printable := func(c rune) bool { return !unicode.IsControl(c) }
	for _, c := range name {
		if !printable(c) {
			return false
		}
	}
	return name != "" && len(name) <= MaxNameBytes && utf8.ValidString(name)
}

// Review tells what the directory says of the person now. It fails with auth.ErrProviderGone, whose cause is an
// auth.Reason, or with auth.ErrProviderUnavailable. A lock by failed guesses does not end what is there already.
func (d *Directory) Review(ctx context.Context, id auth.ProviderIdentity) (auth.ProviderIdentity, error) {
	ctx, cancel := context.WithTimeout(ctx, OperationTimeout)
	defer cancel()
	now, err := d.review(ctx, id.Subject)
	var reason auth.Reason
	switch {
	case err == nil:
		now.SignedInAt = id.SignedInAt
		return now, nil
	case errors.As(err, &reason) && reason != auth.ReasonTooLarge && reason != auth.ReasonAmbiguous:
		return auth.ProviderIdentity{}, auth.ErrProviderGone.Because(reason)
	}
	d.log.WarnContext(ctx, "directory does not answer", "error", err)
	return auth.ProviderIdentity{}, auth.ErrProviderUnavailable.Because(err)
}

func (d *Directory) review(ctx context.Context, subject string) (auth.ProviderIdentity, error) {
	filter, ok := d.subjectFilter(subject)
	if !ok {
		return auth.ProviderIdentity{}, auth.ReasonUnknown
	}
	s, err := d.connect(ctx)
	if err != nil {
		return auth.ProviderIdentity{}, err
	}
	defer s.Close()
	entry, err := s.one(filter, d.wanted())
	if err != nil {
		return auth.ProviderIdentity{}, err
	}
	if reason := d.barred(entry); reason != "" {
		return auth.ProviderIdentity{}, reason
	}
	return s.identity(entry)
}
