package supervisor

import (
	"context"
	"errors"
	"syscall"
	"time"

	"konklave/conference"
	"konklave/launch"
)

// A worker may be obtained by several controllers at once. The database decides: one claims the epoch and starts the worker,
// the others find it at the launcher and dial it.
const (
	claimPause = 20 * time.Millisecond // between looks for the worker that another controller starts
	claimWait  = time.Second           // how long a claimed epoch may be without a worker before the next one is claimed, at first
)

// obtain returns when a worker of the conference's newest epoch is under this supervisor and reachable: one that runs
// already, or a new one.
func (s *Supervisor) obtain(ctx context.Context, rec conference.Record, title string) error {
	err := s.obtainPatiently(ctx, rec, title)
	if err == nil {
		s.endPatience(rec.ID)
	}
	return err
}

func (s *Supervisor) obtainPatiently(ctx context.Context, rec conference.Record, title string) error {
	since := time.Now()
	for {
		ends := s.endsHeard()
		running, found, err := s.running(rec.ID)
		switch {
		case err != nil:
			return err
		case found && running.Epoch == rec.Epoch:
			if err := s.adopt(ctx, rec, title, ends); !errors.Is(err, errListOld) {
				return err
			}
		case found && running.Epoch < rec.Epoch: // whatever it appends is refused
			s.makeRoom(running)
		case !found && (rec.Epoch == 0 || s.hasEnded(rec) || time.Since(since) >= s.patience(rec)):
			claimed, err := s.claim(ctx, rec)
			if err == nil {
				s.lengthenPatience(claimed)
				return s.start(ctx, claimed, title)
			}
			if !errors.Is(err, conference.ErrEpochTaken) {
				return err
			}
		}
		select {
		case <-time.After(claimPause):
		case <-ctx.Done():
			return ctx.Err()
		}
		latest, err := s.Records.Conference(ctx, rec.ID)
		if err != nil {
			return err
		}
		if !latest.Live() {
			return conference.ErrEnded
		}
		if found && running.Epoch > latest.Epoch {
			s.disown(running, latest)
		}
		if latest.Epoch != rec.Epoch {
			since = time.Now()
		}
		rec = latest
	}
}

// claim begins the time of a new worker, in an epoch that no worker was of that is known to have ended: after a restore, the
// database may not know of the latest ones.
func (s *Supervisor) claim(ctx context.Context, rec conference.Record) (conference.Record, error) {
	for {
		claimed, err := s.Records.ClaimEpoch(ctx, rec.ID, rec.Epoch)
		if err != nil || !s.hasEnded(claimed) {
			return claimed, err
		}
		rec = claimed
	}
}

// makeRoom ends a worker whose time is over.
func (s *Supervisor) makeRoom(running launch.Running) {
	err := s.Launcher.Signal(running.Conference, running.Epoch, syscall.SIGKILL)
	if err != nil && !errors.Is(err, launch.ErrNotRunning) {
		s.Log.Warn("stale worker cannot be killed", "conference", running.Conference, "epoch", running.Epoch, "error", err)
	}
}

// disown ends a worker of an epoch that the database did not know when it was asked after the launcher: since every epoch is
// claimed before its worker starts, the database was put back to an earlier time. Nothing that the worker reports could be
// stored any more, so the conference goes on from what the database holds.
func (s *Supervisor) disown(running launch.Running, rec conference.Record) {
	if !s.hasEnded(conference.Record{ID: rec.ID, Epoch: running.Epoch}) {
		s.Log.Error("a worker of an epoch that the database does not know is ended, as after a restore; what its conference did since the backup is lost",
			"conference", rec.ID, "epoch", running.Epoch, "known", rec.Epoch)
		s.noteEnd(rec.ID, running.Epoch)
	}
	s.makeRoom(running)
}

// patience is how long a claimed epoch may be without a worker. It grows with each claim until a worker is there: were it
// shorter than a start takes on a busy machine, controllers would take each other's claims away for ever.
func (s *Supervisor) patience(rec conference.Record) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(claimWait, s.waits[rec.ID])
}

func (s *Supervisor) lengthenPatience(rec conference.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waits[rec.ID] = min(2*max(claimWait, s.waits[rec.ID]), startLimit)
}

func (s *Supervisor) endPatience(conferenceID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waits, conferenceID)
}

// running asks the launcher for the worker of a conference.
func (s *Supervisor) running(conferenceID string) (launch.Running, bool, error) {
	list, err := s.Launcher.List()
	if err != nil {
		return launch.Running{}, false, err
	}
	for _, r := range list {
		if r.Conference == conferenceID {
			return r, true, nil
		}
	}
	return launch.Running{}, false, nil
}

// adopt takes a worker that runs already under supervision, and waits until it has proved itself. It fails like takeOver.
func (s *Supervisor) adopt(ctx context.Context, rec conference.Record, title string, ends int64) error {
	w, err := s.takeOver(rec, title, ends)
	if err != nil {
		return err
	}
	return w.reachable(ctx)
}

// errListOld says that a worker has ended since the launcher was asked which ones run.
var errListOld = errors.New("supervisor: a worker has ended meanwhile")

// endsHeard counts the reports of ended workers. Who asks for it before he asks the launcher finds out whether one came since.
func (s *Supervisor) endsHeard() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ends
}

// takeOver dials a worker that runs already, unless that is done already. It fails with errListOld when more ends than ends
// were heard: then it may be gone, and nobody would hear of that any more.
func (s *Supervisor) takeOver(rec conference.Record, title string, ends int64) (*worker, error) {
	key, err := s.keyOf(rec.ID)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.workers[rec.ID]
	if old != nil && old.epoch >= rec.Epoch {
		return old, nil
	}
	if s.ends != ends {
		return nil, errListOld
	}
	if old != nil {
		old.close()
	}
	w := newWorker(s, rec, key, title)
	s.workers[rec.ID] = w
	go w.stayConnected()
	s.Log.Info("worker taken over", "conference", rec.ID, "epoch", rec.Epoch)
	return w, nil
}

// hasEnded reports whether the worker of the conference's newest epoch is known to have ended.
func (s *Supervisor) hasEnded(rec conference.Record) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone[rec.ID] >= rec.Epoch
}

// goneMax is how many ends of workers are remembered; more only make others wait for claimWait.
const goneMax = 4096

// noteEnd remembers that the worker of an epoch has ended.
func (s *Supervisor) noteEnd(conferenceID string, epoch int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.gone) >= goneMax {
		clear(s.gone)
	}
	s.gone[conferenceID] = max(s.gone[conferenceID], epoch)
}
