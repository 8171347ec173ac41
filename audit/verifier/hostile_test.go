package verifier_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	stdjson "encoding/json"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit"
	"konklave/audit/audittest"
	"konklave/audit/export"
	"konklave/audit/leaf"
	"konklave/audit/verifier"
)

func TestNoByteOfAnExportCanBeChanged(t *testing.T) {
	t.Parallel()
	for _, content := range []export.Content{export.ContentSealed, export.ContentOpened} {
		t.Run(string(content), func(t *testing.T) {
			t.Parallel()
			l := makeLog(t, 2, 2)
			log, _, _ := strings.Cut(string(l.Notes[2]), "— witness") // a cosignature that nobody asks for may be anything
			l.Notes[2] = []byte(log)
			c := leaf.Certificate{
				Start: 0, End: 2, Category: audit.CategoryConference, Before: audittest.Start(),
				Scope: leaf.ScopeEntry, Policy: "p", Reason: "r",
			}
			if err := l.Certify(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			sign(t, l)
			files := exported(t, l, content).FS.(fstest.MapFS)
			if content == export.ContentSealed {
				files = exported(t, l, content, 2).FS.(fstest.MapFS)
			}
			o := verifier.Options{Trust: l.Trust()}
			want(t, verify(t, list(t, files), o), verifier.Intact)
			for name, file := range files {
				whole := file.Data
				first, past := 0, len(whole)
				if content == export.ContentOpened { // the rest is as in the other one
					first = bytes.Index(whole, []byte(`"opened":`))
					past = first + bytes.IndexByte(whole[first:], '\n') + 1
				}
				for i := range telling(whole, first, past) {
					file.Data = slices.Clone(whole)
					if file.Data[i] ^= 1; i+1 < len(whole) && whole[i+1] == '=' { // whose spare bits are those of the next letter
						file.Data[i] = whole[i] + 1
					}
					if r := verify(t, list(t, files), o); r.Verdict() == verifier.Intact {
						t.Fatalf("%s: byte %d from %q to %q is not noticed: …%s", name, i, whole[i], file.Data[i], whole[max(0, i-40):min(len(whole), i+10)])
					}
				}
				for i := range ending(whole, first, past) {
					file.Data = slices.Delete(slices.Clone(whole), i, i+1)
					if r := verify(t, list(t, files), o); r.Verdict() == verifier.Intact {
						t.Fatalf("%s: byte %d (%q) is not missed: …%s", name, i, whole[i], whole[max(0, i-40):min(len(whole), i+10)])
					}
				}
				file.Data = whole
			}
		})
	}
}

// words returns where the bytes from first to past stand in runs of the letters of base64, numbers and names: [start, end) of each. A
// byte between two runs is a run of its own.
func words(text []byte, first, past int) iter.Seq2[int, int] {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	return func(yield func(int, int) bool) {
		for start := first; start < past; {
			n := past - start - len(bytes.TrimLeft(text[start:past], letters))
			if !yield(start, start+max(n, 1)) {
				return
			}
			start += max(n, 1)
		}
	}
}

// telling returns bytes of each sort: all that stand alone or in a short word, and of a long one (a hash, a signature, a key, a
// sealed part, in which all but the ends are alike) the first two, the middle and the last three, where base64 leaves spare bits.
func telling(text []byte, first, past int) iter.Seq[int] {
	const head, tail = 2, 3
	return func(yield func(int) bool) {
		for start, end := range words(text, first, past) {
			for i := start; i < end; i++ {
				inside := i >= start+head && i < end-tail
				if (!inside || i == (start+end)/2) && !yield(i) {
					return
				}
			}
		}
	}
}

// ending returns the last byte of each word: to take one out of a word is the same wherever it was.
func ending(text []byte, first, past int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for _, end := range words(text, first, past) {
			if !yield(end - 1) {
				return
			}
		}
	}
}

