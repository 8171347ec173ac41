package saml

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"konklave/auth"
	"konklave/auth/settings"
)

// The limits of reading metadata.
const (
	MetadataAge      = time.Hour        // after which they are read again
	MetadataRetry    = time.Minute      // before which a signature by an unknown key does not make them be read again
	MetadataBytes    = 16 << 20         // of the document
	MetadataDeadline = 10 * time.Second // to fetch them
)

// source is where the provider's metadata come from, and the newest that were good.
type source struct {
	settings settings.SAML
	client   *http.Client
	signer   *x509.Certificate // that signs the metadata; nil when a file is trusted as it is
	now      func() time.Time
	log      *slog.Logger

	mu    sync.Mutex // held while they are read
	known *metadata
	tried time.Time
}

func newSource(s settings.SAML, now func() time.Time, log *slog.Logger) (*source, error) {
	src := &source{settings: s, now: now, log: log}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.Roots != "" {
		pem, err := os.ReadFile(s.Roots)
		if err != nil {
			return nil, fmt.Errorf("the roots cannot be read: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("the roots hold no certificate (%s)", s.Roots)
		}
	}
	src.client = &http.Client{
		Timeout: MetadataDeadline, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if s.MetadataCertFile == "" {
		return src, nil
	}
	var err error
	src.signer, err = readCertificate(s.MetadataCertFile)
	return src, err
}

// metadata returns what is known of the provider: at most MetadataAge old, or older when it cannot be read and is still
// valid.
func (s *source) metadata(ctx context.Context) (*metadata, error) {
	return s.newest(ctx, MetadataAge)
}

// withKeys calls use with the provider's keys; when none of them made the signature, once more with those that it has
// now, unless they were read less than MetadataRetry ago. So a provider may change its key at any time.
func (s *source) withKeys(ctx context.Context, use func(keys) error) error {
	m, err := s.metadata(ctx)
	if err != nil {
		return err
	}
	err = use(m.keys)
	if !errors.Is(err, auth.ReasonSignature) {
		return err
	}
	fresh, failed := s.newest(ctx, MetadataRetry)
	if failed != nil || fresh == m {
		return err
	}
	return use(fresh.keys)
}

func (s *source) newest(ctx context.Context, age time.Duration) (*metadata, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.known != nil && now.Sub(s.tried) < age {
		return s.stillValid(now)
	}
	s.tried = now
	fresh, err := s.read(ctx)
	switch {
	case err == nil:
		s.known = fresh
	case s.known == nil:
		return nil, err
	default:
		s.log.WarnContext(ctx, "identity provider's metadata cannot be read again", "error", err)
	}
	return s.stillValid(now)
}

func (s *source) stillValid(now time.Time) (*metadata, error) {
	if until := s.known.validUntil; !until.IsZero() && !now.Before(until) {
		return nil, fmt.Errorf("the metadata of %s were valid until %s", s.settings.EntityID, until.Format(time.RFC3339))
	}
	return s.known, nil
}

func (s *source) read(ctx context.Context) (*metadata, error) {
	document, err := s.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("the metadata cannot be read: %w", err)
	}
	root, err := parseMetadata(document)
	if err != nil {
		return nil, fmt.Errorf("the metadata cannot be read: %w", err)
	}
	if s.signer != nil {
		if root, err = verify(root, keys{s.signer}); err != nil {
			return nil, errors.New("the metadata are not signed by the certificate that is configured")
		}
	}
	return readMetadata(root, s.settings.EntityID, s.now())
}

func (s *source) load(ctx context.Context) ([]byte, error) {
	if !strings.Contains(s.settings.Metadata, "://") {
		return os.ReadFile(s.settings.Metadata)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.settings.Metadata, nil)
	if err != nil {
		return nil, err
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d", s.settings.Metadata, answer.StatusCode)
	}
	return io.ReadAll(io.LimitReader(answer.Body, MetadataBytes+1))
}
