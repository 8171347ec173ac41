package retention

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"konklave/audit"
	"konklave/audit/checkpoint"
	"konklave/audit/leaf"
)

const (
	// Every is how often a Keeper looks.
	Every = time.Hour
	// Lease is the name of the lease under which one Keeper at a time works.
	Lease = "audit.retention"
	// leaseTime is how long a Keeper that has died keeps others from it.
	leaseTime = 10 * time.Minute
	// LeapMax is how far the clock may be beyond the time when somebody looked last: a clock that is far ahead would let everything go.
	LeapMax = 7 * day
	// AheadMax is how far ahead of the clock a lease may end: the clocks of machines differ, but none that works so gives another one.
	AheadMax = time.Hour
	// checkpointsAtOnce is how many checkpoints are read at once.
	checkpointsAtOnce = 1000
)

// Log is where the audit log lies.
type Log interface {
	// TakeLease gives a lease to a holder for so long, or renews it, unless another one has it. It returns who has it now.
	TakeLease(ctx context.Context, name, holder string, length time.Duration) (now string, err error)
	// LeaseEnd returns when a lease ends or ended; zero when nobody ever had it.
	LeaseEnd(ctx context.Context, name string) (time.Time, error)
	// LeaseHolder returns who has a lease; empty when nobody has.
	LeaseHolder(ctx context.Context, name string) (string, error)
	// NoteRetention puts the policy of the configuration in force and returns what is; guarded, that is what keeps each category
	// longer: what is configured or what was in force. When another one was, it records the entry that is made of both.
	NoteRetention(ctx context.Context, configured Policy, guarded bool, changed func(before, after Policy) audit.Entry) (inForce Policy, err error)
	// PruneAudit removes what is due, some of it at a time and under a certificate that certify has signed, and returns of how many
	// entries; none when nothing is left.
	PruneAudit(ctx context.Context, r Removal, certify Certify) (int64, error)
	// Checkpoints returns checkpoints that are smaller than a size, the newest first.
	Checkpoints(ctx context.Context, before int64, atMost int) ([]Checkpoint, error)
	// DropCheckpoints removes the checkpoints of these sizes.
	DropCheckpoints(ctx context.Context, sizes []int64) error
}

// Certify has a certificate signed: it returns what it is given, with the time, the log and the signature of the signer.
type Certify func(context.Context, leaf.Certificate) (leaf.Certificate, error)

// Keeper lets go of what was kept long enough. It is for one goroutine.
type Keeper struct {
	Log     Log
	Policy  Policy              // of the configuration
	Guarded bool                // what is kept for less long than before waits for a second person
	Certify Certify             // by the signer of this machine
	Origin  func() audit.Origin // of the entries that it makes
	Now     func() time.Time
	Logger  *slog.Logger

	ClockIsRight bool // an operator has said so: then it may be as far ahead as it is

	holder  string
	failing bool
}

// Gone is what one look let go of.
type Gone struct {
	Entries     int64 // that lost their content
	Checkpoints int64
	Elsewhere   bool   // another Keeper is at it
	Kept        Policy // what is in force
	Foreign     bool   // another machine signs the log, or nobody has signed it yet: so content could not be let go from here
}

// Run looks until ctx ends, and returns nil then. After counts the time; it is time.After outside of tests.
func (k *Keeper) Run(ctx context.Context, after func(time.Duration) <-chan time.Time) error {
	for {
		gone, err := k.Look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !k.failing:
			k.Logger.ErrorContext(ctx, "what the audit log need not keep any more could not be removed; it is tried again", "err", err)
		case err == nil && gone.Entries+gone.Checkpoints > 0:
			k.Logger.InfoContext(ctx, "the audit log has let go of what its retention is over for", "entries", gone.Entries, "checkpoints", gone.Checkpoints)
		}
		k.failing = err != nil
		select {
		case <-after(Every):
		case <-ctx.Done():
			return nil
		}
	}
}

// ErrClock says that the clock is further ahead than it should be, so that nothing is let go.
var ErrClock = errors.New("the clock of this machine is further ahead than it should be, so nothing is removed from the audit log; set it. " +
	"If it is right, because the server was off for long or was restored, say so once: konklave audit prune --clock-is-right")

// ErrLease says that the last look is said to end at a time that is far off, so that nothing is let go until then.
var ErrLease = errors.New("nothing is removed from the audit log, because somebody is said to look for what may go for longer than anybody does: the clock of this machine is behind, " +
	"or that of whoever looked last was ahead, or the database was changed. If the clock is right, say so once: konklave audit prune --clock-is-right")

// Look removes all that is due by the policy in force. A change of that is recorded first. It fails with ErrClock, ErrLease.
func (k *Keeper) Look(ctx context.Context) (gone Gone, err error) {
	if err := k.plausible(ctx); err != nil {
		return gone, err
	}
	mine, err := k.mine(ctx)
	if err != nil || !mine {
		return Gone{Elsewhere: err == nil}, err
	}
	defer func() { err = errors.Join(err, k.done(ctx)) }()
	if gone.Kept, err = k.Note(ctx); err != nil {
		return gone, err
	}
	if gone.Entries, err = k.prune(ctx, gone.Kept); errors.Is(err, errForeign) {
		gone.Foreign, err = true, nil
	}
	if err != nil {
		return gone, err
	}
	gone.Checkpoints, err = k.thin(ctx)
	return gone, err
}