func TestNoLineOfAnExportCanBeMoved(t *testing.T) {
	t.Parallel()
	l := makeLog(t, 6, 3)
	o := verifier.Options{Trust: l.Trust()}
	whole := exported(t, l, export.ContentSealed).FS.(fstest.MapFS)["audit-000.ndjson"].Data
	lines := bytes.SplitAfter(whole, []byte("\n"))
	lines = lines[:len(lines)-1]
	intact := func(lines [][]byte) bool {
		return verify(t, list(t, fstest.MapFS{"a.ndjson": {Data: bytes.Join(lines, nil)}}), o).Verdict() == verifier.Intact
	}
	if !intact(lines) {
		t.Fatal("the export itself")
	}
	for i, line := range lines {
		without := slices.Delete(slices.Clone(lines), i, i+1)
		if bytes.HasPrefix(line, []byte(`{"type":"checkpoint"`)) && i < len(lines)-2 {
			if !intact(without) {
				t.Error("without a checkpoint in between")
			}
		} else if intact(without) {
			t.Errorf("line %d is not missed", i+1)
		}
		for j := range lines {
			moved := slices.Insert(slices.Clone(without), min(j, len(without)), line)
			if j != i && intact(moved) {
				t.Errorf("line %d can be moved to %d", i+1, j+1)
			}
		}
		if !bytes.HasPrefix(line, []byte(`{"type":"checkpoint"`)) && intact(slices.Insert(slices.Clone(lines), i, line)) {
			t.Errorf("line %d can be repeated", i+1)
		}
	}
}

func TestHostileInputIsNamed(t *testing.T) {
	t.Parallel()
	l := makeLog(t, 6, 3)
	whole := string(exported(t, l, export.ContentSealed).FS.(fstest.MapFS)["audit-000.ndjson"].Data)
	for name, c := range map[string]struct{ from, to, want string }{
		"a line that is too long":      {`{"type":"entry","index":2`, `{"type":"entry",` + strings.Repeat(" ", export.LineMax) + `"index":2`, "line 4) longer"},
		"an unknown member":            {`{"type":"entry","index":2`, `{"type":"entry","colour":"red","index":2`, "line 4) colour"},
		"a member twice":               {`{"type":"entry","index":2`, `{"type":"entry","index":1,"index":2`, "line 4) duplicate"},
		"a member in other case":       {`{"type":"entry","index":2`, `{"type":"entry","Index":2`, "line 4) Index"},
		"an unknown type":              {`{"type":"entry","index":2`, `{"type":"Entry","index":2`, "line 4) type"},
		"no JSON":                      {`{"type":"entry","index":2`, `{"type":"entry","index"2`, "line 4) '2'"},
		"a number that is none":        {`"index":2`, `"index":2e0`, "line 4) index"},
		"a later version":              {`"v":1,"origin"`, `"v":7,"origin"`, "line 1) later"},
		"no version":                   {`"v":1,"origin"`, `"origin"`, "line 1) version"},
		"another origin":               {`"origin":"meet.example.org/audit"`, `"origin":"meet.example.net/audit"`, "line 1) meet.example.net/audit"},
		"an origin that is none":       {`"origin":"meet.example.org/audit"`, `"origin":"meet example"`, "line 1) origin"},
		"a frontier that does not fit": {`"frontier":[]`, `"frontier":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]`, "line 1) frontier"},
		"an unknown content":           {`"content":"sealed"`, `"content":"everything"`, "line 1) everything"},
		"an end that is not true":      {`{"type":"end","size":6}`, `{"type":"end","size":7}`, "line 10) 7"},
	} {
		changed := strings.Replace(whole, c.from, c.to, 1)
		if changed == whole {
			t.Fatalf("%s: nothing to replace", name)
		}
		r := verify(t, list(t, fstest.MapFS{"a.ndjson": {Data: []byte(changed)}}), verifier.Options{Trust: l.Trust()})
		place, word, _ := strings.Cut(c.want, ") ")
		if !slices.ContainsFunc(r.Findings, func(f verifier.Finding) bool {
			s := f.String()
			return strings.Contains(s+fmt.Sprintf(", line %d)", f.Line), place) && strings.Contains(s, word)
		}) || r.Verdict() == verifier.Intact {
			t.Errorf("%s: %v", name, r.Findings)
		}
	}
	r := verify(t, list(t, fstest.MapFS{"a.ndjson": {}, "b.ndjson": {Data: []byte("\x00\xff")}}), verifier.Options{Trust: l.Trust()})
	if r.Verdict() == verifier.Intact {
		t.Errorf("no export at all: %v", r.Findings)
	}
	if _, err := verifier.List(fstest.MapFS{"a.txt": {}}); err == nil {
		t.Error("a directory without an export")
	}
}

