package saml

import (
	"context"
	"time"
)

// Health is what is known of a provider.
type Health struct {
	SignOn     string    // the address that browsers are sent to
	ValidUntil time.Time // of its metadata; zero when they do not say
	Ends       time.Time // when the last of its signing certificates does
	OwnEnds    time.Time // when ours does
}

// Examine reads the provider's metadata as a sign-in does.
func (p *Provider) Examine(ctx context.Context) (Health, error) {
	h := Health{OwnEnds: p.cert.NotAfter}
	m, err := p.source.read(ctx)
	if err != nil {
		return h, err
	}
	h.SignOn, h.ValidUntil = m.signOn, m.validUntil
	for _, key := range m.keys {
		if key.NotAfter.After(h.Ends) {
			h.Ends = key.NotAfter
		}
	}
	return h, nil
}
