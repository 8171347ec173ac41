package saml_test

import (
	"errors"
	"testing"

	"konklave/auth"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused checks that the error is the one for every refusal, with that hidden reason.
func refused(t *testing.T, what string, err error, want auth.Reason) {
	t.Helper()
	var reason auth.Reason
	if !errors.Is(err, auth.ErrProviderRefused) || !errors.As(err, &reason) || reason != want {
		t.Errorf("%s: %v, want auth.provider_refused because of %q", what, err, want)
	}
}
