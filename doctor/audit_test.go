package doctor

import (
	"errors"
	"os"
	"testing"
	"time"

	"konklave/audit/audittest"
	"konklave/config"
)

func TestTheAuditLogIsJudgedByWhatIsSignedAndCosigned(t *testing.T) {
	t.Parallel()
	l, err := audittest.New(newVault(t))
	if err != nil {
		t.Fatal(err)
	}
	db := audittest.NewStore(l)
	watched, cosigns := []string{l.WitnessKey}, audittest.Start().Add(time.Hour) // when the witness of these logs does
	look := func(witnesses []string, now time.Time) []Finding {
		return signedLog(t.Context(), db, l.Key, witnesses, now)
	}
	expect(t, "nothing signed", look(nil, cosigns), Unknown, "has not been signed yet")
	sign := func() {
		if err := errors.Join(l.Add(t.Context(), 3), l.Sign(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	sign()
	expect(t, "no witness", look(nil, cosigns), Advice, "No witness runs")
	expect(t, "a witness", look(watched, cosigns.Add(1000*time.Hour)), Good, "witness.example.net/1 watches over")
	bare := func() {
		for size, note := range l.Notes {
			l.Notes[size] = firstLines(note, 5)
		}
	}
	seen := l.Notes[3]
	sign()
	bare()
	expect(t, "a witness that never was there", look(watched, cosigns), Failed, "has cosigned none")
	l.Notes[3] = seen
	expect(t, "a witness that is behind", look(watched, cosigns.Add(witnessBehind)), Good, "watches over")
	expect(t, "a witness that is away", look(watched, cosigns.Add(witnessBehind+time.Second)), Failed, "has not cosigned since")
	expect(t, "a key of another log", signedLog(t.Context(), db, otherKey(t), nil, cosigns), Failed, "is not one that its key has signed")
	expect(t, "no key", signedLog(t.Context(), db, "x", nil, cosigns), Failed, "is not one")
	db.Fail = errors.New("away")
	expect(t, "no database", look(nil, cosigns), Unknown, "cannot be read")
}

func otherKey(t *testing.T) string {
	t.Helper()
	l, err := audittest.New(newVault(t))
	if err != nil {
		t.Fatal(err)
	}
	return l.Key
}

// firstLines cuts a text off after n lines.
func firstLines(text []byte, n int) []byte {
	for i, c := range text {
		if c == '\n' {
			if n--; n == 0 {
				return text[:i+1]
			}
		}
	}
	return text
}

func TestAnAlarmAboutTheAuditLogIsPassedOn(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Data = t.TempDir()
	now := time.Now()
	expect(t, "before the first start", auditLog(t.Context(), c, now), Unknown, "has not been signed yet")
	if err := errors.Join(os.Mkdir(c.RunDir(), 0o700), os.WriteFile(c.AuditAlarmFile(), []byte("It was put back.\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	expect(t, "alarm", auditLog(t.Context(), c, now), Failed, "It was put back.")
	if err := errors.Join(os.Remove(c.AuditAlarmFile()), os.WriteFile(c.AuditKeysFile(), []byte("x+00000000+x\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	c.Database = "sqlite:" + c.Data + "/absent/konklave.db"
	expect(t, "no database", auditLog(t.Context(), c, now), Unknown, "database cannot be opened")
}
