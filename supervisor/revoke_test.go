package supervisor_test

import (
	"context"
	"slices"
	"syscall"
	"testing"
	"time"

	"konklave/access"
	"konklave/auth"
	"konklave/control"
	"konklave/launch"
	"konklave/supervisor"
)

// signedIn is the meeting's owner with a program's sign-in, and how that ends.
func (w *world) signedIn(t *testing.T) (owner access.Actor, end func()) {
	t.Helper()
	tokens := auth.NewTokens(w.db, time.Now)
	token, secret, err := tokens.Create(t.Context(), w.owner, auth.NewToken{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	id, err := tokens.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	return id.Actor, func() {
		t.Helper()
		if err := tokens.Revoke(t.Context(), w.owner, token.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// enter has the worker redeem a ticket of somebody for a session.
func (w *world) enter(t *testing.T, id string, worker *control.Conn, who access.Actor, session string) {
	t.Helper()
	ticket, _, err := w.tickets.Issue(t.Context(), who, auth.Grant{Conference: id, Meeting: w.meeting.ID, Name: "Owner", Role: access.RoleHost})
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Call(t.Context(), control.CallRedeem, control.Redeem{Ticket: ticket, Session: session}, nil); err != nil {
		t.Fatal(err)
	}
}

// told waits until a worker is told to end exactly these sessions; what it was told before may come again.
func (w *world) told(t *testing.T, sessions ...string) {
	t.Helper()
	for late := time.After(patience); ; {
		select {
		case got := <-w.revoked:
			if slices.Sort(got); slices.Equal(got, sessions) {
				return
			}
		case <-late:
			t.Fatalf("nobody was told to end %q", sessions)
		}
	}
}

// noting tells which sessions are forgotten because they have ended.
type noting struct {
	supervisor.Records
	forgotten chan []string
}

func (n noting) ForgetAdmissions(ctx context.Context, conferenceID string, sessions []string) error {
	err := n.Records.ForgetAdmissions(ctx, conferenceID, sessions)
	if err == nil {
		n.forgotten <- sessions
	}
	return err
}

// watched is a world that tells what is forgotten.
func watched(t *testing.T) (*world, noting) {
	t.Helper()
	n := noting{forgotten: make(chan []string, 64)}
	w := newWorld(t, func(o *supervisor.Options) {
		n.Records = o.Records
		o.Records = n
	})
	return w, n
}

// wait returns when these sessions are forgotten, and nothing is left to be ended.
func (n noting) wait(t *testing.T, sessions ...string) {
	t.Helper()
	for late := time.After(patience); ; {
		select {
		case got := <-n.forgotten:
			if slices.Sort(got); !slices.Equal(got, sessions) {
				continue // of before, once more
			}
			if ended, err := n.EndedAdmissions(t.Context(), time.Now()); err != nil || len(ended) > 0 {
				t.Errorf("still to be ended: %v, %v", ended, err)
			}
			return
		case <-late:
			t.Fatalf("never forgotten: %q", sessions)
		}
	}
}

func TestA21TheEndOfASignInComesToItsConferences(t *testing.T) {
	t.Parallel()
	w, kept := watched(t)
	id, worker := w.open(t)
	owner, end := w.signedIn(t)
	other, endOther := w.signedIn(t)
	first, second, another := sessionOf("first"), sessionOf("second"), sessionOf("another")
	w.enter(t, id, worker, owner, first)
	w.enter(t, id, worker, owner, second)
	w.enter(t, id, worker, other, another)
	w.admit(t, id, worker, "Anna") // a guest, who has no sign-in
	end()
	both := []string{first, second}
	slices.Sort(both)
	w.told(t, both...)
	kept.wait(t, both...)
	endOther()
	w.told(t, another)
	kept.wait(t, another)
}

func TestA21TheEndOfASignInComesThroughEveryControllerThatHasTheWorker(t *testing.T) {
	t.Parallel()
	w, kept := watched(t)
	id, worker := w.open(t)
	owner, end := w.signedIn(t)
	w.enter(t, id, worker, owner, sessionOf("first"))
	_ = worker.Close() // never fails; the controller dials again
	w.another(t, nil)
	<-w.workers
	<-w.workers
	end()
	w.told(t, sessionOf("first"))
	kept.wait(t, sessionOf("first"))
}

func TestAWorkerThatCannotBeToldOfTheEndOfASignInIsReplaced(t *testing.T) {
	t.Parallel()
	killed := make(chan launch.Running, 8)
	w := newWorld(t, func(o *supervisor.Options) { o.Launcher = killing{o.Launcher, killed} })
	id, worker := w.open(t)
	w.SetVersion(id, control.VersionRevoke-1)
	owner, end := w.signedIn(t)
	w.enter(t, id, worker, owner, sessionOf("first"))
	end()
	select {
	case r := <-killed:
		if r.Conference != id || r.Epoch != 1 {
			t.Errorf("killed was %+v", r)
		}
	case <-time.After(patience):
		t.Fatal("it was not replaced")
	}
	ended, err := w.db.EndedAdmissions(t.Context(), time.Now())
	if err != nil || !slices.Equal(ended[id], []string{sessionOf("first")}) {
		t.Errorf("what the next worker is to be told: %v, %v", ended, err)
	}
}

// killing tells which workers are killed.
type killing struct {
	supervisor.Launcher
	killed chan launch.Running
}

func (k killing) Signal(conference string, epoch int64, signal syscall.Signal) error {
	if signal == syscall.SIGKILL {
		select {
		case k.killed <- launch.Running{Conference: conference, Epoch: epoch}:
		default: // the test has seen enough
		}
	}
	return k.Launcher.Signal(conference, epoch, signal)
}
