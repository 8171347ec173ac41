package supervisor_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/conference"
	"konklave/control"
	"konklave/fault"
	"konklave/journal"
	"konklave/launch"
	"konklave/meeting"
	"konklave/store"
	"konklave/store/sqlitetest"
	"konklave/supervisor"
	"konklave/user"
	"konklave/vault"
)

// patience is after what time something is taken for what will never happen.
const patience = time.Minute

// puppets is a launcher whose workers are played by the test: hostile where it wants.
type puppets struct {
	mu      sync.Mutex
	started []launch.WorkerConfig
	exits   chan launch.Exit
	workers chan *control.Conn // each started worker's proven connection
	revoked chan []string      // the sessions that a worker was told to end, each time it was told
	running map[string]launch.Running
}

func (p *puppets) Start(c launch.WorkerConfig, files launch.Files) (launch.Running, error) {
	l, err := net.FileListener(files.Control)
	if err != nil {
		return launch.Running{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.running[c.Conference]; ok {
		return launch.Running{}, fault.New(fault.KindUnavailable, "launch.running", "A worker for this conference runs already.")
	}
	r := launch.Running{Conference: c.Conference, Epoch: c.Epoch, PID: 1, StartedAt: time.Now()}
	p.started, p.running[c.Conference] = append(p.started, c), r
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			conn, err := control.Accept(nc, c.Conference, c.Key, func(_ context.Context, call string, body []byte) (any, error) {
				if call == control.CallRevoke {
					return nil, p.revoke(body)
				}
				return control.Status{Conference: c.Conference, Epoch: c.Epoch}, nil
			})
			if err == nil {
				conn.Start()
				p.workers <- conn
			}
		}
	}()
	return r, nil
}

func (p *puppets) revoke(body []byte) error {
	var q control.Revoke
	if err := control.Decode(body, &q); err != nil {
		return err
	}
	p.revoked <- q.Sessions
	return nil
}

func (*puppets) Signal(string, int64, syscall.Signal) error { return nil }

func (p *puppets) List() ([]launch.Running, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Values(p.running)), nil
}

// runs puts a worker on the list that nobody has started here.
func (p *puppets) runs(r launch.Running) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running[r.Conference] = r
}

// died takes a worker from the list.
func (p *puppets) died(conference string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, conference)
}

func (p *puppets) Wait() (launch.Exit, error) {
	e, ok := <-p.exits
	if !ok {
		return e, launch.ErrGone
	}
	return e, nil
}

type world struct {
	*supervisor.Supervisor
	*puppets
	db      *store.Store
	tickets *auth.Tickets
	options supervisor.Options
	owner   access.Actor
	meeting meeting.Meeting
	dir     string
}

type hasher struct{}

func (hasher) Hash(context.Context, string) (string, error) { return "no password", nil }

func newWorld(t *testing.T, change func(*supervisor.Options)) *world {
	t.Helper()
	ctx := t.Context()
	db, err := store.Open(ctx, sqlitetest.Create(t, filepath.Join(t.TempDir(), "k.db")), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "sup") // short: socket paths have a limit
	if err != nil {
		t.Fatal(err)
	}
	keys, err := vault.Open(ctx, filepath.Join(t.TempDir(), "master.key"), db)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Unlock(ctx, keys); err != nil {
		t.Fatal(err)
	}
	w := &world{db: db, dir: dir, tickets: auth.NewTickets(db, time.Now), puppets: &puppets{running: map[string]launch.Running{}, exits: make(chan launch.Exit), workers: make(chan *control.Conn, 8), revoked: make(chan []string, 8)}}
	u, err := user.NewService(db, hasher{}, time.Now).Create(ctx, access.System("test"), user.New{
		Email: "owner@example.org", Name: "Owner", Roles: access.Ordinary.List(), Language: user.English, Password: "correct horse battery",
	})
	if err != nil {
		t.Fatal(err)
	}
	w.owner = access.Actor{Kind: access.KindAccount, ID: u.ID, UserID: u.ID, Roles: []access.Role{access.RoleUser}, Tenant: u.Tenant}
	if w.meeting, err = meeting.NewService(db, time.Now).Create(ctx, w.owner, meeting.New{Title: "Council", GuestsAllowed: true}); err != nil {
		t.Fatal(err)
	}
	o := supervisor.Options{
		Records: db, Journal: journal.New(db, keys, slog.New(slog.DiscardHandler)), Tickets: w.tickets, Places: auth.NewPlaces(db, nil), Launcher: w.puppets, Key: []byte("0123456789abcdef0123456789abcdef"), Dir: dir,
		Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Ports: supervisor.PortRange{First: 22000, Last: 22099},
		Settings:   conference.Settings{Codec: "vp8", ResumeWindow: time.Minute, Linger: time.Minute, MaxParticipants: 10},
		MediaLease: time.Minute, MaxRunning: 2, Restarts: 5, LogLevel: "info", LogFormat: "text", Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	w.options = o
	w.Supervisor = supervisor.New(o)
	run, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = w.Run(run) // the launcher's end is the test's
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		close(w.exits)
		_ = db.Close()
		_ = os.RemoveAll(dir)
	})
	return w
}

