package verifier_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit"
	"konklave/audit/audittest"
	"konklave/audit/checkpoint"
	"konklave/audit/export"
	"konklave/audit/leaf"
	"konklave/audit/tree"
	"konklave/audit/verifier"
	"konklave/vault"
)

// settings are those of a vault.
type settings map[string]string

func (s settings) Setting(_ context.Context, name string) (string, error) { return s[name], nil }

func (s settings) AddSetting(_ context.Context, name, value string) (string, error) {
	if _, there := s[name]; !there {
		s[name] = value
	}
	return s[name], nil
}

// makeLog returns a log of so many entries with a checkpoint after every step of them.
func makeLog(t testing.TB, entries, step int) *audittest.Log {
	t.Helper()
	v, err := vault.Open(t.Context(), filepath.Join(t.TempDir(), "master.key"), settings{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := audittest.New(v)
	if err != nil {
		t.Fatal(err)
	}
	grow(t, l, entries, step)
	return l
}

func grow(t testing.TB, l *audittest.Log, entries, step int) {
	t.Helper()
	for i := 0; i < entries; i += step {
		if err := l.Add(t.Context(), min(step, entries-i)); err != nil {
			t.Fatal(err)
		}
		sign(t, l)
	}
}

func sign(t testing.TB, l *audittest.Log) {
	t.Helper()
	if err := l.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// exported returns the whole log as segments that end at these sizes.
func exported(t testing.TB, l *audittest.Log, content export.Content, ends ...int) verifier.Files {
	t.Helper()
	files := fstest.MapFS{}
	start := int64(0)
	for _, end := range append(ends, len(l.Entries)) {
		file, err := l.Export(t.Context(), content, start, int64(end))
		if err != nil {
			t.Fatal(err)
		}
		files[fmt.Sprintf("audit-%03d.ndjson", start)] = file
		start = int64(end)
	}
	return list(t, files)
}

func list(t testing.TB, files fstest.MapFS) verifier.Files {
	t.Helper()
	listed, err := verifier.List(files)
	if err != nil {
		t.Fatal(err)
	}
	return listed
}

func verify(t testing.TB, files verifier.Files, o verifier.Options) *verifier.Report {
	t.Helper()
	o.Opener = (*vault.Vault)(nil)
	r, err := verifier.Verify(t.Context(), files, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// want fails unless the findings are these, each as "code start end".
func want(t testing.TB, r *verifier.Report, verdict verifier.Verdict, findings ...string) {
	t.Helper()
	var got []string
	for _, f := range r.Findings {
		got = append(got, fmt.Sprintf("%s %d %d", f.Code, f.Start, f.End))
	}
	if r.Verdict() != verdict || !slices.Equal(got, findings) {
		t.Errorf("verdict %d with %q, want %d with %q\n%v", r.Verdict(), got, verdict, findings, r.Findings)
	}
}

// since is an earlier export.
func since(files verifier.Files) *verifier.Since { return &verifier.Since{Export: files} }

func TestAnUntouchedLogIsIntact(t *testing.T) {
	t.Parallel()
	l := makeLog(t, 50, 10)
	trust := verifier.Options{Trust: l.Trust()}
	for name, files := range map[string]verifier.Files{
		"one file": exported(t, l, export.ContentSealed), "three files": exported(t, l, export.ContentSealed, 10, 40), "opened": exported(t, l, export.ContentOpened, 20),
	} {
		r := verify(t, files, trust)
		want(t, r, verifier.Intact)
		if r.Start != 0 || r.End != 50 || r.Trusted != 50 || r.Witnessed != 50 || r.Entries != 50 || r.Checkpoints < 5 || r.Last.Size != 50 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	part, err := l.Export(t.Context(), export.ContentSealed, 20, 40)
	if err != nil {
		t.Fatal(err)
	}
	r := verify(t, list(t, fstest.MapFS{"part.ndjson": part}), trust)
	want(t, r, verifier.Intact)
	if r.Start != 20 || r.End != 40 || r.Trusted != 40 {
		t.Errorf("a part: %+v", r)
	}
	want(t, verify(t, exported(t, l, export.ContentHashes), trust), verifier.Incomplete, "hashes_only 0 1")
}

func TestWhatCannotBeJudgedIsIncomplete(t *testing.T) {
	t.Parallel()
	l := makeLog(t, 30, 10)
	files := exported(t, l, export.ContentSealed, 10, 20)
	want(t, verify(t, files, verifier.Options{}), verifier.Incomplete, "no_key 30 30")
	gap := maps.Clone(files.FS.(fstest.MapFS))
	delete(gap, "audit-010.ndjson")
	want(t, verify(t, list(t, gap), verifier.Options{Trust: l.Trust()}), verifier.Incomplete, "gap 10 20")
	twice := maps.Clone(files.FS.(fstest.MapFS))
	twice["copy.ndjson"] = twice["audit-010.ndjson"]
	want(t, verify(t, list(t, twice), verifier.Options{Trust: l.Trust()}), verifier.Incomplete, "overlap 10 20")
	twice["z.ndjson"] = twice["audit-000.ndjson"] // what comes last need not be the end
	delete(twice, "copy.ndjson")
	want(t, verify(t, list(t, twice), verifier.Options{Trust: l.Trust(), Since: since(files)}), verifier.Incomplete, "overlap 0 10")
	whole := exported(t, l, export.ContentSealed).FS.(fstest.MapFS)["audit-000.ndjson"].Data
	lines := bytes.SplitAfter(whole, []byte("\n"))
	cut := fstest.MapFS{"a.ndjson": {Data: bytes.Join(lines[:26], nil)}} // the header, 2 checkpoints, 23 entries
	want(t, verify(t, list(t, cut), verifier.Options{Trust: l.Trust()}), verifier.Incomplete, "unproven 20 23", "unwitnessed 20 23", "cut_off 23 23")
	half := fstest.MapFS{"a.ndjson": {Data: whole[:len(whole)-1]}}
	want(t, verify(t, list(t, half), verifier.Options{Trust: l.Trust()}), verifier.Incomplete, "cut_off 30 30")
	alone, err := checkpoint.NewTrust([]string{l.Key}, []string{l.WitnessKey, otherWitness(t)}, 2)
	if err != nil {
		t.Fatal(err)
	}
	want(t, verify(t, files, verifier.Options{Trust: &alone}), verifier.Incomplete, "unwitnessed 0 30")
	later := fstest.MapFS{"a.ndjson": {Data: bytes.Replace(whole, []byte(`"v":1,"origin"`), []byte(`"v":2,"origin"`), 1)}}
	if r := verify(t, list(t, later), verifier.Options{Trust: l.Trust()}); r.Verdict() != verifier.Incomplete || r.Findings[0].Code != verifier.Later {
		t.Errorf("a later version: %v", r.Findings)
	}
}

func otherWitness(t *testing.T) string {
	t.Helper()
	_, public, err := checkpoint.NewWitnessKey(rand.Reader, "witness.example.net/2")
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func TestL4AManipulatedDatabaseIsFoundOut(t *testing.T) {
	t.Parallel()
	type entries = []export.Entry
	other := func(e *export.Entry) { // another entry altogether
		l := leaf.New(audittest.Start(), audit.CategorySecurity, []byte(`{}`)).Encode()
		*e = export.Entry{Index: e.Index, Hash: e.Hash, Leaf: l, Body: []byte(`{}`)}
	}
	for _, c := range []struct {
		name       string
		manipulate func(entries) entries
		alone      []string // what is found without an earlier export
		compared   []string // what is found with one of 20 entries
	}{
		{"body edited", func(e entries) entries {
			e[7].Body = bytes.Replace(e[7].Body, []byte("wrong_password"), []byte("wrong_passw0rd"), 1)
			return e
		}, []string{"changed 7 8"}, []string{"changed 7 8"}},
		{"personal data edited", func(e entries) entries {
			e[6].Personal = [][]byte{append(slices.Clone(e[6].Personal[0][:40]), e[6].Personal[0][41:]...)}
			return e
		}, []string{"changed 6 7"}, []string{"changed 6 7"}},
		{"row replaced", func(e entries) entries { other(&e[5]); return e }, []string{"changed 5 6"}, []string{"changed 5 6"}},
		{"row and its hash replaced", func(e entries) entries {
			other(&e[5])
			e[5].Hash = leaf.Hash(e[5].Leaf)
			return e
		}, []string{"root 0 10"}, []string{"root 0 10", "changed 5 6"}},
		{"row and its hash replaced later", func(e entries) entries {
			other(&e[25])
			e[25].Hash = leaf.Hash(e[25].Leaf)
			return e
		}, []string{"root 20 30"}, []string{"root 20 30"}},
		{"hash replaced", func(e entries) entries { e[5].Hash[3]++; return e }, []string{"stored_hash 5 6"}, []string{"changed 5 6", "stored_hash 5 6"}},
		{"row deleted", func(e entries) entries {
			e[12] = export.Entry{Index: 12, Hash: e[12].Hash}
			return e
		}, []string{"removed 12 13"}, []string{"removed 12 13"}},
		{"row deleted and the rest moved up", func(e entries) entries { return slices.Delete(e, 12, 13) },
			[]string{"root 10 20", "signature"}, []string{"root 10 20", "removed 12 13"}},
		{"rows swapped", func(e entries) entries {
			e[3].Leaf, e[3].Body, e[3].Personal, e[9].Leaf, e[9].Body, e[9].Personal = e[9].Leaf, e[9].Body, e[9].Personal, e[3].Leaf, e[3].Body, e[3].Personal
			return e
		}, []string{"swapped 3 10"}, []string{"swapped 3 10"}},
		{"rows and hashes swapped", func(e entries) entries {
			e[3], e[9] = e[9], e[3]
			return e
		}, []string{"root 0 10"}, []string{"root 0 10", "swapped 3 10"}},
		{"neighbours and their hashes swapped", func(e entries) entries {
			e[3], e[4] = e[4], e[3]
			return e
		}, []string{"root 0 10"}, []string{"root 0 10", "swapped 3 5"}},
		{"row put in", func(e entries) entries {
			forged := e[2]
			other(&forged)
			forged.Hash = leaf.Hash(forged.Leaf)
			return slices.Insert(e, 4, forged)
		}, []string{"root 0 10"}, []string{"root 0 10", "inserted 4 5"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := makeLog(t, 20, 10)
			earlier := exported(t, l, export.ContentHashes)
			grow(t, l, 20, 10)
			l.Entries = c.manipulate(l.Entries)
			reindex(l)
			files := damaged(t, l)
			alone := verify(t, files, verifier.Options{Trust: l.Trust()})
			compared := verify(t, files, verifier.Options{Trust: l.Trust(), Since: since(earlier)})
			has(t, "alone", alone, c.alone)
			has(t, "compared", compared, c.compared)
		})
	}
}

// has fails unless the log is found to be tampered with and the findings are these; one without numbers may be missing.
func has(t *testing.T, name string, r *verifier.Report, findings []string) {
	t.Helper()
	got := map[string]bool{}
	for _, f := range r.Findings {
		got[fmt.Sprintf("%s %d %d", f.Code, f.Start, f.End)] = true
	}
	for _, f := range findings {
		if strings.Contains(f, " ") && !got[f] {
			t.Errorf("%s: %v, want %q", name, r.Findings, findings)
		}
		delete(got, f)
	}
	for f := range got {
		if !strings.HasPrefix(f, "unproven") && !strings.HasPrefix(f, "unwitnessed") && !strings.HasPrefix(f, "misplaced") {
			t.Errorf("%s: %q was found too", name, f)
		}
	}
	if r.Verdict() != verifier.Tampered {
		t.Errorf("%s: verdict %d", name, r.Verdict())
	}
}

func reindex(l *audittest.Log) {
	for i := range l.Entries {
		l.Entries[i].Index = int64(i)
	}
}

// damaged exports what the database holds after it was manipulated, with the checkpoints that were signed before.
func damaged(t testing.TB, l *audittest.Log) verifier.Files {
	t.Helper()
	last := int64(0)
	for size := range l.Notes {
		if size <= int64(len(l.Entries)) {
			last = max(last, size)
		}
	}
	file, err := l.Export(t.Context(), export.ContentSealed, 0, last)
	if err != nil {
		t.Fatal(err)
	}
	return list(t, fstest.MapFS{"audit.ndjson": file})
}

func TestL4ATruncatedLogIsFoundOutByWhoeverSawMore(t *testing.T) {
	t.Parallel()
	l := makeLog(t, 40, 10)
	all, newest := exported(t, l, export.ContentSealed), l.Notes[40]
	l.Entries = l.Entries[:30]
	short := exported(t, l, export.ContentSealed)
	want(t, verify(t, short, verifier.Options{Trust: l.Trust()}), verifier.Intact) // nobody can know
	want(t, verify(t, short, verifier.Options{Trust: l.Trust(), Since: since(all)}), verifier.Tampered, "truncated 30 40")
	want(t, verify(t, short, verifier.Options{Trust: l.Trust(), Since: &verifier.Since{Checkpoint: newest}}), verifier.Tampered, "truncated 30 40")
	r := verify(t, all, verifier.Options{Trust: l.Trust(), Since: since(short)})
	want(t, r, verifier.Intact)
	if !r.Compared {
		t.Error("the longer one was not compared")
	}
	if r := verify(t, all, verifier.Options{Trust: l.Trust(), Since: &verifier.Since{Checkpoint: l.Notes[20]}}); r.Verdict() != verifier.Intact || !r.Compared {
		t.Errorf("a longer one with an earlier checkpoint: %+v", r)
	}
}

func TestL4AForgedEndIsFoundOut(t *testing.T) {
	t.Parallel()
	l := makeLog(t, 20, 10)
	trust := l.Trust()
	if err := l.NewKeys(); err != nil {
		t.Fatal(err)
	}
	grow(t, l, 10, 10)
	want(t, verify(t, exported(t, l, export.ContentSealed), verifier.Options{Trust: trust}), verifier.Tampered, "signature 20 30", "unproven 20 30", "unwitnessed 20 30")
}

func TestL4AnotherLogWithAnotherKeyIsFoundOut(t *testing.T) {
	t.Parallel()
	l := makeLog(t, 20, 10)
	trust, earlier := l.Trust(), exported(t, l, export.ContentSealed)
	forged := makeLog(t, 20, 10)
	files := exported(t, forged, export.ContentSealed)
	want(t, verify(t, files, verifier.Options{Trust: trust}), verifier.Tampered, "signature 0 10", "signature 0 20", "unproven 0 20", "unwitnessed 0 20")
	want(t, verify(t, files, verifier.Options{Trust: trust, Since: since(earlier)}), verifier.Tampered,
		"signature 0 10", "signature 0 20", "forked 0 20", "unproven 0 20", "unwitnessed 0 20")
}

func TestL5L6AForkSignedWithTheRightKeyIsFoundOut(t *testing.T) {
	t.Parallel()
	l := makeLog(t, 30, 10)
	earlier, newest := exported(t, l, export.ContentHashes), l.Notes[30]
	fork := *l // somebody has the key of the log, put it back to 20 entries, and went on from there
	fork.Entries, fork.Notes = slices.Clone(l.Entries[:20]), map[int64][]byte{10: l.Notes[10], 20: l.Notes[20]}
	resign(t, &fork, 20)
	files := exported(t, &fork, export.ContentSealed)
	want(t, verify(t, files, verifier.Options{Trust: fork.Trust()}), verifier.Intact) // nobody can know
	want(t, verify(t, files, verifier.Options{Trust: fork.Trust(), Since: since(earlier)}), verifier.Tampered, "forked 20 30")
	want(t, verify(t, files, verifier.Options{Trust: fork.Trust(), Since: &verifier.Since{Checkpoint: newest}}), verifier.Tampered, "forked 0 30")
	want(t, verify(t, files, verifier.Options{Trust: fork.Trust(), Since: &verifier.Since{Checkpoint: l.Notes[20]}}), verifier.Intact)
}

// resign puts new entries after size and signs them with the keys of the log, which forget what they signed.
func resign(t *testing.T, l *audittest.Log, size int64) {
	t.Helper()
	l.Tree = &tree.Memory{}
	var hashes []tlog.Hash
	for _, e := range l.Entries {
		hashes = append(hashes, e.Hash)
	}
	if _, err := tree.Append(t.Context(), l.Tree, 0, hashes); err != nil {
		t.Fatal(err)
	}
	l.Forget()
	if err := l.Add(t.Context(), 1); err != nil { // one that is numbered alike is not sealed alike
		t.Fatal(err)
	}
	grow(t, l, 9, 9)
	if int64(len(l.Entries)) != size+10 {
		t.Fatal(len(l.Entries))
	}
}

func TestL7WhatIsErasedIsGoneAndEveryProofHolds(t *testing.T) {
	t.Parallel()
	l := makeLog(t, 30, 10)
	before := exported(t, l, export.ContentSealed)
	l.Keys.Erase("user0")
	after := exported(t, l, export.ContentOpened)
	want(t, verify(t, after, verifier.Options{Trust: l.Trust(), Since: since(before)}), verifier.Intact)
	if text := string(after.FS.(fstest.MapFS)["audit-000.ndjson"].Data); strings.Contains(text, `"user0"`) || !strings.Contains(text, `"user1"`) {
		t.Error("the export shows somebody who was erased, or nobody")
	}
}

func TestAHoleNeedsACertificate(t *testing.T) {
	t.Parallel()
	certificate := leaf.Certificate{
		Start: 0, End: 20, Category: audit.CategoryConference, Before: audittest.Start().Add(15 * time.Minute),
		Scope: leaf.ScopeEntry, Policy: "retention.conference=1 day", Reason: "retention is over",
	}
	pruned := func(t *testing.T, change func(*leaf.Certificate), touch func([]export.Entry)) *verifier.Report {
		l := makeLog(t, 30, 10)
		c := certificate
		change(&c)
		if err := l.Certify(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		sign(t, l)
		touch(l.Entries)
		return verify(t, exported(t, l, export.ContentSealed, 10, 20), verifier.Options{Trust: l.Trust(), Now: audittest.CertifiedAt()})
	}
	same, none := func(*leaf.Certificate) {}, func([]export.Entry) {}
	r := pruned(t, same, none)
	want(t, r, verifier.Intact)
	if r.Pruned != 7 || r.Certificates != 1 { // of 15 the kinds 2, 3 and 5 of six
		t.Errorf("%+v", r)
	}
	r = pruned(t, func(c *leaf.Certificate) { c.Scope = leaf.ScopePersonal }, none)
	want(t, r, verifier.Intact)
	if r.Pruned != 0 || r.PersonalPruned == 0 {
		t.Errorf("%+v", r)
	}
	lose := func(indexes ...int) func([]export.Entry) {
		return func(e []export.Entry) {
			for _, i := range indexes {
				e[i].Body, e[i].Personal = nil, nil
			}
		}
	}
	want(t, pruned(t, same, lose(0)), verifier.Tampered, "removed 0 1")                                                               // another category
	want(t, pruned(t, same, lose(15)), verifier.Tampered, "removed 15 16")                                                            // as young as the limit
	want(t, pruned(t, same, lose(20, 23)), verifier.Tampered, "removed 20 21", "removed 23 24")                                       // outside the range
	want(t, pruned(t, func(c *leaf.Certificate) { c.Scope = leaf.ScopePersonal }, lose(5)), verifier.Tampered, "removed 5 6")         // more than allowed
	want(t, pruned(t, same, lose(30)), verifier.Tampered, "removed 2 3", "removed 3 4", "removed 5 6", "removed 8 9", "removed 9 10", // the certificate
		"removed 11 12", "removed 14 15", "removed 30 31")
}

func TestACertificateCountsOnlyAsTheLogWroteIt(t *testing.T) {
	t.Parallel()
	l := makeLog(t, 10, 10)
	c := leaf.Certificate{
		Start: 0, End: 10, Category: audit.CategoryConference, Before: audittest.CertifiedAt().Add(-leaf.Floor(audit.CategoryConference)),
		Scope: leaf.ScopeEntry, Policy: "p", Reason: "r",
	}
	if err := l.Certify(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	sign(t, l)
	certificate := &l.Entries[10]
	original := *certificate
	for name, change := range map[string]func(){
		"another body":     func() { certificate.Body = bytes.Replace(original.Body, []byte(`"end":10`), []byte(`"end":11`), 1) },
		"another leaf":     func() { certificate.Leaf = leaf.New(audittest.Start(), audit.CategoryLog, original.Body).Encode() },
		"another category": func() { certificate.Leaf = leaf.New(audittest.Start(), audit.CategorySecurity, original.Body).Encode() },
	} {
		*certificate = original
		change()
		r := verify(t, exported(t, l, export.ContentSealed), verifier.Options{Trust: l.Trust()})
		if r.Verdict() != verifier.Tampered || !slices.ContainsFunc(r.Findings, func(f verifier.Finding) bool { return f.Code != verifier.Changed }) {
			t.Errorf("%s: %v", name, r.Findings)
		}
	}
	*certificate = original
	certificate.Leaf = leaf.New(audittest.Start(), audit.CategorySecurity, original.Body).Encode() // by a log that cheats
	certificate.Hash = leaf.Hash(certificate.Leaf)
	resignAll(t, l)
	r := verify(t, exported(t, l, export.ContentSealed), verifier.Options{Trust: l.Trust()})
	want(t, r, verifier.Tampered, "uncertified 10 11")
}

// resignAll signs the entries as they are, with the keys of the log, which forget what they signed.
func resignAll(t *testing.T, l *audittest.Log) {
	t.Helper()
	l.Tree, l.Notes = &tree.Memory{}, map[int64][]byte{}
	var hashes []tlog.Hash
	for _, e := range l.Entries {
		hashes = append(hashes, e.Hash)
	}
	if _, err := tree.Append(t.Context(), l.Tree, 0, hashes); err != nil {
		t.Fatal(err)
	}
	l.Forget()
	sign(t, l)
}

func TestADamagedFileDoesNotHideWhatIsInTheOthers(t *testing.T) {
	t.Parallel()
	l := makeLog(t, 40, 10)
	l.Entries[15].Hash[0]++
	l.Entries[15].Leaf = leaf.New(audittest.Start(), audit.CategorySecurity, l.Entries[15].Body).Encode() // a third thing
	l.Entries[25].Body = []byte("{}")
	l.Entries[36].Body = []byte("{}")
	files := exported(t, l, export.ContentSealed, 20, 30) // the frontiers are those of the tree
	r := verify(t, files, verifier.Options{Trust: l.Trust()})
	want(t, r, verifier.Tampered, "root 10 20", "changed 15 16", "changed 25 26", "changed 36 37")
	if r.Trusted != 10 || r.Witnessed != 10 || r.End != 40 || r.Last.Size != 40 {
		t.Errorf("%+v", r)
	}
}
