package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"konklave/access"
	"konklave/auth"
	"konklave/store"
	"konklave/user"
)

// BenchmarkSessionOfARequest is what proving who a request comes from costs: the cookie's session, whether it lives, whether
// the account may be used and which roles it has, all from SQLite.
func BenchmarkSessionOfARequest(b *testing.B) {
	s, err := store.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "k.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	passwords := auth.NewPasswords(1)
	const password = "correct horse battery"
	u, err := user.NewService(s, passwords, time.Now).Create(b.Context(), access.System("bench"), user.New{Email: "a@example.org", Name: "A", Password: password})
	if err != nil {
		b.Fatal(err)
	}
	sessions := auth.NewSessions(s, auth.SessionOptions{Now: auth.Forward(time.Now)})
	in, err := auth.NewSignIn(s, sessions, passwords).SignIn(b.Context(), access.Nobody(), auth.Attempt{Email: u.Email, Password: password})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := sessions.Authenticate(b.Context(), in.Session); err != nil {
			b.Fatal(err)
		}
	}
}
