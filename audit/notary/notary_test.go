package notary_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/audittest"
	"konklave/audit/checkpoint"
	"konklave/audit/notary"
	"konklave/audit/signer"
	"konklave/audit/signing"
	"konklave/audit/tree"
)

// desk is a signer that answers without a socket.
type desk struct {
	mu     sync.Mutex
	held   *signer.Directory
	away   error  // what every question fails with
	asked  int    // for signatures
	before func() // is called before each signature
}

// sign signs the log as another controller has it done.
func (d *desk) sign(t *testing.T, log *audittest.Store) {
	t.Helper()
	last, err := d.held.Signer().Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := signer.Request{}
	if r.Size, err = log.AuditSize(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.Root, err = tree.Root(t.Context(), log.AuditTree(), r.Size); err != nil {
		t.Fatal(err)
	}
	if r.Proof, err = tree.ProveGrowth(t.Context(), log.AuditTree(), r.Size, last.Size); err != nil {
		t.Fatal(err)
	}
	if _, err := d.held.Signer().Sign(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) Log(ctx context.Context) (signing.State, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.away != nil {
		return signing.State{}, d.away
	}
	last, err := d.held.Signer().Last(ctx)
	return signing.State{Log: d.held.Log, Last: last}, err
}

func (d *desk) Sign(ctx context.Context, _ string, r signer.Request) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if d.before != nil {
		d.before()
	}
	if d.away != nil {
		return nil, d.away
	}
	return d.held.Signer().Sign(ctx, r)
}

func (d *desk) set(away error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.away = away
}

// stand is a log, its signer, and the notary between them.
type stand struct {
	t       *testing.T
	dir     string
	machine string
	log     *audittest.Store
	desk    *desk
	notary  *notary.Notary
	alarms  []string
	keys    []string
	text    bytes.Buffer
	cancel  context.CancelFunc
	ended   chan struct{}
}

// newStand starts in virtual time.
func newStand(t *testing.T) *stand {
	t.Helper()
	l, err := audittest.New(newVault(t))
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{t: t, dir: filepath.Join(t.TempDir(), "signer"), log: audittest.NewStore(l), desk: &desk{}}
	s.open("meet.example.org")
	s.start()
	return s
}

func (s *stand) open(host string) {
	s.t.Helper()
	held, err := signer.OpenDirectory(s.dir, host, time.Now)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = held.Close() })
	s.desk.held = held
}

func (s *stand) start() {
	s.notary = notary.New(notary.Options{
		Log: s.log, Signer: s.desk, Machine: cmp.Or(s.machine, "here"), Now: time.Now, Logger: slog.New(slog.NewTextHandler(&s.text, nil)),
		Origin: func() audit.Origin { return audit.Origin{At: time.Now(), Actor: access.System("controller")} },
		Keys:   func(l signer.Log) error { s.keys = append(slices.Clone(l.Earlier), l.Key); return nil },
		Alarm:  func(text string) { s.alarms = append(s.alarms, text) },
	})
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(context.Background())
	s.ended = make(chan struct{})
	go func() {
		defer close(s.ended)
		_ = s.notary.Run(ctx) // always nil
	}()
	synctest.Wait()
}

func (s *stand) stop() {
	s.cancel()
	<-s.ended
}

func (s *stand) add(n int) {
	s.t.Helper()
	if err := s.log.With(func(l *audittest.Log) error { return l.Add(s.t.Context(), n) }); err != nil {
		s.t.Fatal(err)
	}
}

// pass lets time pass.
func (s *stand) pass(d time.Duration) {
	time.Sleep(d) // virtual
	synctest.Wait()
}

