package witness_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/note"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/archive"
	"konklave/audit/audittest"
	"konklave/audit/checkpoint"
	"konklave/audit/signer"
	"konklave/client"
	"konklave/witness"
)

// instance is an instance without the network between: its archive, behind the methods of the client.
type instance struct {
	archive *archive.Archive
	log     *audittest.Log

	mu     sync.Mutex
	away   error  // what each request fails with
	lying  bool   // growth is proven with other hashes
	shown  []byte // what is shown, whatever the log has
	reject bool   // nothing is taken back
	taken  int    // given back
}

func watcher() access.Actor { return access.Machine("w1", access.DefaultTenant, access.AuditCosigns) }

func (i *instance) Checkpoint(ctx context.Context) (client.Checkpoint, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.away != nil {
		return client.Checkpoint{}, i.away
	}
	if i.shown != nil {
		return client.Checkpoint{Note: string(i.shown)}, nil
	}
	seen, err := i.archive.Checkpoint(ctx, watcher())
	return show(seen), err
}

func show(seen archive.Seen) client.Checkpoint {
	c := client.Checkpoint{Note: string(seen.Note), Size: seen.Signed.Size}
	for _, s := range seen.Signed.Cosignatures {
		c.Witnesses = append(c.Witnesses, client.Cosignature(s))
	}
	return c
}

func (i *instance) Growth(ctx context.Context, earlier, size int64) ([]string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	proof, err := i.archive.Growth(ctx, watcher(), earlier, size)
	var texts []string
	for _, hash := range proof {
		if i.lying {
			hash[0]++
		}
		texts = append(texts, hash.String())
	}
	return texts, err
}

func (i *instance) Cosign(ctx context.Context, note string) (client.Checkpoint, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.reject {
		return client.Checkpoint{}, errors.New("rejected")
	}
	i.taken++
	seen, err := i.archive.Cosign(ctx, watcher(), []byte(note))
	return show(seen), err
}

// refill puts a log in the place of the one that is there whose entries are others from one on, signed by the same key, which has
// forgotten what it signed.
func (s *stand) refill(t *testing.T, keep, add int) {
	t.Helper()
	s.set(func() {
		s.log.Forget()
		if err := s.log.Cut(t.Context(), keep); err != nil {
			t.Fatal(err)
		}
		if err := s.log.Record(t.Context(), audittest.Entry(99)); err != nil {
			t.Fatal(err)
		}
	})
	s.grow(t, add-1)
}

func (i *instance) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

// grow adds entries and has them signed.
func (i *instance) grow(t *testing.T, n int) {
	t.Helper()
	i.set(func() {
		if err := errors.Join(i.log.Add(t.Context(), n), i.log.Sign(t.Context())); err != nil {
			t.Fatal(err)
		}
		for size, note := range i.log.Notes { // what the log's own witness did is not ours
			lines := strings.SplitAfter(string(note), "\n")
			var kept []string
			for _, l := range lines {
				if !strings.Contains(l, "witness.example.net/1 ") {
					kept = append(kept, l)
				}
			}
			i.log.Notes[size] = []byte(strings.Join(kept, ""))
		}
	})
}

// stand is an instance and somebody who watches it.
type stand struct {
	*instance

	key    note.Signer
	public string
	dir    string
	text   bytes.Buffer
}

func newStand(t *testing.T) *stand {
	t.Helper()
	secret, public, err := checkpoint.NewWitnessKey(rand.Reader, "watcher.example.net/1")
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{instance: &instance{}, public: public, dir: filepath.Join(t.TempDir(), "witness")}
	if s.key, err = checkpoint.WitnessSigner(secret, time.Now); err != nil {
		t.Fatal(err)
	}
	s.put(t)
	return s
}

// put puts another log in the place of the one that is there.
func (s *stand) put(t *testing.T) {
	t.Helper()
	l, err := audittest.New(newVault(t))
	if err != nil {
		t.Fatal(err)
	}
	s.set(func() { s.show(l, []string{s.public}) })
}

// unread is a log in which readers leave no entry, so that it has the size that a test gives it.
type unread struct{ *audittest.Store }

