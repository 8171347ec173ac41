package verifier_test

import (
	"bytes"
	"runtime"
	"runtime/metrics"
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
	held := heapNow()
	peak := watchHeap(b)
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
	b.ReportMetric(float64(peak()-held)/(1<<20), "peak-MiB")
}

// heapSample is how often the heap is looked at.
const heapSample = time.Millisecond

// heapNow is how many bytes lie on the heap, after what is not used any more was collected.
func heapNow() int64 {
	runtime.GC()
	return heapSize()
}

func heapSize() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}

// watchHeap looks at the heap until the function that it returns is called, which returns the most that was seen, in bytes. What is
// not used any more and not collected yet counts: it is what the process needs.
func watchHeap(b *testing.B) (peak func() int64) {
	b.Helper()
	stop, done, most := make(chan struct{}), make(chan struct{}), heapSize()
	go func() {
		defer close(done)
		every := time.NewTicker(heapSample)
		defer every.Stop()
		for {
			select {
			case <-every.C:
				most = max(most, heapSize())
			case <-stop:
				return
			}
		}
	}()
	return func() int64 {
		close(stop)
		<-done
		return most
	}
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