// want wants the last checkpoint to be of this size; -1 for none.
func (s *stand) want(size int64) {
	s.t.Helper()
	note, err := s.log.Checkpoint(s.t.Context(), math.MaxInt64)
	if err != nil {
		s.t.Fatal(err)
	}
	got := int64(-1)
	if len(note) > 0 {
		trust, err := checkpoint.NewTrust([]string{s.desk.held.Log.Key}, nil, 0)
		if err != nil {
			s.t.Fatal(err)
		}
		signed, err := trust.Open(note)
		if err != nil {
			s.t.Fatal(err)
		}
		got = signed.Size
	}
	if got != size {
		s.t.Errorf("the last checkpoint is of %d entries, want %d", got, size)
	}
}

// cut cuts the log off after n entries, as a restore does.
func (s *stand) cut(n int) {
	s.t.Helper()
	if err := s.log.With(func(l *audittest.Log) error { return l.Cut(s.t.Context(), n) }); err != nil {
		s.t.Fatal(err)
	}
}

func TestALogIsSignedWhenItHasGrown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.pass(time.Minute)
		s.want(-1) // nothing is there to be signed
		if len(s.keys) != 1 || s.keys[0] != s.desk.held.Log.Key {
			t.Errorf("the keys are %v", s.keys)
		}
		s.add(1)
		s.pass(time.Second)
		s.want(1)
		s.add(notary.Entries - 1)
		s.pass(notary.Every - 2*time.Second)
		s.want(1)
		s.pass(2 * time.Second)
		s.want(notary.Entries)
		s.add(notary.Entries)
		s.pass(time.Second)
		s.want(2 * notary.Entries)
		asked := s.desk.asked
		s.pass(time.Hour)
		if s.desk.asked != asked || len(s.alarms) != 0 || s.notary.Alarm() != nil {
			t.Errorf("asked %d times for nothing; alarms %v", s.desk.asked-asked, s.alarms)
		}
	})
}

func TestWhatWasSignedButNotKeptIsSignedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.add(3)
		s.pass(notary.Every)
		s.want(3)
		s.stop()
		if err := s.log.With(func(l *audittest.Log) error { clear(l.Notes); return nil }); err != nil {
			t.Fatal(err)
		}
		s.start()
		s.want(3)
		s.stop()
		cosigned := []byte("")
		_ = s.log.With(func(l *audittest.Log) error { // as a witness does
			cosigned = append(slices.Clone(l.Notes[3]), "\u2014 witness.example.net AAAAAAAA\n"...)
			l.Notes[3] = cosigned
			return nil
		})
		s.start()
		defer s.stop()
		if note, err := s.log.Checkpoint(t.Context(), 3); err != nil || !bytes.Equal(note, cosigned) {
			t.Errorf("a start has taken the cosignature away: %q, %v", note, err)
		}
	})
}

func TestL5ALogThatWasPutBackIsAnAlarm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.add(5)
		s.pass(notary.Every)
		s.want(5)
		s.add(4)
		s.pass(notary.Every)
		s.want(9)
		s.stop()
		s.cut(7)
		s.start()
		if !errors.Is(s.notary.Alarm(), signer.ErrRollback) || len(s.alarms) != 1 || !strings.Contains(s.alarms[0], "has 7 entries, but 9 were signed") || !strings.Contains(s.alarms[0], "konklave audit new-log") {
			t.Fatalf("%v; %v", s.notary.Alarm(), s.alarms)
		}
		s.add(20) // other entries than those that were cut off
		s.pass(time.Minute)
		s.want(5)
		if !errors.Is(s.notary.Alarm(), signer.ErrGrowth) || len(s.alarms) != 2 || !strings.Contains(s.alarms[1], "is another one") {
			t.Fatalf("%v; %v", s.notary.Alarm(), s.alarms)
		}
		if !strings.Contains(s.text.String(), "level=ERROR") {
			t.Errorf("the log says %s", &s.text)
		}
		s.pass(time.Hour)
		if len(s.alarms) != 2 || strings.Count(s.text.String(), "level=ERROR") != 2 {
			t.Errorf("the same again and again: %s", &s.text)
		}
		s.stop()

		if err := s.desk.held.Close(); err != nil { // the way on
			t.Fatal(err)
		}
		old := s.desk.held.Log
		if _, err := signer.NewLog(s.dir, "meet.example.org", time.Now); err != nil {
			t.Fatal(err)
		}
		s.open("meet.example.org")
		s.start()
		defer s.stop()
		recorded := s.log.Recorded()
		if len(recorded) != 1 || recorded[0].Kind != audit.KindLogBegun || recorded[0].ObjectID != s.desk.held.Log.Origin || !strings.Contains(recorded[0].Details, old.Origin) {
			t.Fatalf("recorded %+v", recorded)
		}
		s.pass(notary.Every)
		s.want(28) // 7, 20 and the entry that says so
		if s.notary.Alarm() != nil || !slices.Contains(s.keys, old.Key) || len(s.log.Recorded()) != 1 {
			t.Errorf("%v; %v; %v", s.notary.Alarm(), s.keys, s.log.Recorded())
		}
	})
}