// open starts the conference and returns its id and its worker's end of the control channel.
func (w *world) open(t *testing.T) (string, *control.Conn) {
	t.Helper()
	id, err := w.Ensure(t.Context(), w.meeting)
	if err != nil {
		t.Fatal(err)
	}
	return id, <-w.workers
}

// openMeeting makes a meeting, starts its conference, and admits Anna.
func (w *world) openMeeting(t *testing.T, title string) (*control.Conn, admitted) {
	t.Helper()
	m, err := meeting.NewService(w.db, time.Now).Create(t.Context(), w.owner, meeting.New{Title: title, GuestsAllowed: true})
	if err != nil {
		t.Fatal(err)
	}
	id, err := w.Ensure(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	worker := <-w.workers
	return worker, w.admit(t, id, worker, "Anna")
}

// end reports a worker's end and returns when the supervisor has taken note: it takes one report after the other, so that of
// two more that it takes, the second comes after the first is done with.
func (w *world) end(e launch.Exit) {
	w.died(e.Conference)
	for _, e := range []launch.Exit{e, {}, {}} {
		w.exits <- e
	}
}

// admitted is somebody whose ticket was redeemed for a session.
type admitted struct {
	conference.Admission
	session string
}

// ticket issues one for a guest.
func (w *world) ticket(t *testing.T, id, name string) string {
	t.Helper()
	_, guest := auth.NewGuest()
	ticket, _, err := w.tickets.Issue(t.Context(), access.Guest(guest), auth.Grant{Conference: id, Meeting: w.meeting.ID, Name: name, Role: access.RoleParticipant})
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

// admit issues a ticket for a guest and has the worker redeem it.
func (w *world) admit(t *testing.T, id string, worker *control.Conn, name string) admitted {
	t.Helper()
	ticket := w.ticket(t, id, name)
	a := admitted{session: sessionOf(ticket)}
	if err := worker.Call(t.Context(), control.CallRedeem, control.Redeem{Ticket: ticket, Session: a.session}, &a.Admission); err != nil {
		t.Fatal(err)
	}
	if err := worker.Call(t.Context(), control.CallRedeem, control.Redeem{Ticket: ticket, Session: a.session}, &a.Admission); fault.As(err).Code != "ticket.used" {
		t.Errorf("A-23: second use of a ticket: %v", err)
	}
	return a
}

// sessionOf makes a session as a worker does, of any text.
func sessionOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func joined(a admitted, id string) conference.Fact {
	return &conference.ParticipantJoined{
		Participant: conference.Participant{ID: conference.ParticipantID(id), Name: a.Name, Kind: a.Kind, Role: a.Role, Connected: true},
		Account:     a.Account,
	}
}

func opened(a admitted, id string) conference.Fact {
	return &conference.SessionOpened{ID: conference.ParticipantID(id), Session: a.session}
}

// enters is the two events of somebody who comes.
func enters(t *testing.T, seq int64, a admitted, id string) []conference.Stored {
	t.Helper()
	return []conference.Stored{stored(t, seq, "", joined(a, id)), stored(t, seq+1, "", opened(a, id))}
}

func stored(t *testing.T, seq int64, by string, f conference.Fact) conference.Stored {
	t.Helper()
	e := conference.Event{Seq: seq, At: time.Now().UTC().Truncate(time.Millisecond), By: conference.ParticipantID(by), Fact: f}
	if by != "" {
		e.CommandID = seq
	}
	switch f := f.(type) {
	case *conference.ParticipantJoined:
		f.Participant.JoinedAt = e.At
	case *conference.ChatMessage:
		f.Message.At = e.At
	}
	st, err := conference.Store(e)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func appending(worker *control.Conn, epoch, seq int64, events ...conference.Stored) error {
	return worker.Call(context.Background(), control.CallAppend, control.Append{Epoch: epoch, Seq: seq, Events: events}, nil)
}

func said(id, from string) conference.Fact {
	name := map[string]string{"p1": "Anna", "p2": "Bob"}[from]
	return &conference.ChatMessage{Message: conference.Message{ID: id, From: conference.ParticipantID(from), Name: name, Text: "the secret text"}}
}

func (w *world) entries(t *testing.T) []audit.Record {
	t.Helper()
	list, err := w.db.AuditEntries(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return list
}
