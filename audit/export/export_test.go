package export

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"konklave/audit/checkpoint"
	"konklave/audit/leaf"
	"konklave/audit/seal"
	"konklave/audit/tree"
)

// entry returns one that could be the log's.
func entry(index int64, personal ...[]byte) Entry {
	body := fmt.Appendf(nil, `{"at":%d,"details":{"text":"a \"quoted\" {brace}\\"},"v":1}`, index)
	text := leaf.New(leaf.Leaf{}.At, "security", body, personal...).Encode()
	return Entry{Index: index, Hash: leaf.Hash(text), Leaf: text, Body: body, Personal: personal}
}

// note returns a checkpoint of the tree, signed by somebody.
func note(f tree.Frontier) []byte {
	c := checkpoint.Checkpoint{Origin: "log", Size: f.Size(), Root: f.Root()}
	return []byte(c.Text() + "\n— log " + strings.Repeat("A", 92) + "\n")
}

func segment(t testing.TB, content Content, entries ...Entry) string {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, Header{Origin: "log", Content: content})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := w.Entry(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Checkpoint(note(w.Frontier())), w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func read(text string) (lines []Line, err error) {
	r := NewReader(strings.NewReader(text))
	for {
		l, err := r.Next()
		if errors.Is(err, io.EOF) {
			return lines, nil
		} else if err != nil {
			return lines, err
		}
		if l.Entry != nil {
			e := *l.Entry
			e.Leaf, e.Body = bytes.Clone(e.Leaf), bytes.Clone(e.Body)
			for i, p := range e.Personal {
				if i == 0 {
					e.Personal = slices.Clone(e.Personal)
				}
				e.Personal[i] = bytes.Clone(p)
			}
			l.Entry = &e
		}
		lines = append(lines, l)
	}
}

func same(a, b Entry) bool {
	return a.Index == b.Index && a.Hash == b.Hash && bytes.Equal(a.Leaf, b.Leaf) && bytes.Equal(a.Body, b.Body) && slices.EqualFunc(a.Personal, b.Personal, bytes.Equal) && len(a.Opened) == len(b.Opened)
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var entries []Entry
		for i := range rapid.Int64Range(0, 6).Draw(t, "entries") {
			parts := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 70), 0, leaf.PartsMax).Draw(t, "personal")
			e := entry(i, parts...)
			switch rapid.IntRange(0, 4).Draw(t, "state") {
			case 0:
				e.Body, e.Personal = nil, nil
			case 1:
				e.Leaf, e.Body, e.Personal = nil, nil, nil
			case 2:
				if len(parts) > 0 {
					e.Personal = slices.Clone(parts)
					e.Personal[0] = nil
				}
			}
			entries = append(entries, e)
		}
		var b bytes.Buffer
		w, err := NewWriter(&b, Header{Origin: "log", Content: ContentSealed})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if err := w.Entry(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(w.Checkpoint(note(w.Frontier())), w.Close()); err != nil {
			t.Fatal(err)
		}
		lines, err := read(b.String())
		if err != nil || len(lines) != len(entries)+3 || lines[0].Header.Origin != "log" || string(lines[len(lines)-2].Checkpoint) != string(note(w.Frontier())) || *lines[len(lines)-1].End != int64(len(entries)) {
			t.Fatalf("read %+v, %v", lines, err)
		}
		for i, e := range entries {
			if !same(*lines[i+1].Entry, e) {
				t.Fatalf("read %+v, want %+v", *lines[i+1].Entry, e)
			}
		}
	})
}

func TestSegmentsHaveAsMuchAsTheySay(t *testing.T) {
	t.Parallel()
	e := entry(0, []byte("sealed"))
	e.Opened = []seal.Opened{{Key: []byte("key"), Fields: map[string]string{"actor.id": "anna"}}}
	for content, want := range map[Content]Entry{
		ContentSealed: {Index: 0, Hash: e.Hash, Leaf: e.Leaf, Body: e.Body, Personal: e.Personal},
		ContentOpened: e, ContentHashes: {Index: 0, Hash: e.Hash},
	} {
		lines, err := read(segment(t, content, e))
		if err != nil || !same(*lines[1].Entry, want) || lines[0].Header.Content != content {
			t.Errorf("%s: %+v, %v", content, lines, err)
		}
		if content == ContentOpened && (string(lines[1].Entry.Opened[0].Key) != "key" || lines[1].Entry.Opened[0].Fields["actor.id"] != "anna") {
			t.Errorf("opened %+v", lines[1].Entry.Opened)
		}
	}
	damaged := e
	damaged.Body = []byte("{")
	if lines, err := read(segment(t, ContentSealed, damaged)); err != nil || lines[1].Entry.Body != nil {
		t.Errorf("a body that somebody damaged: %v", err)
	}
}

