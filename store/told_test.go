package store_test

import (
	"bytes"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/finding"
	"konklave/store"
	"konklave/user"
)

func TestEachFindingThatIsKeptWritesOneLineWithoutAPerson(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "k.db"), store.Options{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at := time.Date(2026, 11, 22, 9, 0, 0, 5_000_000, time.UTC)
	f := finding.New("default", at, finding.AdminHour, "anna", "anna", time.Hour, finding.Evidence{Sources: []string{"192.0.2.0/24"}})
	again := finding.New("default", at, finding.AdminHour, "anna", "anna", time.Hour, finding.Evidence{})
	undone := finding.New("default", at, finding.SignInSpray, "", "x", 0, finding.Evidence{})
	if err := errors.Join(s.KeepFinding(t.Context(), f), s.KeepFinding(t.Context(), f), s.KeepFinding(t.Context(), again)); err != nil {
		t.Fatal(err)
	}
	entries := []audit.Entry{audit.SessionFailed(audit.Origin{At: at}, "", audit.FailureUnknown, "")}
	if err := s.RecordFailure(t.Context(), auth.Failure{At: at}, at, entries, []finding.Finding{undone}); !errors.Is(err, store.ErrLocked) {
		t.Fatalf("got %v", err)
	}
	want := `"level":"WARN","msg":"security finding","finding":"` + f.ID + `","kind":"admin.hour","severity":"notice","tenant":"default","at":"2026-11-22T09:00:00.005Z"}`
	if got := log.String(); strings.Count(got, finding.Message) != 1 || !strings.Contains(got, want) {
		t.Errorf("the log says %s, and lacks %s", got, want)
	}
}

func TestAnErasureDoneAgainTellsThatNobodyAdministers(t *testing.T) {
	t.Parallel()
	for _, left := range []bool{false, true} {
		var log bytes.Buffer
		s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "k.db"), store.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
		origin := audit.Origin{At: at, Actor: access.System("test")}
		err = s.Unlock(t.Context(), keys())
		for _, id := range []string{"anna", "ben"} {
			if id == "anna" || left {
				u := user.User{ID: id, Tenant: access.DefaultTenant, Email: id + "@example.org", Name: id, Roles: access.Administrator, Language: "de", CreatedAt: at}
				err = errors.Join(err, s.InsertUser(t.Context(), u, "x", audit.UserCreated(origin, id, u.Roles)))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		list := []store.Erasure{{Tenant: access.DefaultTenant, Pseudonym: user.Pseudonym(access.DefaultTenant, "anna"), At: at}}
		again, err := s.EraseAgain(t.Context(), list, func(pseudonym string, ended int) audit.Entry { return audit.UserErased(origin, pseudonym, ended) })
		if err != nil || again != 1 {
			t.Fatalf("%d, %v", again, err)
		}
		if got := log.String(); strings.Contains(got, "the last user administrator") == left {
			t.Errorf("while another one is left %v, the log says %q", left, got)
		}
	}
}
