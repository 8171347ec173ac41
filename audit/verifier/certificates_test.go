package verifier_test

import (
	"encoding/base64"
	"testing"
	"time"

	"konklave/audit"
	"konklave/audit/audittest"
	"konklave/audit/export"
	"konklave/audit/leaf"
	"konklave/audit/verifier"
)

// letGo is a certificate for the conference entries among the first ten, which are 2, 3, 5, 8 and 9.
func letGo() leaf.Certificate {
	return leaf.Certificate{
		Start: 0, End: 10, Category: audit.CategoryConference, Before: audittest.Start().Add(time.Hour), Scope: leaf.ScopeEntry, Policy: "p", Reason: "r",
	}
}

// certified has the signer of a log sign a certificate.
func certified(t *testing.T, l *audittest.Log, c leaf.Certificate) leaf.Certificate {
	t.Helper()
	signed, err := l.Certified(c)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// TestL4ACertificateMadeByHandAllowsNothing plays somebody who can write everything in the database: he removes content and adds a
// certificate for it, which the sequencer places and the signer signs with everything else.
func TestL4ACertificateMadeByHandAllowsNothing(t *testing.T) {
	t.Parallel()
	zeros := base64.StdEncoding.EncodeToString(make([]byte, 68))
	for name, forge := range map[string]func(*testing.T, *audittest.Log) leaf.Certificate{
		"without a true signature": func(t *testing.T, l *audittest.Log) leaf.Certificate {
			c := certified(t, l, letGo())
			c.Signature = zeros
			return c
		},
		"one bit of the signature is another": func(t *testing.T, l *audittest.Log) leaf.Certificate {
			c := certified(t, l, letGo())
			raw, _ := base64.StdEncoding.DecodeString(c.Signature) // it was encoded above
			raw[20] ^= 1
			c.Signature = base64.StdEncoding.EncodeToString(raw)
			return c
		},
		"signed with a key of his own": func(t *testing.T, _ *audittest.Log) leaf.Certificate {
			return certified(t, makeLog(t, 0, 1), letGo())
		},
		"in the name of an earlier log": func(t *testing.T, l *audittest.Log) leaf.Certificate {
			c := certified(t, l, letGo())
			c.Log = "meet.example.org/earlier"
			return c
		},
		"a true one for less": func(t *testing.T, l *audittest.Log) leaf.Certificate {
			c := letGo()
			c.End = 3
			c = certified(t, l, c)
			c.End = 10
			return c
		},
		"a true one for another category": func(t *testing.T, l *audittest.Log) leaf.Certificate {
			c := letGo()
			c.Category = audit.CategoryAdministration
			c = certified(t, l, c)
			c.Category = audit.CategoryConference
			return c
		},
		"a true one for the personal parts": func(t *testing.T, l *audittest.Log) leaf.Certificate {
			c := letGo()
			c.Scope = leaf.ScopePersonal
			c = certified(t, l, c)
			c.Scope = leaf.ScopeEntry
			return c
		},
		"a true one for what was older": func(t *testing.T, l *audittest.Log) leaf.Certificate {
			c := letGo()
			c.Before = audittest.Start()
			c = certified(t, l, c)
			c.Before = letGo().Before
			return c
		},
		"a true one of another time": func(t *testing.T, l *audittest.Log) leaf.Certificate {
			c := certified(t, l, letGo())
			c.At = c.At.Add(time.Millisecond)
			return c
		},
		"with other words": func(t *testing.T, l *audittest.Log) leaf.Certificate {
			c := certified(t, l, letGo())
			c.Reason = "s"
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := makeLog(t, 12, 4)
			if err := l.Prune(t.Context(), forge(t, l)); err != nil {
				t.Fatal(err)
			}
			o := verifier.Options{Trust: l.Trust(), Now: audittest.CertifiedAt()}
			want(t, verify(t, damaged(t, l), o), verifier.Tampered, "removed 2 3", "removed 3 4", "removed 5 6", "removed 8 9", "removed 9 10") // not signed yet
			sign(t, l)
			want(t, verify(t, exported(t, l, export.ContentSealed), o), verifier.Tampered, "removed 2 3", "removed 3 4", "removed 5 6", "removed 8 9", "removed 9 10", "uncertified 12 13")
			grow(t, l, 1, 1)
			want(t, verify(t, exported(t, l, export.ContentOpened, 4, 12), o), verifier.Tampered, "removed 2 3", "removed 3 4", "removed 5 6", "removed 8 9", "removed 9 10", "uncertified 12 13")
		})
	}
}