func TestFindingsDoNothingToATerminal(t *testing.T) {
	t.Parallel()
	l := makeLog(t, 3, 3)
	for _, name := range []string{"\\u001b[2Jgone", "\\u202egone", strings.Repeat("long", 10_000)} {
		whole := exported(t, l, export.ContentSealed).FS.(fstest.MapFS)["audit-000.ndjson"].Data
		whole = bytes.Replace(whole, []byte(`"type":"end"`), []byte(`"type":"end","`+name+`":1`), 1)
		for _, f := range verify(t, list(t, fstest.MapFS{"\x1b[2J.ndjson": {Data: whole}}), verifier.Options{Trust: l.Trust()}).Findings {
			if s := f.String(); strings.ContainsAny(s, "\x1b\u202e\n") || len(s) > 1000 {
				t.Errorf("%q", s)
			}
		}
	}
}

func TestThereAreNeverMoreFindingsThanCanBeRead(t *testing.T) {
	t.Parallel()
	l := makeLog(t, 120, 120)
	for i := range l.Entries {
		l.Entries[i].Body = []byte("{}")
	}
	r := verify(t, exported(t, l, export.ContentSealed), verifier.Options{Trust: l.Trust()})
	if len(r.Findings) != verifier.FindingsMax || r.Unlisted != 120-verifier.FindingsMax {
		t.Errorf("%d listed, %d not", len(r.Findings), r.Unlisted)
	}
}

func TestPersonalDataInClearMustBeThoseThatWereSealed(t *testing.T) {
	t.Parallel()
	l := makeLog(t, 6, 6)
	file := exported(t, l, export.ContentOpened).FS.(fstest.MapFS)["audit-000.ndjson"]
	file.Data = bytes.Replace(file.Data, []byte(`"actor.id":"user0"`), []byte(`"actor.id":"user9"`), 1)
	want(t, verify(t, list(t, fstest.MapFS{"a.ndjson": file}), verifier.Options{Trust: l.Trust()}), verifier.Tampered, "wrongly_opened 0 1")
}

// TestL20ReferenceAgrees reads an export with nothing but the standard library and the reference implementation of the tree and of notes.
func TestL20ReferenceAgrees(t *testing.T) {
	t.Parallel()
	l := makeLog(t, 23, 5)
	known, err := note.NewVerifier(l.Key)
	if err != nil {
		t.Fatal(err)
	}
	var hashes []tlog.Hash // as stored
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, i := range indexes {
			found = append(found, hashes[i])
		}
		return found, nil
	})
	var leaves, roots []tlog.Hash
	var sizes []int64
	for line := range bytes.Lines(exported(t, l, export.ContentSealed).FS.(fstest.MapFS)["audit-000.ndjson"].Data) {
		var e struct {
			Type, Note string
			Leaf       stdjson.RawMessage
		}
		if err := stdjson.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		switch e.Type {
		case "entry":
			stored, err := tlog.StoredHashes(int64(len(leaves)), e.Leaf, read)
			if err != nil {
				t.Fatal(err)
			}
			leaves, hashes = append(leaves, tlog.RecordHash(e.Leaf)), append(hashes, stored...)
		case "checkpoint":
			opened, err := note.Open([]byte(e.Note), note.VerifierList(known))
			if err != nil {
				t.Fatal(err)
			}
			root, err := tlog.TreeHash(int64(len(leaves)), read)
			wanted := fmt.Sprintf("%s\n%d\n%s\n", audittest.Origin, len(leaves), base64.StdEncoding.EncodeToString(root[:]))
			if err != nil || opened.Text != wanted {
				t.Errorf("got %q, want %q, %v", opened.Text, wanted, err)
			}
			roots, sizes = append(roots, root), append(sizes, int64(len(leaves)))
		}
	}
	last := len(roots) - 1
	for i, leaf := range leaves {
		proof, err := tlog.ProveRecord(sizes[last], int64(i), read)
		if err != nil || tlog.CheckRecord(proof, sizes[last], roots[last], int64(i), leaf) != nil {
			t.Errorf("entry %d: %v", i, err)
		}
	}
	for i, size := range sizes {
		proof, err := tlog.ProveTree(sizes[last], size, read)
		if err != nil || tlog.CheckTree(proof, sizes[last], roots[last], size, roots[i]) != nil {
			t.Errorf("size %d: %v", size, err)
		}
	}
	if last != 4 {
		t.Errorf("%d checkpoints", last+1)
	}
}
