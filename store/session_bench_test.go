package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"konklave/access"
	"konklave/auth"
	"konklave/store"
	"konklave/store/postgrestest"
	"konklave/user"
)

// BenchmarkSessionOfARequest is what proving who a request comes from costs: the cookie's session, whether it lives, whether
// the account may be used and which roles it has, all from the database.
func BenchmarkSessionOfARequest(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) { sessionOfARequest(b, "sqlite:"+filepath.Join(b.TempDir(), "k.db")) })
	b.Run("PostgreSQL", func(b *testing.B) {
		server, err := postgrestest.Start(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		defer server.Close()
		dsn, err := server.Create(b.Context(), "k", "template0")
		if err != nil {
			b.Fatal(err)
		}
		sessionOfARequest(b, dsn)
	})
}

func sessionOfARequest(b *testing.B, dsn string) {
	s, err := store.Open(b.Context(), dsn, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := s.Unlock(b.Context(), keys()); err != nil {
		b.Fatal(err)
	}
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
