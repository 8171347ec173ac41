// Package worker is the process of one conference: the conference itself, its signalling, its media, and the control
// channel over which the controller is asked and obeyed. It dials nobody: all sockets are inherited.
package worker

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"konklave/conference"
	"konklave/control"
	"konklave/launch"
	"konklave/media"
	"konklave/signalling"
)

// How long the worker waits at its end.
const (
	shutdownGrace = 3 * time.Second // for the controller to store the end of a conference that is shut down
	goodbyeGrace  = 2 * time.Second // for clients to take their leave
	headerTimeout = 5 * time.Second // for a request's header
	headerMax     = 32 << 10        // bytes of a request's header; the media library puts its offer there
)

// Sockets are what a worker inherits.
type Sockets struct {
	Control    net.Listener
	Signalling net.Listener
	Media      []net.PacketConn
}

// errLease ends a worker that has been without a controller for too long.
var errLease = errors.New("worker: no controller for longer than the media lease")

// Run serves the conference until it has ended (nil), ctx ends (the conference is shut down in order), or it may not go on.
func Run(ctx context.Context, sockets Sockets, config launch.WorkerConfig, log *slog.Logger) error {
	w := &worker{config: config, log: log, line: newLine()}
	room, err := media.Open(media.Options{Conns: sockets.Media, Codec: media.Codec(config.Codec), Log: log})
	if err != nil {
		return err
	}
	defer room.Close()
	w.room = room
	w.journal = &journal{line: w.line, epoch: config.Epoch}
	w.arrivals = &arrivals{line: w.line, lease: config.MediaLease.Duration(), end: w.takeOut, log: log}
	w.actor = conference.NewActor(conference.ActorOptions{Journal: w.journal, Now: time.Now, Log: log, Observe: func(d conference.Delivery) { w.signalling.Observe(d) }})
	w.signalling = signalling.New(signalling.Options{
		ConferenceID: config.Conference, Epoch: config.Epoch, ResumeWindow: config.ResumeWindow.Duration(),
		Conference: w.actor, Media: gate{room}, Redeem: w.redeem, Arrive: w.arrivals.arrive, Relay: w.relay, Now: time.Now, Log: log,
	})
	return w.run(ctx, sockets)
}

// worker wires the parts of one conference.
type worker struct {
	config     launch.WorkerConfig
	log        *slog.Logger
	line       *line
	journal    *journal
	actor      *conference.Actor
	signalling *signalling.Server
	room       *media.Room
	relays     relays
	arrivals   *arrivals
	live       atomic.Bool // the actor runs, or has run
}

func (w *worker) run(ctx context.Context, sockets Sockets) error {
	go w.acceptControllers(sockets.Control)
	alive, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	go w.watchLease(alive, stop)
	go w.shutDownWith(ctx, alive, stop)
	state, err := w.replay(alive)
	if err != nil {
		return err
	}
	web := &http.Server{Handler: w.routes(), ReadHeaderTimeout: headerTimeout, MaxHeaderBytes: headerMax, ErrorLog: slog.NewLogLogger(w.log.Handler(), slog.LevelDebug)}
	go func() {
		if err := web.Serve(sockets.Signalling); !errors.Is(err, http.ErrServerClosed) {
			w.log.Error("signalling listener failed", "error", err)
		}
	}()
	w.live.Store(true)
	err = w.actor.Run(alive, state)
	w.farewell()
	_ = web.Close() // the process ends
	return err
}

// replay makes the state that earlier workers of this conference have left. Clients wait in the listener's queue meanwhile.
func (w *worker) replay(ctx context.Context) (*conference.State, error) {
	settings := conference.Settings{
		ID: w.config.Conference, Title: w.config.Title, Codec: w.config.Codec, ResumeWindow: w.config.ResumeWindow.Duration(),
		Linger: w.config.Linger.Duration(), MaxParticipants: w.config.MaxParticipants,
	}
	began := time.Now()
	state, seq, err := replay(ctx, w.line, w.config.Epoch, settings, w.config.StartedAt, began)
	if err != nil {
		return nil, err
	}
	w.journal.seq = max(seq, w.config.JournalSeq)
	w.log.Info("history is replayed", "epoch", w.config.Epoch, "events", seq, "people", len(state.Participants()), "took", time.Since(began).Round(100*time.Microsecond))
	return state, nil
}

// routes are the paths that the front hands through.
func (w *worker) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(signalling.Path(w.config.Conference), w.signalling)
	media := signalling.MediaPath(w.config.Conference)
	mux.Handle(media+"/", http.StripPrefix(media, w.room.Handler()))
	return mux
}

// shutDownWith ends the conference in order when ctx ends, and by force when that takes too long.
func (w *worker) shutDownWith(ctx, alive context.Context, stop context.CancelCauseFunc) {
	select {
	case <-ctx.Done():
	case <-alive.Done():
		return
	}
	grace, cancel := context.WithTimeout(alive, shutdownGrace)
	defer cancel()
	if _, err := w.actor.Do(grace, conference.Command{Body: conference.Shutdown{}}); err != nil {
		stop(err)
	}
}

// farewell lets clients hear the goodbye.
func (w *worker) farewell() {
	gone := make(chan struct{})
	go func() {
		w.signalling.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-time.After(goodbyeGrace):
	}
}

// watchLease stops the worker when no controller has been there for the media lease.
func (w *worker) watchLease(ctx context.Context, stop context.CancelCauseFunc) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.line.up():
		case <-time.After(w.config.MediaLease.Duration()):
			stop(errLease)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-w.line.down():
		}
	}
}

// redeem asks the controller what a ticket is worth.
func (w *worker) redeem(ctx context.Context, ticket, session, address string) (conference.Admission, error) {
	var a conference.Admission
	err := w.line.call(ctx, control.CallRedeem, control.Redeem{Ticket: ticket, Session: session, Address: address}, &a)
	return a, err
}

// gate lets participants into the room and out again.
type gate struct{ room *media.Room }

func (g gate) Admit(p conference.ParticipantID) string {
	return g.room.Admit(string(p), media.Permission{Publish: media.Sources(), Subscribe: true})
}

func (g gate) Remove(p conference.ParticipantID, why conference.LeaveReason) {
	reason := media.ReasonLeft
	switch why {
	case conference.LeftRemoved, conference.LeftSignedOut:
		reason = media.ReasonRemoved
	case conference.LeftEnded:
		reason = media.ReasonEnded
	case conference.LeftByChoice, conference.LeftLost:
	}
	g.room.Remove(string(p), reason)
}
