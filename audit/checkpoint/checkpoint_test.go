package checkpoint_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit/checkpoint"
	"konklave/audit/tree"
)

const origin = "meet.example.org/audit"

var now = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

type party struct {
	signer note.Signer
	public string
}

func log(t testing.TB, name string) party {
	t.Helper()
	secret, public, err := checkpoint.NewLogKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := checkpoint.LogSigner(secret + "\n")
	if err != nil {
		t.Fatal(err)
	}
	return party{s, public}
}

func witness(t testing.TB, name string) party {
	t.Helper()
	secret, public, err := checkpoint.NewWitnessKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := checkpoint.WitnessSigner(secret+"\n", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return party{s, public}
}

func signed(t testing.TB, text string, by ...party) []byte {
	t.Helper()
	var signers []note.Signer
	for _, p := range by {
		signers = append(signers, p.signer)
	}
	out, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func some() checkpoint.Checkpoint {
	return checkpoint.Checkpoint{Origin: origin, Size: 42, Root: tlog.RecordHash([]byte("root"))}
}

func trust(t testing.TB, threshold int, l party, witnesses ...party) checkpoint.Trust {
	t.Helper()
	var keys []string
	for _, w := range witnesses {
		keys = append(keys, w.public)
	}
	tr, err := checkpoint.NewTrust([]string{l.public}, keys, threshold)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestExamplesOfTheSpecification(t *testing.T) {
	t.Parallel()
	text := "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
	c, err := checkpoint.Parse(text)
	if err != nil || c.Size != 20852163 || c.Origin != "example.com/behind-the-sofa" || c.Text() != text {
		t.Errorf("got %+v, %v", c, err)
	}
	whole := text + "\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n" +
		"— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
	if got, err := checkpoint.Unverified([]byte(whole)); err != nil || got != c {
		t.Errorf("got %+v, %v", got, err)
	}
	// The key of the example in c2sp.org/signed-note is one of type 1.
	if _, err := checkpoint.NewTrust([]string{"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"}, nil, 0); err != nil {
		t.Error(err)
	}
}

func TestTheReferenceReadsOurSignatures(t *testing.T) {
	t.Parallel()
	l := log(t, origin)
	v, err := note.NewVerifier(l.public)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := note.Open(signed(t, some().Text(), l, witness(t, "w1")), note.VerifierList(v)); err != nil || len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 1 {
		t.Errorf("got %+v, %v", n, err)
	}
}

func TestWitnessesAreCounted(t *testing.T) {
	t.Parallel()
	l, w1, w2, stranger := log(t, origin), witness(t, "w1"), witness(t, "w2"), witness(t, "w1")
	for name, c := range map[string]struct {
		threshold int
		by        []party
		witnessed bool
		names     []string
	}{
		"none asked for, none there":  {0, []party{l}, true, nil},
		"one of one":                  {1, []party{l, w1}, true, []string{"w1"}},
		"none of one":                 {1, []party{l}, false, nil},
		"one of two":                  {2, []party{l, w2}, false, []string{"w2"}},
		"two of two":                  {2, []party{l, w1, w2}, true, []string{"w1", "w2"}},
		"a stranger of the same name": {1, []party{l, stranger}, false, nil},
		"more than asked for":         {1, []party{w2, l, w1}, true, []string{"w1", "w2"}},
	} {
		s, err := trust(t, c.threshold, l, w1, w2).Open(signed(t, some().Text(), c.by...))
		var names []string
		for _, co := range s.Cosignatures {
			names = append(names, co.Witness)
			if !co.At.Equal(now) {
				t.Errorf("%s: at %s", name, co.At)
			}
		}
		slices.Sort(names)
		if err != nil || s.Checkpoint != some() || s.Witnessed != c.witnessed || !slices.Equal(names, c.names) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	twice := signed(t, some().Text(), l, w1)
	twice = append(twice, twice[bytes.Index(twice, []byte("— w1")):]...)
	if _, err := trust(t, 2, l, w1, w2).Open(twice); !errors.Is(err, checkpoint.ErrMalformed) {
		t.Errorf("one witness twice: %v", err)
	}
}

func TestCheckpointsThatAreNotTheLogsAreRefused(t *testing.T) {
	t.Parallel()
	l, w := log(t, origin), witness(t, "w1")
	other := some()
	other.Origin = "meet.example.net/audit"
	foreign := log(t, other.Origin)
	good := signed(t, some().Text(), l, w)
	forged := bytes.Replace(good, []byte("\n42\n"), []byte("\n43\n"), 1)
	stolen := signed(t, some().Text(), l, log(t, origin))
	stolen = append(stolen[:len(some().Text())+1], stolen[bytes.LastIndex(stolen, []byte("— ")):]...)
	for name, c := range map[string]struct {
		text []byte
		want error
	}{
		"another size":              {forged, checkpoint.ErrForged},
		"another key of that name":  {stolen, checkpoint.ErrUnsigned},
		"only the witness":          {signed(t, some().Text(), w), checkpoint.ErrUnsigned},
		"another log":               {signed(t, other.Text(), foreign), checkpoint.ErrOrigin},
		"another log, by our key":   {signed(t, other.Text(), l), checkpoint.ErrOrigin},
		"extension lines":           {signed(t, some().Text()+"more\n", l), checkpoint.ErrMalformed},
		"a size with a zero before": {signed(t, strings.Replace(some().Text(), "\n42", "\n042", 1), l), checkpoint.ErrMalformed},
		"a negative size":           {signed(t, strings.Replace(some().Text(), "\n42", "\n-42", 1), l), checkpoint.ErrMalformed},
		"a size that is too large":  {signed(t, strings.Replace(some().Text(), "\n42", "\n1125899906842624", 1), l), checkpoint.ErrMalformed},
		"no note":                   {[]byte("nothing"), checkpoint.ErrMalformed},
		"too long":                  {append(bytes.Clone(good), bytes.Repeat([]byte("x"), checkpoint.NoteMax)...), checkpoint.ErrMalformed},
	} {
		if s, err := trust(t, 0, l, w).Open(c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	for i := range good {
		for _, b := range []byte{good[i] ^ 1, '\n'} {
			changed := bytes.Clone(good)
			changed[i] = b
			if s, err := trust(t, 1, l, w).Open(changed); b != good[i] && err == nil && s.Witnessed {
				t.Errorf("byte %d changed to %q is not noticed", i, b)
			}
		}
	}
}

func TestKeysAreReadInOneWayOnly(t *testing.T) {
	t.Parallel()
	l, w := log(t, origin), witness(t, "w1")
	for name, c := range map[string]struct {
		logs, witnesses []string
		threshold       int
		want            error
	}{
		"no key":                    {nil, nil, 0, checkpoint.ErrKey},
		"a witness as log":          {[]string{w.public}, nil, 0, checkpoint.ErrKey},
		"a log as witness":          {[]string{l.public}, []string{l.public}, 0, checkpoint.ErrKey},
		"two logs":                  {[]string{l.public, log(t, "other").public}, nil, 0, checkpoint.ErrKey},
		"one witness twice":         {[]string{l.public}, []string{w.public, w.public}, 0, checkpoint.ErrKey},
		"two keys of one witness":   {[]string{l.public}, []string{w.public, witness(t, "w1").public}, 0, checkpoint.ErrKey},
		"more witnesses than there": {[]string{l.public}, []string{w.public}, 2, checkpoint.ErrThreshold},
		"fewer than none":           {[]string{l.public}, []string{w.public}, -1, checkpoint.ErrThreshold},
		"a damaged one":             {[]string{strings.Replace(l.public, "+", "+0", 1)}, nil, 0, checkpoint.ErrKey},
		"one of another name":       {[]string{strings.Replace(l.public, "org", "net", 1)}, nil, 0, checkpoint.ErrKey},
		"a secret one":              {[]string{"PRIVATE+KEY+" + l.public}, nil, 0, checkpoint.ErrKey},
	} {
		if _, err := checkpoint.NewTrust(c.logs, c.witnesses, c.threshold); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	changed := log(t, origin)
	both, err := checkpoint.NewTrust([]string{l.public, changed.public}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []party{l, changed} {
		if _, err := both.Open(signed(t, some().Text(), p)); err != nil {
			t.Errorf("a log that changed its key: %v", err)
		}
	}
	for _, secret := range []string{"", "x", w.public, "WITNESS+PRIVATE+KEY+w1+AAAA", "WITNESS+PRIVATE+KEY++" + base64.StdEncoding.EncodeToString(make([]byte, 32))} {
		if _, err := checkpoint.WitnessSigner(secret, time.Now); !errors.Is(err, checkpoint.ErrKey) {
			t.Errorf("%q: %v", secret, err)
		}
		if _, err := checkpoint.LogSigner(secret); !errors.Is(err, checkpoint.ErrKey) {
			t.Errorf("%q: %v", secret, err)
		}
	}
	for _, name := range []string{"", "a b", "a+b", "a\nb", "a\u202eb", "a\xff", strings.Repeat("x", checkpoint.OriginMax+1)} {
		if checkpoint.ValidOrigin(name) {
			t.Errorf("%q may name a log", name)
		}
		if _, _, err := checkpoint.NewLogKey(rand.Reader, name); !errors.Is(err, checkpoint.ErrOrigin) {
			t.Errorf("%q: %v", name, err)
		}
		if _, _, err := checkpoint.NewWitnessKey(rand.Reader, name); !errors.Is(err, checkpoint.ErrOrigin) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if !checkpoint.ValidOrigin(strings.Repeat("x", checkpoint.OriginMax)) {
		t.Error("the longest name")
	}
}

func TestAProofStandsByItself(t *testing.T) {
	t.Parallel()
	l, m := log(t, origin), &tree.Memory{}
	var leaves []tlog.Hash
	for i := range byte(9) {
		leaves = append(leaves, tlog.RecordHash([]byte{i}))
	}
	f, err := tree.Append(t.Context(), m, 0, leaves)
	if err != nil {
		t.Fatal(err)
	}
	note := signed(t, checkpoint.Checkpoint{Origin: origin, Size: 9, Root: f.Root()}.Text(), l)
	tr := trust(t, 0, l)
	for i, leaf := range leaves {
		proof, err := tree.ProveLeaf(t.Context(), m, 9, int64(i))
		if err != nil {
			t.Fatal(err)
		}
		text := checkpoint.FormatProof(int64(i), proof, note)
		if index, s, err := tr.CheckProof(text, leaf); err != nil || index != int64(i) || s.Size != 9 {
			t.Errorf("entry %d: %d, %+v, %v", i, index, s, err)
		}
		if _, _, err := tr.CheckProof(text, leaves[(i+1)%9]); !errors.Is(err, checkpoint.ErrProof) {
			t.Errorf("entry %d with another leaf: %v", i, err)
		}
		if i%4 != 0 {
			continue
		}
		for j := range text {
			changed := bytes.Clone(text)
			changed[j] ^= 1
			if _, _, err := tr.CheckProof(changed, leaf); err == nil {
				t.Fatalf("byte %d of %q can be changed", j, text)
			}
		}
	}
	alone := signed(t, checkpoint.Checkpoint{Origin: origin, Size: 1, Root: leaves[0]}.Text(), l)
	if _, _, err := tr.CheckProof(checkpoint.FormatProof(0, nil, alone), leaves[0]); err != nil {
		t.Errorf("the only entry: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	l, w := log(f, origin), witness(f, "w1")
	f.Add(signed(f, some().Text(), l, w))
	f.Add([]byte("c2sp.org/tlog-proof@v1\nindex 0\n\n" + string(signed(f, some().Text(), l))))
	tr := trust(f, 1, l, w)
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := tr.Open(text); err == nil && s.Checkpoint != some() {
			t.Errorf("%q is signed", text)
		}
		if c, err := checkpoint.Unverified(text); err == nil && !strings.HasPrefix(string(text), c.Text()) {
			t.Errorf("%q was read as %q", text, c.Text())
		}
		if _, _, err := tr.CheckProof(text, tlog.Hash{}); err == nil {
			t.Errorf("%q proves something", text)
		}
	})
}