func TestAnotherKeyThatNobodyAskedForIsAnAlarm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.add(3)
		s.pass(notary.Every)
		s.stop()
		old := s.desk.held.Log
		s.dir = filepath.Join(t.TempDir(), "another")
		s.open("meet.example.org")
		s.start()
		defer s.stop()
		s.add(3)
		s.pass(time.Minute)
		if !errors.Is(s.notary.Alarm(), notary.ErrAnotherLog) || len(s.alarms) != 1 || !strings.Contains(s.alarms[0], "another key than before") || s.desk.asked != 1 {
			t.Errorf("%v; %v; asked %d times", s.notary.Alarm(), s.alarms, s.desk.asked)
		}
		note, err := s.log.Checkpoint(t.Context(), math.MaxInt64)
		if c, bad := checkpoint.Unverified(note); err != nil || bad != nil || c.Origin != old.Origin || len(s.keys) != 1 || s.keys[0] != old.Key {
			t.Errorf("%+v, keys %v: %v, %v", c, s.keys, err, bad)
		}
	})
}

func TestASignerThatIsAwayForLongIsAnAlarm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.desk.set(signing.ErrUnavailable)
		s.add(1)
		s.pass(50 * time.Second)
		if s.notary.Alarm() != nil || strings.Count(s.text.String(), "level=WARN") != 1 {
			t.Errorf("%v: %s", s.notary.Alarm(), &s.text)
		}
		s.desk.set(nil)
		s.pass(time.Second)
		s.want(1)
		s.desk.set(signing.ErrUnavailable)
		s.add(1)
		s.pass(notary.Every + time.Minute + time.Second)
		if !errors.Is(s.notary.Alarm(), signing.ErrUnavailable) || len(s.alarms) != 1 {
			t.Errorf("%v; %v", s.notary.Alarm(), s.alarms)
		}
		s.desk.set(signing.ErrState)
		s.pass(notary.Every)
		if !errors.Is(s.notary.Alarm(), signing.ErrState) || len(s.alarms) != 2 || !strings.Contains(s.alarms[1], "the disk is full") {
			t.Errorf("%v; %v", s.notary.Alarm(), s.alarms)
		}
		s.desk.set(nil)
		s.pass(notary.Every)
		s.want(2)
		if s.notary.Alarm() != nil || len(s.alarms) != 3 || s.alarms[2] != "" {
			t.Errorf("%v; %q", s.notary.Alarm(), s.alarms)
		}
	})
}

func TestADatabaseThatIsAwayIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		_ = s.log.With(func(*audittest.Log) error { s.log.Fail = errors.New("away"); return nil })
		s.pass(time.Minute)
		_ = s.log.With(func(*audittest.Log) error { s.log.Fail = nil; return nil })
		s.add(2)
		s.pass(time.Second)
		s.want(2)
		if len(s.alarms) != 0 {
			t.Errorf("%v", s.alarms)
		}
	})
}

