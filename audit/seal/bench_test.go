package seal_test

import (
	"testing"

	"konklave/audit/audittest"
	"konklave/audit/leaf"
)

// BenchmarkEntry is what sealing adds to a change, without what the storage of keys costs.
func BenchmarkEntry(b *testing.B) {
	l, err := audittest.New(newVault(b))
	if err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		if _, err := l.Sealer.Entry(b.Context(), audittest.Entry(i%6)); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkOpen is what showing an entry to an auditor costs.
func BenchmarkOpen(b *testing.B) {
	l, err := audittest.New(newVault(b))
	if err != nil {
		b.Fatal(err)
	}
	sealed, err := l.Sealer.Entry(b.Context(), audittest.Entry(0))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		body, err := leaf.DecodeBody(sealed.Body)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := l.Sealer.Open(b.Context(), body, sealed.Personal); err != nil {
			b.Fatal(err)
		}
	}
}
