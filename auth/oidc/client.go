package oidc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"golang.org/x/oauth2"
)

var errInsecure = errors.New("only https:// is spoken with a provider")

// newClient returns a client that follows no redirection, speaks TLS only and reads MaxAnswerBytes at most.
func newClient(roots string) (*http.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if roots != "" {
		pem, err := os.ReadFile(roots)
		if err != nil {
			return nil, fmt.Errorf("the roots cannot be read: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("the roots hold no certificate (%s)", roots)
		}
	}
	return &http.Client{
		Timeout:       RequestTimeout,
		Transport:     guarded{&http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, ForceAttemptHTTP2: true}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// guarded refuses requests without TLS and cuts answers that are too long.
type guarded struct{ next http.RoundTripper }

// RoundTrip does one request.
func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		return nil, errInsecure
	}
	answer, err := g.next.RoundTrip(r)
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{&bounded{answer.Body, MaxAnswerBytes}, answer.Body}
	}
	return answer, err
}

// bounded fails when more than left bytes come.
type bounded struct {
	from io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, fmt.Errorf("the provider's answer has more than %d bytes", MaxAnswerBytes)
	}
	return n, err
}

// withClient hands our client to the libraries, which look for it there.
func (p *Provider) withClient(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, p.client)
}

// get reads what is at an address of the provider.
func (p *Provider) get(ctx context.Context, address, bearer string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	answer, err := p.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, &statusError{address: address, status: answer.StatusCode}
	}
	return io.ReadAll(answer.Body)
}

// statusError is an answer that is none.
type statusError struct {
	address string
	status  int
}

// Error has the address and the status.
func (e *statusError) Error() string { return fmt.Sprintf("%s answers %d", e.address, e.status) }