// Two controllers have one log signed by one signer: that the other was faster is no alarm.
func TestTwoControllersShareASigner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.add(3)
		s.pass(notary.Every)
		other := false
		s.desk.before = func() { // between the question and the request
			if other = !other; other {
				s.add(1)
				s.desk.sign(t, s.log)
			}
		}
		s.add(1)
		s.pass(notary.Every)
		s.want(5)
		if s.notary.Alarm() != nil || len(s.alarms) != 0 || s.desk.asked < 3 {
			t.Errorf("%v; %v; asked %d times", s.notary.Alarm(), s.alarms, s.desk.asked)
		}
	})
}

func TestAnotherMachineThatSignsIsNoAlarmBeforeItIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.add(3)
		s.pass(notary.Every)
		s.want(3)
		second := s.beside("there")
		second.add(3)
		s.pass(2 * notary.LeaseTime) // the first renews its lease, with and without something to sign
		s.want(6)
		if second.notary.Alarm() != nil || len(second.keys) != 0 || second.desk.asked != 0 || strings.Count(second.text.String(), "Another machine signs the audit log") != 1 || !strings.Contains(second.text.String(), "here") {
			t.Errorf("%v; keys %v, asked %d times; %s", second.notary.Alarm(), second.keys, second.desk.asked, &second.text)
		}
		s.stop()
		s.add(1)
		s.pass(notary.LeaseTime - 2*time.Minute)
		if second.notary.Alarm() != nil {
			t.Errorf("the first may be being replaced: %v", second.notary.Alarm())
		}
		s.pass(3 * time.Minute)
		if !errors.Is(second.notary.Alarm(), notary.ErrAnotherLog) || len(second.alarms) == 0 || !strings.Contains(second.alarms[len(second.alarms)-1], "has been away for more than 5m0s") {
			t.Errorf("%v; %q", second.notary.Alarm(), second.alarms)
		}
		s.start()
		s.pass(time.Minute)
		if s.want(7); second.notary.Alarm() != nil || second.alarms[len(second.alarms)-1] != "" {
			t.Errorf("it is back: %v; %q", second.notary.Alarm(), second.alarms)
		}
		s.stop()
		second.stop()
	})
}

func TestTwoMachinesBeginOneLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		second := s.beside("there")
		s.add(3)
		s.pass(time.Minute)
		s.want(3)
		if s.notary.Alarm() != nil || second.notary.Alarm() != nil || second.desk.asked != 0 {
			t.Errorf("%v, %v; the second was asked %d times", s.notary.Alarm(), second.notary.Alarm(), second.desk.asked)
		}
		second.stop()
		if err := second.desk.held.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := signer.NewLog(second.dir, "meet.example.org", time.Now); err != nil {
			t.Fatal(err)
		}
		second.open("meet.example.org")
		second.start()
		s.add(3)
		s.pass(time.Minute)
		s.want(6) // as long as it lives, no other log begins
		if len(s.log.Recorded()) != 0 || second.notary.Alarm() != nil {
			t.Errorf("recorded %v; %v", s.log.Recorded(), second.notary.Alarm())
		}
		s.stop()
		s.pass(notary.LeaseTime + time.Minute)
		if n := len(s.log.Recorded()); n != 1 {
			t.Errorf("%d recorded", n)
		}
		second.want(7)
		s.start()
		s.pass(time.Minute)
		if s.notary.Alarm() != nil || !strings.Contains(s.text.String(), "Another machine signs the audit log") {
			t.Errorf("%v; %s", s.notary.Alarm(), &s.text)
		}
		s.stop()
		second.stop()
	})
}

// beside starts a notary of another machine, which has a signer of its own, on the same log.
func (s *stand) beside(machine string) *stand {
	s.t.Helper()
	other := &stand{t: s.t, dir: filepath.Join(s.t.TempDir(), "signer"), log: s.log, desk: &desk{}, machine: machine}
	other.open("meet.example.org")
	other.start()
	return other
}
