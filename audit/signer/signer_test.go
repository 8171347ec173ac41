package signer_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"konklave/audit/audittest"
	"konklave/audit/checkpoint"
	"konklave/audit/signer"
	"konklave/audit/tree"
)

const origin = "meet.example.org/audit"

func logKey(t testing.TB, witnesses ...string) (note.Signer, checkpoint.Trust) {
	t.Helper()
	secret, public, err := checkpoint.NewLogKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	key, err := checkpoint.LogSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := checkpoint.NewTrust([]string{public}, witnesses, len(witnesses))
	if err != nil {
		t.Fatal(err)
	}
	return key, trust
}

// grown returns a tree of n leaves, of which those from at on are other ones than usual.
func grown(t testing.TB, n, other int64) *tree.Memory {
	t.Helper()
	m := &tree.Memory{}
	var leaves []tlog.Hash
	for i := range n {
		text := binary.BigEndian.AppendUint64(nil, uint64(i))
		if i >= other {
			text = append(text, "other"...)
		}
		leaves = append(leaves, tlog.RecordHash(text))
	}
	if _, err := tree.Append(t.Context(), m, 0, leaves); err != nil {
		t.Fatal(err)
	}
	return m
}

func request(t testing.TB, m *tree.Memory, size, last int64) signer.Request {
	t.Helper()
	root, err := tree.Root(t.Context(), m, size)
	if err != nil {
		t.Fatal(err)
	}
	r := signer.Request{Size: size, Root: root}
	if last <= size {
		if r.Proof, err = tree.ProveGrowth(t.Context(), m, size, last); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestL5L6OnlyWhatHasGrownIsSigned(t *testing.T) {
	t.Parallel()
	key, trust := logKey(t)
	state := &audittest.State{}
	s := signer.New(key, state)
	right, fork := grown(t, 20, 20), grown(t, 20, 5)
	sign := func(name string, r signer.Request, want error) {
		t.Helper()
		before, err := s.Last(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text, err := s.Sign(t.Context(), r)
		after, lost := s.Last(t.Context())
		if lost != nil {
			t.Fatal(lost)
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		if want != nil {
			var refused *signer.InconsistentError
			if text != nil || after != before || !errors.As(err, &refused) || refused.Last != before || refused.Asked.Root != r.Root {
				t.Errorf("%s: signed %q, %+v after %+v, %v", name, text, after, before, err)
			}
			return
		}
		if opened, err := trust.Open(text); err != nil || opened.Size != r.Size || opened.Root != r.Root || after != opened.Checkpoint {
			t.Errorf("%s: %+v, %v", name, opened, err)
		}
	}
	sign("the empty log", request(t, right, 0, 0), nil)
	sign("the first", request(t, right, 7, 0), nil)
	sign("the same again", request(t, right, 7, 7), nil)
	sign("more", request(t, right, 12, 7), nil)
	sign("fewer", request(t, right, 7, 7), signer.ErrRollback)
	sign("none", request(t, right, 0, 0), signer.ErrRollback)
	sign("as many others", request(t, fork, 12, 12), signer.ErrFork)
	sign("more others", request(t, fork, 15, 12), signer.ErrGrowth)
	sign("more from too early", request(t, right, 15, 7), signer.ErrGrowth)
	sign("more without proof", signer.Request{Size: 15, Root: request(t, right, 15, 12).Root}, signer.ErrGrowth)
	sign("a negative number", signer.Request{Size: -1}, signer.ErrRollback)
	sign("more after all that", request(t, right, 20, 12), nil)
	again := signer.New(key, state) // as after a restart
	if _, err := again.Sign(t.Context(), request(t, fork, 20, 20)); !errors.Is(err, signer.ErrFork) {
		t.Errorf("after a restart: %v", err)
	}
}

func TestTheSignerCannotBeTalkedIntoTwoLogs(t *testing.T) {
	t.Parallel()
	key, trust := logKey(t)
	right, fork := grown(t, 30, 30), grown(t, 30, 11)
	rapid.Check(t, func(rt *rapid.T) {
		s := signer.New(key, &audittest.State{})
		roots := map[int64]tlog.Hash{}
		newest := int64(0)
		for range rapid.IntRange(1, 12).Draw(rt, "requests") {
			from := rapid.SampledFrom([]*tree.Memory{right, fork}).Draw(rt, "log")
			size := rapid.Int64Range(0, 30).Draw(rt, "size")
			r := request(t, from, size, rapid.Int64Range(0, size).Draw(rt, "proof from"))
			text, err := s.Sign(t.Context(), r)
			if err != nil {
				continue
			}
			opened, err := trust.Open(text)
			if err != nil || opened.Size < newest {
				rt.Fatalf("%+v after %d, %v", opened, newest, err)
			}
			newest = opened.Size
			roots[size] = opened.Root
		}
		for _, m := range []*tree.Memory{right, fork} {
			fits := true
			for size, root := range roots {
				fits = fits && request(t, m, size, 0).Root == root
			}
			if fits {
				return
			}
		}
		rt.Fatalf("signed %v, which is no one log", roots)
	})
}

func TestNothingIsSignedThatWouldNotBeRemembered(t *testing.T) {
	t.Parallel()
	key, _ := logKey(t)
	state := &audittest.State{Fail: errors.New("the disk is full")}
	s, m := signer.New(key, state), grown(t, 5, 5)
	if text, err := s.Sign(t.Context(), request(t, m, 5, 0)); text != nil || !errors.Is(err, state.Fail) {
		t.Errorf("signed %q, %v", text, err)
	}
	var refused *signer.InconsistentError
	if _, err := s.Sign(t.Context(), request(t, m, 5, 0)); errors.As(err, &refused) {
		t.Errorf("a full disk is no fork: %v", err)
	}
	for name, text := range map[string]string{"damaged": "?", "another log's": "other\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— other AAAAAAAA\n"} {
		bad := &audittest.State{}
		if err := bad.Save(t.Context(), []byte(text)); err != nil {
			t.Fatal(err)
		}
		if signed, err := signer.New(key, bad).Sign(t.Context(), request(t, m, 5, 0)); err == nil {
			t.Errorf("%s: signed %q", name, signed)
		}
	}
}

func TestAWitnessCosignsWhatTheLogHasSignedAndGrown(t *testing.T) {
	t.Parallel()
	secret, public, err := checkpoint.NewWitnessKey(rand.Reader, "w1")
	if err != nil {
		t.Fatal(err)
	}
	key, trust := logKey(t, public)
	cosigner, err := checkpoint.WitnessSigner(secret, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	w := signer.NewWitness(trust, cosigner, &audittest.State{})
	right, fork := grown(t, 20, 20), grown(t, 20, 5)
	signed := func(m *tree.Memory, size int64) []byte { // by a log that cheats
		text, err := signer.New(key, &audittest.State{}).Sign(t.Context(), request(t, m, size, 0))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	text, err := w.Cosign(t.Context(), signed(right, 10), nil)
	if err != nil {
		t.Fatal(err)
	}
	both, err := trust.Open(text)
	if err != nil || !both.Witnessed || both.Size != 10 {
		t.Errorf("cosigned %+v, %v", both, err)
	}
	for name, c := range map[string]struct {
		text []byte
		r    signer.Request
		want error
	}{
		"a rollback":    {signed(right, 9), request(t, right, 9, 9), signer.ErrRollback},
		"a fork":        {signed(fork, 10), request(t, fork, 10, 10), signer.ErrFork},
		"a later fork":  {signed(fork, 15), request(t, fork, 15, 10), signer.ErrGrowth},
		"not the log's": {bytes.Replace(signed(right, 15), []byte("\n15\n"), []byte("\n16\n"), 1), request(t, right, 16, 10), checkpoint.ErrForged},
	} {
		if text, err := w.Cosign(t.Context(), c.text, c.r.Proof); !errors.Is(err, c.want) || text != nil {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if last, err := w.Last(t.Context()); err != nil || last.Size != 10 {
		t.Errorf("last %+v, %v", last, err)
	}
	if _, err := w.Cosign(t.Context(), signed(right, 15), request(t, right, 15, 10).Proof); err != nil {
		t.Errorf("what has grown: %v", err)
	}
}

func TestTheFileIsTheMemoryOfTheSigner(t *testing.T) {
	t.Parallel()
	key, _ := logKey(t)
	path := filepath.Join(t.TempDir(), "signed")
	if _, err := signer.OpenFile(path); !errors.Is(err, signer.ErrLost) {
		t.Errorf("before it was made: %v", err)
	}
	if err := signer.CreateFile(path); err != nil {
		t.Fatal(err)
	}
	if err := signer.CreateFile(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("made twice: %v", err)
	}
	file, err := signer.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signer.OpenFile(path); !errors.Is(err, signer.ErrInUse) {
		t.Errorf("used twice: %v", err)
	}
	m := grown(t, 20, 20)
	if _, err := signer.New(key, file).Sign(t.Context(), request(t, m, 20, 0)); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if file, err = signer.OpenFile(path); err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s := signer.New(key, file)
	if last, err := s.Last(t.Context()); err != nil || last.Size != 20 {
		t.Errorf("after a restart: %+v, %v", last, err)
	}
	refused := func(name string) {
		t.Helper()
		if text, err := s.Sign(t.Context(), request(t, grown(t, 20, 0), 20, 0)); err == nil {
			t.Errorf("%s: signed %q", name, text)
		}
	}
	refused("another log")
	for name, text := range map[string]string{"emptied": "", "damaged": "konklave signer", "cut off": origin + "\n20\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		refused(name)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	refused("taken away")
}

func TestManyAskAtOnce(t *testing.T) {
	t.Parallel()
	key, trust := logKey(t)
	s, m := signer.New(key, &audittest.State{}), grown(t, 20, 20)
	var all sync.WaitGroup
	for size := range int64(20) {
		all.Go(func() {
			text, err := s.Sign(context.Background(), request(t, m, size, 0))
			if err != nil {
				return // another was faster
			}
			if opened, err := trust.Open(text); err != nil || opened.Size != size {
				t.Errorf("%+v, %v", opened, err)
			}
		})
	}
	all.Wait()
	if last, err := s.Last(t.Context()); err != nil || last.Root != request(t, m, last.Size, 0).Root {
		t.Errorf("%+v, %v", last, err)
	}
}