// Note puts what is configured in force, as far as it may be, and returns what is. A change is recorded.
func (k *Keeper) Note(ctx context.Context) (Policy, error) {
	inForce, err := k.Log.NoteRetention(ctx, k.Policy, k.Guarded, func(before, after Policy) audit.Entry {
		return audit.RetentionChanged(k.Origin(), before.String(), after.String())
	})
	if err != nil {
		return Policy{}, fmt.Errorf("note the retention: %w", err)
	}
	return inForce, nil
}

// prune lets go of the content that a policy does not keep, and returns of how many entries.
func (k *Keeper) prune(ctx context.Context, p Policy) (gone int64, err error) {
	for _, r := range p.Due(k.Now()) {
		for more := true; more; {
			n, err := k.Log.PruneAudit(ctx, r, k.certify)
			if gone += n; err != nil {
				return gone, err
			}
			if more, err = k.mine(ctx); err != nil {
				return gone, err
			}
			more = more && n > 0
		}
	}
	return gone, nil
}

// errForeign says that the signer of this machine is not the one that signs this log.
var errForeign = errors.New("another machine signs the audit log")

// certify has a certificate signed, if the signer is that of the log: what another one signs is worth nothing.
func (k *Keeper) certify(ctx context.Context, c leaf.Certificate) (leaf.Certificate, error) {
	newest, err := k.Log.Checkpoints(ctx, math.MaxInt64, 1)
	if err != nil {
		return c, fmt.Errorf("read the last checkpoint: %w", err)
	}
	if len(newest) == 0 {
		return c, fmt.Errorf("%w yet: there is no checkpoint", errForeign)
	}
	last, err := checkpoint.Unverified(newest[0].Note)
	if err != nil {
		return c, fmt.Errorf("read the last checkpoint: %w", err)
	}
	if c, err = k.Certify(ctx, c); err != nil {
		return c, fmt.Errorf("have a certificate of retention signed: %w", err)
	}
	if c.Log != last.Origin {
		return c, errForeign
	}
	return c, nil
}

// plausible compares the clock with when somebody looked last, or where nobody ever did with the last entry that is signed. A look
// that is refused does not count, so a clock that stays wrong lets nothing go however long it does.
func (k *Keeper) plausible(ctx context.Context) error {
	last, err := k.Log.LeaseEnd(ctx, Lease)
	if err != nil {
		return fmt.Errorf("ask when somebody looked last: %w", err)
	}
	if last.IsZero() {
		newest, err := k.Log.Checkpoints(ctx, math.MaxInt64, 1)
		if err != nil || len(newest) == 0 {
			return err
		}
		last = newest[0].At
	}
	if last.After(k.Now().Add(AheadMax)) {
		return k.release(ctx, last)
	}
	if now := k.Now(); !k.ClockIsRight && !last.IsZero() && now.Sub(last) > LeapMax {
		return fmt.Errorf("%w (it says %s, and the last time was %s)", ErrClock, now.UTC().Format(time.RFC3339), last.UTC().Format(time.RFC3339))
	}
	return nil
}

// release gives a lease back that nobody can have been given, when an operator has said that the clock is right.
func (k *Keeper) release(ctx context.Context, end time.Time) error {
	if !k.ClockIsRight {
		return fmt.Errorf("%w (until %s)", ErrLease, end.UTC().Format(time.RFC3339))
	}
	holder, err := k.Log.LeaseHolder(ctx, Lease)
	if err == nil && holder != "" {
		_, err = k.Log.TakeLease(ctx, Lease, holder, 0)
	}
	if err != nil {
		return fmt.Errorf("end the lease for retention: %w", err)
	}
	return nil
}

// mine takes the lease, or renews it.
func (k *Keeper) mine(ctx context.Context) (bool, error) {
	if k.holder == "" {
		k.holder = rand.Text()
	}
	now, err := k.Log.TakeLease(ctx, Lease, k.holder, leaseTime)
	if err != nil {
		return false, fmt.Errorf("take the lease for retention: %w", err)
	}
	return now == k.holder, nil
}

// done gives the lease back. When it ended last tells when somebody looked last.
func (k *Keeper) done(ctx context.Context) error {
	if _, err := k.Log.TakeLease(ctx, Lease, k.holder, 0); err != nil {
		return fmt.Errorf("give the lease for retention back: %w", err)
	}
	return nil
}

// thin removes checkpoints and returns how many.
func (k *Keeper) thin(ctx context.Context) (gone int64, err error) {
	thinning := NewThinning(k.Now())
	for before := int64(math.MaxInt64); ; {
		some, err := k.Log.Checkpoints(ctx, before, checkpointsAtOnce)
		if err != nil || len(some) == 0 {
			return gone, err
		}
		var sizes []int64
		for _, c := range some {
			if !thinning.Keeps(c) {
				sizes = append(sizes, c.Size)
			}
		}
		if err := k.Log.DropCheckpoints(ctx, sizes); err != nil {
			return gone, err
		}
		gone += int64(len(sizes))
		before = some[len(some)-1].Size
	}
}
