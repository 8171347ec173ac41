package supervisor

import (
	"context"
	"errors"
	"syscall"
	"time"

	"konklave/auth"
	"konklave/control"
	"konklave/launch"
)

// How the end of a sign-in reaches the conferences that it opened. Every controller looks by itself, so that each end is found
// by whichever has the worker, also after it was away.
const (
	RevocationPause = 250 * time.Millisecond // between looks for sign-ins that are over
	revokeLimit     = 10 * time.Second       // until a worker has ended their sessions and that is stored
)

// watchSignIns ends, until ctx ends, the sessions whose sign-in is over.
func (s *Supervisor) watchSignIns(ctx context.Context) {
	look := time.NewTicker(RevocationPause)
	defer look.Stop()
	failed, now := false, auth.Forward(s.Now)
	for {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
		if !s.hasWorkers() {
			continue
		}
		ended, err := s.ended(ctx, now())
		if err != nil && !failed && ctx.Err() == nil {
			s.Log.Warn("cannot look for sign-ins that are over", "error", err)
		}
		failed = err != nil
		for conferenceID, sessions := range ended {
			if w := s.worker(conferenceID); w != nil {
				w.revoke(sessions)
			}
		}
	}
}

// ended returns the sessions, by conference, whose sign-in is over or whose people may not be where they are.
func (s *Supervisor) ended(ctx context.Context, now time.Time) (map[string][]string, error) {
	ended, err := s.Records.EndedAdmissions(ctx, now)
	if err != nil {
		return nil, err
	}
	misplaced, err := s.Places.Misplaced(ctx)
	for conferenceID, sessions := range misplaced {
		ended[conferenceID] = append(ended[conferenceID], sessions...)
	}
	return ended, err
}

func (s *Supervisor) hasWorkers() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.workers) > 0
}

// revoke has the worker end sessions, unless it is at it. A worker that is not connected is told when it is; one that cannot
// be told is replaced by one that can.
func (w *worker) revoke(sessions []string) {
	w.mu.Lock()
	conn := w.conn
	w.mu.Unlock()
	if conn == nil || !w.revoking.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer w.revoking.Store(false)
		if w.version.Load() < control.VersionRevoke {
			w.replace()
			return
		}
		ctx, cancel := context.WithTimeout(w.ctx, revokeLimit)
		defer cancel()
		err := conn.Call(ctx, control.CallRevoke, control.Revoke{Sessions: sessions}, nil)
		if err == nil {
			err = w.s.Records.ForgetAdmissions(ctx, w.id, sessions)
		}
		if err != nil && w.ctx.Err() == nil {
			w.s.Log.Warn("people who were signed out could not be taken out of their conference, which is tried again", "conference", w.id, "error", err)
		}
	}()
}

// replace ends a worker that is too old to be told; the next one, which is not, has everybody back within the resume window.
func (w *worker) replace() {
	err := w.s.Launcher.Signal(w.id, w.epoch, syscall.SIGKILL)
	if !errors.Is(err, launch.ErrNotRunning) {
		w.s.Log.Warn("a worker that is too old to be told that somebody was signed out is replaced", "conference", w.id, "epoch", w.epoch, "error", err)
	}
}
