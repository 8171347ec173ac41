package signing_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"konklave/audit"
	"konklave/audit/checkpoint"
	"konklave/audit/leaf"
	"konklave/audit/retention"
	"konklave/audit/signing"
)

// dueAt is when a signer of these tests is asked for certificates.
func dueAt() time.Time { return time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC) }

// keeps has a desk keep what a policy keeps.
func (d *desk) keeps(p retention.Policy) {
	d.server.Retention, d.server.Now = p, dueAt
}

// older is a certificate for what is older than so many days, and a moment.
func older(c audit.Category, days int, moment time.Duration) leaf.Certificate {
	return leaf.Certificate{Start: 3, End: 7, Category: c, Before: dueAt().AddDate(0, 0, -days).Add(moment), Scope: leaf.ScopeEntry, Policy: "p", Reason: "r"}
}

func TestL4TheSignerCertifiesWhatItsSettingsLetGoAndNothingElse(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.keeps(retention.Policy{Security: 120, Administration: retention.MinDays, Conference: 30})
	trust, err := checkpoint.NewTrust([]string{d.log.Key}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		asked leaf.Certificate
		want  error
	}{
		"security":                  {older(audit.CategorySecurity, 120, 0), nil},
		"security, too young":       {older(audit.CategorySecurity, 120, time.Millisecond), signing.ErrRetention},
		"conference":                {older(audit.CategoryConference, 30, 0), nil},
		"conference, too young":     {older(audit.CategoryConference, 30, time.Millisecond), signing.ErrRetention},
		"administration":            {older(audit.CategoryAdministration, retention.MinDays, 0), nil},
		"administration, too young": {older(audit.CategoryAdministration, retention.MinDays, time.Millisecond), signing.ErrRetention},
		"the log itself":            {older(audit.CategoryLog, 4000, 0), signing.ErrRetention},
		"an unknown category":       {older("x", 4000, 0), signing.ErrRetention},
	} {
		got, err := d.client.Certify(t.Context(), c.asked)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if c.want != nil || err != nil {
			continue
		}
		text, err := got.Text()
		if err != nil || trust.CheckStatement(got.Log, text, got.Signature) != nil || !got.At.Equal(dueAt()) || got.Log != d.log.Origin {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if _, _, err := leaf.NewCertificate(got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := older(audit.CategoryConference, 30, 0)
	bad.Reason = ""
	if _, err := d.client.Certify(t.Context(), bad); !errors.Is(err, signing.ErrMessage) {
		t.Errorf("without a reason: %v", err)
	}
	d.keeps(retention.Policy{Security: 1, Administration: 1, Conference: 1}) // which no configuration can say
	if _, err := d.client.Certify(t.Context(), older(audit.CategorySecurity, retention.MinSecurityDays-1, 0)); !errors.Is(err, signing.ErrMessage) {
		t.Errorf("younger than anything may be: %v", err)
	}
	if d.last(t).Size != 0 {
		t.Error("a checkpoint was signed")
	}
}

func TestWhatIsNoQuestionForACertificateIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.keeps(retention.Default())
	const removal = `"removal":{"start":0,"end":1,"category":"conference","before":0,"scope":"entry","policy":"p","reason":"r"}`
	for message, want := range map[string]string{
		`{"v":1,"verb":"certify",` + removal + `}`:                                                 `"signature"`,
		`{"v":1,"verb":"certify","size":1,` + removal + `}`:                                        `"message"`,
		`{"v":1,"verb":"log",` + removal + `}`:                                                     `"message"`,
		`{"v":1,"verb":"sign","size":1,"root":"` + strings.Repeat("A", 43) + `=",` + removal + `}`: `"message"`,
		`{"v":1,"verb":"certify"}`:                                                                 `"message"`,
		strings.Replace(`{"v":1,"verb":"certify",`+removal+`}`, `"end":1`, `"end":0`, 1):           `"message"`,
		strings.Replace(`{"v":1,"verb":"certify",`+removal+`}`, `"entry"`, `"all"`, 1):             `"message"`,
		strings.Replace(`{"v":1,"verb":"certify",`+removal+`}`, `"before":0`, `"before":1e400`, 1): `"message"`,
		strings.Replace(`{"v":1,"verb":"certify",`+removal+`}`, `"start"`, `"at":1,"start"`, 1):    `"message"`,
	} {
		if got := d.raw(t, message); !strings.Contains(got, want) {
			t.Errorf("%.100q: %q, want %s", message, got, want)
		}
	}
}