func (u unread) Record(ctx context.Context, entries ...audit.Entry) error {
	for _, e := range entries {
		if e.Record().Kind == audit.KindLogRead {
			continue
		}
		if err := u.Store.Record(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// show shows a log.
func (s *stand) show(l *audittest.Log, witnesses []string) {
	s.log = l
	s.archive = archive.New(unread{audittest.NewStore(l)}, func() ([]string, error) { return []string{l.Key}, nil }, witnesses, time.Now)
}

func (s *stand) options() witness.Options {
	return witness.Options{
		LogKey: s.log.Key, Key: s.key, Dir: s.dir, Source: s.instance, Every: witness.Every, Now: time.Now,
		Logger: slog.New(slog.NewTextHandler(&s.text, nil)),
	}
}

// watch opens a witness until the test ends.
func (s *stand) watch(t *testing.T, o witness.Options) *witness.Witness {
	t.Helper()
	w, err := witness.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() }) // once more does no harm
	return w
}

// witnessed wants the newest checkpoint to be cosigned, and of this size.
func (s *stand) witnessed(t *testing.T, size int64) {
	t.Helper()
	seen, err := s.archive.Checkpoint(t.Context(), watcher())
	if err != nil || seen.Signed.Size != size || len(seen.Signed.Cosignatures) != 1 || seen.Signed.Cosignatures[0].Witness != "watcher.example.net/1" {
		t.Errorf("%+v, %v", seen.Signed, err)
	}
}

func TestAWitnessFollowsAndCosigns(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	o := s.options()
	w := s.watch(t, o)
	for n, size := range []int64{3, 4, 1004} {
		s.grow(t, int(size)-len(s.log.Entries))
		for range 2 { // the second finds nothing new
			if err := w.Look(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		s.witnessed(t, size)
		if s.taken != n+1 {
			t.Errorf("given back %d times", s.taken)
		}
	}
	if _, err := witness.Open(o); !errors.Is(err, signer.ErrInUse) {
		t.Errorf("two with one memory: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w = s.watch(t, o) // it remembers
	s.grow(t, 2)
	if err := w.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.witnessed(t, 1006)
}

func TestWhatCouldNotBeGivenBackIsGivenBackLater(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	w := s.watch(t, s.options())
	s.grow(t, 3)
	s.set(func() { s.reject = true })
	if err := w.Look(t.Context()); err == nil || errors.Is(err, witness.ErrBroken) {
		t.Errorf("%v", err)
	}
	s.set(func() { s.reject = false })
	if err := w.Look(t.Context()); err != nil {
		t.Error(err)
	}
	s.witnessed(t, 3)
}

// alarm wants the next look to find that the log is broken, and what showed it to be kept.
func (s *stand) alarm(t *testing.T, w *witness.Witness, want error) {
	t.Helper()
	taken := s.taken
	if err := w.Look(t.Context()); !errors.Is(err, witness.ErrBroken) || !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
	kept, err := filepath.Glob(filepath.Join(s.dir, "alarm-*.txt"))
	if err != nil || len(kept) != 1 || !strings.Contains(s.text.String(), "ALARM") || s.taken != taken {
		t.Fatalf("kept %v, given back %d times, said %s", kept, s.taken-taken, &s.text)
	}
	if text, err := os.ReadFile(kept[0]); err != nil || !strings.Contains(string(text), ".example.org/audit\n") {
		t.Errorf("kept %s, %v", text, err)
	}
}

func TestL5L6AWitnessIsNotTalkedIntoAnotherLog(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(t *testing.T, s *stand)
		want  error
	}{
		"cut off": {func(t *testing.T, s *stand) {
			if err := s.log.Cut(t.Context(), 3); err != nil {
				t.Fatal(err)
			}
		}, signer.ErrRollback},
		"another of the same size": {func(t *testing.T, s *stand) { s.refill(t, 2, 4) }, signer.ErrFork},
		"another that is larger":   {func(t *testing.T, s *stand) { s.refill(t, 4, 4) }, signer.ErrGrowth},
		"a proof of something":     {func(t *testing.T, s *stand) { s.grow(t, 4); s.lying = true }, signer.ErrGrowth},
		"another key":              {func(t *testing.T, s *stand) { s.put(t); s.grow(t, 9) }, checkpoint.ErrUnsigned},
		"another name": {func(_ *testing.T, s *stand) {
			s.shown = bytes.ReplaceAll(s.log.Notes[6], []byte(audittest.Origin), []byte("x.example.org/audit"))
		}, checkpoint.ErrOrigin},
		"a changed signature": {func(_ *testing.T, s *stand) {
			s.shown = bytes.Replace(s.log.Notes[6], []byte("\n6\n"), []byte("\n7\n"), 1)
		}, checkpoint.ErrForged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			o := s.options()
			w := s.watch(t, o)
			s.grow(t, 3)
			if err := w.Look(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.grow(t, 2) // and the entry about the first cosignature
			if err := w.Look(t.Context()); err != nil {
				t.Fatal(err)
			}
			test.spoil(t, s)
			s.alarm(t, w, test.want)
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if err := s.watch(t, o).Look(t.Context()); !errors.Is(err, test.want) { // not forgotten by a restart
				t.Errorf("after a restart: %v", err)
			}
		})
	}
}

func TestAnInstanceThatIsAwayIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.grow(t, 3)
	o := s.options()
	w := s.watch(t, o)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		s.set(func() { s.away = errors.New("nobody there") })
		go func() { ended <- w.Run(ctx) }()
		time.Sleep(time.Hour) // virtual
		s.set(func() { s.away = nil })
		time.Sleep(witness.Every)
		synctest.Wait()
		s.witnessed(t, 3)
		if strings.Count(s.text.String(), "level=WARN") != 1 || !strings.Contains(s.text.String(), "watched again") {
			t.Errorf("said %s", &s.text)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
