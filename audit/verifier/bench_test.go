package verifier_test

import (
	"bytes"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"konklave/audit/export"
	"konklave/audit/verifier"
)

// BenchmarkVerify verifies a log with a checkpoint after every 1,000 entries, signed by the log and a witness. Run it with
// -cpu 1: entries/cpu-s is the figure of one core, whatever else the machine does.
func BenchmarkVerify(b *testing.B) {
	const entries = 100_000
	l := makeLog(b, entries, 1000)
	files := exported(b, l, export.ContentSealed, 20_000, 40_000, 60_000, 80_000)
	size := 0
	for _, file := range files.FS.(fstest.MapFS) {
		size += len(file.Data)
	}
	before := processorTime(b)
	b.ReportAllocs()
	for b.Loop() {
		r, err := verifier.Verify(b.Context(), files, verifier.Options{Trust: l.Trust()})
		if err != nil || r.Verdict() != verifier.Intact || r.Entries != entries {
			b.Fatal(err, r)
		}
	}
	spent := processorTime(b) - before
	b.ReportMetric(entries*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(size)/entries, "bytes/entry")
	b.ReportMetric(entries*float64(b.N)/spent.Seconds(), "entries/cpu-s")
}

// processorTime is what the process has used, which does not grow while others use the machine.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkVerifyComparing is BenchmarkVerify with an earlier export of the same entries.
func BenchmarkVerifyComparing(b *testing.B) {
	const entries = 100_000
	l := makeLog(b, entries, 1000)
	files, earlier := exported(b, l, export.ContentSealed), exported(b, l, export.ContentHashes)
	for b.Loop() {
		r, err := verifier.Verify(b.Context(), files, verifier.Options{Trust: l.Trust(), Since: since(earlier)})
		if err != nil || r.Verdict() != verifier.Intact || !r.Compared {
			b.Fatal(err, r)
		}
	}
	b.ReportMetric(entries*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

// FuzzVerify reads whatever there is and never calls it intact: nobody but the log can sign.
func FuzzVerify(f *testing.F) {
	l := makeLog(f, 6, 3)
	whole := exported(f, l, export.ContentSealed).FS.(fstest.MapFS)["audit-000.ndjson"].Data
	f.Add(whole)
	f.Add(bytes.Replace(whole, []byte(`"index":1`), []byte(`"index":2`), 1))
	f.Add(exported(f, l, export.ContentOpened).FS.(fstest.MapFS)["audit-000.ndjson"].Data)
	other := makeLog(f, 0, 1)
	f.Fuzz(func(t *testing.T, data []byte) {
		files := verifier.Files{FS: fstest.MapFS{"a.ndjson": {Data: data}}, Names: []string{"a.ndjson"}}
		if r := verify(t, files, verifier.Options{Trust: other.Trust()}); r.Verdict() == verifier.Intact && r.Entries > 0 {
			t.Errorf("intact: %q", data)
		}
	})
}