// TestL4ATrueCertificateAllowsWhatItSays removes more than one, logs one again, and puts one before what it concerns.
func TestL4ATrueCertificateAllowsWhatItSays(t *testing.T) {
	t.Parallel()
	l := makeLog(t, 12, 4)
	c := certified(t, l, letGo())
	for range 2 { // the second one allows what the first does
		if err := l.Prune(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	sign(t, l)
	o := verifier.Options{Trust: l.Trust(), Now: audittest.CertifiedAt()}
	r := verify(t, exported(t, l, export.ContentSealed), o)
	want(t, r, verifier.Intact)
	if r.Pruned != 5 || r.Certificates != 2 {
		t.Errorf("%+v", r)
	}
	l.Entries[11].Body, l.Entries[11].Personal = nil, nil
	l.Entries[4].Body, l.Entries[4].Personal = nil, nil
	want(t, verify(t, exported(t, l, export.ContentSealed), o), verifier.Tampered, "removed 4 5", "removed 11 12")

	early := makeLog(t, 4, 4)
	before := certified(t, early, letGo()) // for entries that are still to come
	if err := early.Prune(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	grow(t, early, 8, 8)
	early.Entries[8].Body, early.Entries[8].Personal = nil, nil
	want(t, verify(t, exported(t, early, export.ContentSealed), verifier.Options{Trust: early.Trust()}), verifier.Tampered, "removed 2 3", "removed 3 4", "removed 8 9")
}

// TestL18ACertificateOfATimeToComeAllowsNothing is about a server whose clock was far ahead.
func TestL18ACertificateOfATimeToComeAllowsNothing(t *testing.T) {
	t.Parallel()
	l := makeLog(t, 12, 4)
	if err := l.Certify(t.Context(), letGo()); err != nil {
		t.Fatal(err)
	}
	sign(t, l)
	files := exported(t, l, export.ContentSealed)
	for off, verdict := range map[time.Duration]verifier.Verdict{0: verifier.Intact, time.Millisecond: verifier.Tampered} {
		o := verifier.Options{Trust: l.Trust(), Now: audittest.CertifiedAt().Add(-verifier.ClockTolerance - off)}
		if r := verify(t, files, o); r.Verdict() != verdict || (r.Pruned == 5) != (verdict == verifier.Intact) {
			t.Errorf("%v before: %+v", off, r)
		}
	}
}

// TestCertificatesOfALogBeforeThisOneNeedItsKey begins a log with another key over the same entries.
func TestCertificatesOfALogBeforeThisOneNeedItsKey(t *testing.T) {
	t.Parallel()
	l := makeLog(t, 12, 4)
	if err := l.Certify(t.Context(), letGo()); err != nil {
		t.Fatal(err)
	}
	before := l.Key
	if err := l.NewKeys(); err != nil {
		t.Fatal(err)
	}
	l.Notes = map[int64][]byte{}
	sign(t, l)
	files := exported(t, l, export.ContentSealed)
	want(t, verify(t, files, verifier.Options{Trust: l.Trust()}), verifier.Tampered,
		"removed 2 3", "removed 3 4", "removed 5 6", "removed 8 9", "removed 9 10", "uncertified 12 13")
	trust, err := l.Trust().WithEarlier([]string{before})
	if err != nil {
		t.Fatal(err)
	}
	want(t, verify(t, files, verifier.Options{Trust: &trust}), verifier.Intact)
	old := makeLog(t, 4, 4) // what the log before has signed is no checkpoint of this one
	trust, err = l.Trust().WithEarlier([]string{old.Key})
	if err != nil {
		t.Fatal(err)
	}
	if r := verify(t, exported(t, old, export.ContentSealed), verifier.Options{Trust: &trust}); r.Verdict() != verifier.Tampered {
		t.Errorf("%+v", r)
	}
}
