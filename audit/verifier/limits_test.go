package verifier

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"konklave/audit"
	"konklave/audit/leaf"
)

func TestAnExportHasNoMoreCertificatesThanCanBeKept(t *testing.T) {
	t.Parallel()
	var c certificates
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	one := leaf.Certificate{Category: audit.CategorySecurity, Scope: leaf.ScopeEntry, Before: at}
	for i := range int64(CertificatesMax) { // each for ten, of which five are those of the next one too
		one.Start, one.End = i*5, i*5+10
		if err := c.add(i, [sha256.Size]byte{}, one); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := c.add(0, [sha256.Size]byte{}, one); err != nil {
		t.Errorf("one of them again: %v", err)
	}
	if err := c.add(CertificatesMax, [sha256.Size]byte{}, one); !errors.Is(err, errTooManyCertificates) {
		t.Errorf("one more: %v", err)
	}
	c.arrange()
	l := leaf.Leaf{At: at.Add(-1), Category: audit.CategorySecurity}
	const past = CertificatesMax*5 + 5
	for index, want := range map[int64]bool{0: true, 4: true, 5: true, past / 2: true, past - 1: true, past: false, past + 1: false} {
		if c.cover(index, l, leaf.ScopeEntry) != want || c.cover(index, l, leaf.ScopePersonal) != want {
			t.Errorf("entry %d: %v", index, !want)
		}
	}
	if l.At = at; c.cover(5, l, leaf.ScopeEntry) {
		t.Error("too young")
	}
	if l.Category, l.At = audit.CategoryConference, at.Add(-1); c.cover(5, l, leaf.ScopeEntry) {
		t.Error("another category")
	}
}