func TestWritersRefuseWhatDoesNotFollow(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w, err := NewWriter(&b, Header{Origin: "log", Content: ContentSealed})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Entry(entry(1)); !errors.Is(err, ErrSequence) {
		t.Errorf("a gap: %v", err)
	}
	early := note(w.Frontier())
	if err := w.Entry(entry(0)); err != nil {
		t.Fatal(err)
	}
	if err := w.Checkpoint(early); !errors.Is(err, ErrSequence) {
		t.Errorf("a checkpoint of another size: %v", err)
	}
	if err := w.Checkpoint([]byte("?")); !errors.Is(err, checkpoint.ErrMalformed) {
		t.Errorf("no checkpoint: %v", err)
	}
	if err := w.Close(); !errors.Is(err, ErrNoCheckpoint) {
		t.Errorf("an end without a checkpoint: %v", err)
	}
}

func TestLimitsOfReading(t *testing.T) {
	t.Parallel()
	good := segment(t, ContentSealed, entry(0, []byte("sealed")))
	lines := strings.SplitAfter(good, "\n")
	pad := func(line string, length int) string { // white space that means nothing
		return "{" + strings.Repeat(" ", length-len(line)) + line[1:]
	}
	longest := lines[0] + pad(lines[1], LineMax) + strings.Join(lines[2:], "")
	if _, err := read(longest); err != nil {
		t.Errorf("the longest line: %v", err)
	}
	part := func(n int) string { return segment(t, ContentSealed, entry(0, make([]byte, n))) }
	if _, err := read(part(PartMax)); err != nil {
		t.Errorf("the largest part: %v", err)
	}
	parts := make([][]byte, leaf.PartsMax)
	for i := range parts {
		parts[i] = []byte("x")
	}
	if _, err := read(segment(t, ContentSealed, entry(0, parts...))); err != nil {
		t.Errorf("as many parts as may be: %v", err)
	}
	large := strings.Replace(good, `"personal":["c2VhbGVk`, `"personal":["`+strings.Repeat("AAAA", PartMax/3+1), 1)
	for name, c := range map[string]struct {
		text string
		line int
		want error
	}{
		"a line longer than the longest": {lines[0] + pad(lines[1], LineMax+1) + strings.Join(lines[2:], ""), 2, ErrTooLong},
		"a part larger than the largest": {large, 2, ErrSyntax},
		"more parts than may be":         {strings.Replace(good, `"personal":["c2VhbGVk`, `"personal":[`+strings.Repeat(`"AAAA",`, leaf.PartsMax)+`"c2VhbGVk`, 1), 2, ErrSyntax},
		"a leaf that is too large":       {strings.Replace(good, `"leaf":{`, `"leaf":{"x":"`+strings.Repeat("x", leaf.LeafMax)+`",`, 1), 2, ErrSyntax},
		"a body that is too large":       {strings.Replace(good, `"body":{`, `"body":{"x":"`+strings.Repeat("x", leaf.BodyMax)+`",`, 1), 2, ErrSyntax},
		"a note that is too long":        {strings.Replace(good, `"note":"`, `"note":"`+strings.Repeat("x", checkpoint.NoteMax), 1), 3, ErrSyntax},
		"personal data without a body":   {strings.Replace(good, `"body":{`, `"bodies":{`, 1), 2, ErrSyntax},
		"no body but personal data":      {strings.Replace(good, `,"body":`+string(entry(0).Body), "", 1), 2, ErrSyntax},
		"no leaf but a body":             {strings.Replace(good, `"leaf":{`, `"leaves":{`, 1), 2, ErrSyntax},
		"an index below":                 {strings.Replace(good, `"index":0`, `"index":-1`, 1), 2, ErrSyntax},
		"an index above":                 {strings.Replace(good, `"index":0`, `"index":562949953421312`, 1), 2, ErrSyntax},
		"opened in part":                 {strings.Replace(good, `"personal":["c2VhbGVk`, `"opened":[],"personal":["c2VhbGVk`, 1), 2, ErrSyntax},
		"no header":                      {strings.Join(lines[1:], ""), 1, ErrOrder},
		"two headers":                    {lines[0] + good, 2, ErrOrder},
		"something after the end":        {good + lines[1], 5, ErrOrder},
		"no end":                         {strings.Join(lines[:3], ""), 4, ErrCutOff},
		"half an end":                    {good[:len(good)-1], 4, ErrCutOff},
		"nothing":                        {"", 1, ErrCutOff},
	} {
		var wrong *LineError
		if _, err := read(c.text); !errors.As(err, &wrong) || !errors.Is(err, c.want) || wrong.Line != c.line {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSegmentsHaveAsManyLinesAsTheyMay(t *testing.T) {
	t.Parallel()
	good := strings.SplitAfter(segment(t, ContentHashes, entry(0)), "\n")
	for name, line := range map[string]string{"entries": good[1], "checkpoints": good[2]} {
		r := NewReader(strings.NewReader(good[0] + line + line))
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		r.entries, r.checkpoints = EntriesMax-1, CheckpointsMax-1 // that it has read
		if _, err := r.Next(); err != nil {
			t.Errorf("%s: the last that may be: %v", name, err)
		}
		if _, err := r.Next(); !errors.Is(err, ErrTooMany) || !Final(err) {
			t.Errorf("%s: one more: %v", name, err)
		}
	}
}

func TestADirectoryHasSegmentsThatFollowEachOther(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := NewDirectory(dir, Header{Origin: "log", Content: ContentHashes}, nil)
	var f tree.Frontier
	const entries = 2*SegmentEntries + 500
	for i := range int64(entries) {
		e := entry(i)
		if err := d.Entry(e); err != nil {
			t.Fatal(err)
		}
		if f.Add(e.Hash); f.Size()%1000 == 0 || f.Size() == entries {
			if err := d.Checkpoint(note(f)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	found, err := os.ReadDir(dir)
	if err != nil || len(found) != 3 {
		t.Fatalf("%v, %v", found, err)
	}
	next := tree.Frontier{}
	for i, file := range found {
		text, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		lines, err := read(string(text))
		if err != nil || lines[0].Header.Start.Size() != next.Size() || lines[0].Header.Start.Root() != next.Root() || (lines[1].Checkpoint != nil) != (i > 0) {
			t.Fatalf("%s: %+v, %v", file.Name(), lines[:2], err)
		}
		for _, l := range lines {
			if l.Entry != nil {
				next.Add(l.Entry.Hash)
			}
		}
		if want := fmt.Sprintf("audit-%015d-%015d.ndjson", lines[0].Header.Start.Size(), next.Size()); file.Name() != want {
			t.Errorf("%s, want %s", file.Name(), want)
		}
	}
	long := NewDirectory(t.TempDir(), Header{Origin: "log", Content: ContentHashes}, nil)
	long.most = 3
	f = tree.Frontier{}
	for i := range int64(7) {
		f.Add(entry(i).Hash)
		if err := long.Entry(entry(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(long.Checkpoint(note(f)), long.Close()); err != nil {
		t.Fatal(err)
	}
	if found, err = os.ReadDir(long.path); err != nil || len(found) != 3 || found[0].Name() != "audit-000000000000000-000000000000003.ndjson" {
		t.Errorf("no segment has more than it may: %v, %v", found, err)
	}
	open := NewDirectory(t.TempDir(), Header{Origin: "log", Content: ContentHashes}, nil)
	if err := errors.Join(open.Entry(entry(0)), open.Close()); !errors.Is(err, ErrNoCheckpoint) {
		t.Errorf("an export without a checkpoint: %v", err)
	}
	if err := NewDirectory(filepath.Join(dir, "none"), Header{Origin: "log", Content: ContentHashes}, nil).Entry(entry(0)); err == nil {
		t.Error("a directory that is not there")
	}
}

// FuzzLine holds that the quick reading of an entry is the strict one, only quicker: what it accepts the strict one reads alike, unless
// leaf or body are not JSON, where their hashes decide.
func FuzzLine(f *testing.F) {
	for line := range strings.Lines(segment(f, ContentSealed, entry(0), entry(1, []byte("sealed")), entry(2, []byte("a"), []byte("b")))) {
		f.Add([]byte(strings.TrimSuffix(line, "\n")))
	}
	hole := entry(3)
	hole.Body = nil
	for line := range strings.Lines(segment(f, ContentSealed, entry(0), entry(1), entry(2), hole) + segment(f, ContentHashes, entry(0))) {
		f.Add([]byte(strings.TrimSuffix(line, "\n")))
	}
	f.Add([]byte(`{"type":"entry","index":1,"hash":"` + tlog.Hash(sha256.Sum256(nil)).String() + `","leaf":{"x":"}\"{"},"body":{"a":{"b":"}"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var quick, strict Entry
		if !scan(text, &quick) {
			return
		}
		if _, err := decodeEntry(text, &strict); err != nil {
			if quick.Leaf != nil && !writable(quick.Leaf, leaf.LeafMax) || quick.Body != nil && !writable(quick.Body, leaf.BodyMax) {
				return
			}
			t.Fatalf("%q: %v", text, err)
		}
		if !same(quick, strict) {
			t.Errorf("%q: %+v and %+v", text, quick, strict)
		}
	})
}
