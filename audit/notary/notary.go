// Package notary has the audit log signed: it asks the signer for a checkpoint of what the tree holds, safe on disk, and keeps
// it. What the signer refuses is a reason for alarm and stops nothing else.
package notary

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"konklave/audit"
	"konklave/audit/checkpoint"
	"konklave/audit/signer"
	"konklave/audit/signing"
	"konklave/audit/tree"
)

// How often the log is signed.
const (
	Every     = 10 * time.Second // when something was added
	Entries   = 1000             // added are signed at once
	lookPause = time.Second      // between two looks at how many there are
)

// Log is where the tree and its checkpoints lie.
type Log interface {
	// AuditSize returns how many leaves the tree has that is safe on disk.
	AuditSize(ctx context.Context) (int64, error)
	// AuditTree reads the hashes of that tree.
	AuditTree() tree.Reader
	// SaveCheckpoint keeps a signed checkpoint.
	SaveCheckpoint(ctx context.Context, c checkpoint.Checkpoint, note []byte) error
	// Checkpoint returns the newest signed checkpoint of at most this size; empty when there is none.
	Checkpoint(ctx context.Context, atMost int64) (note []byte, err error)
	// Record adds entries to the log.
	Record(ctx context.Context, entries ...audit.Entry) error
	// TakeLease gives a lease to a holder for so long, or renews it, unless another one has it. It returns who has it now.
	TakeLease(ctx context.Context, name, holder string, length time.Duration) (now string, err error)
	// LeaseHolder returns who has a lease; empty when nobody has.
	LeaseHolder(ctx context.Context, name string) (string, error)
}

// Of several machines on one database one signs the log. It holds a lease and renews it.
const (
	Lease      = "audit.signer"
	LeaseTime  = 5 * time.Minute
	leaseRenew = time.Minute
)

// Signer is who signs.
type Signer interface {
	Log(ctx context.Context) (signing.State, error)
	Sign(ctx context.Context, origin string, r signer.Request) ([]byte, error)
}

// Options are what a Notary needs.
type Options struct {
	Log     Log
	Signer  Signer
	Machine string                 // on which the signer is: what tells it from others on the same database
	Origin  func() audit.Origin    // of the entries that it makes itself
	Keys    func(signer.Log) error // hears which log is signed, before the first checkpoint of it is kept
	Alarm   func(text string)      // hears an alarm when it begins or changes, and nothing ("") when it is over
	Now     func() time.Time
	Logger  *slog.Logger
}

// Notary has one log signed.
type Notary struct {
	o Options

	signed int64     // how large the log was that was signed last
	at     time.Time // when that, or the last attempt, was
	key    string    // that Keys has heard
	begun  string    // the origin of the log of which it was recorded that it began
	silent time.Time // since when the signer does not answer; zero when it does
	said   string    // that was logged last
	held   time.Time // when the lease was taken or renewed last; zero when it is not held

	mu    sync.Mutex
	alarm error
}

// New returns a Notary.
func New(o Options) *Notary { return &Notary{o: o, signed: -1} }

// silentMax is how long the signer may be away before that is a reason for alarm: it is started again within seconds.
const silentMax = time.Minute

// ErrAnotherLog says that the signer signs another log than the one that was signed before, and no operator asked for it.
var ErrAnotherLog = errors.New("the signer has the key of another log than the one that was signed before")

// ErrElsewhere says that the log is signed by another machine, which is no reason for alarm.
var ErrElsewhere = errors.New("another machine signs the audit log")

// Alarm returns why the log is not signed; nil when there is no reason for alarm.
func (n *Notary) Alarm() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.alarm
}

// Run has the log signed until ctx ends. Its error is always nil.
func (n *Notary) Run(ctx context.Context) error {
	look := time.NewTicker(lookPause)
	defer look.Stop()
	for {
		n.look(ctx)
		select {
		case <-look.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// look has the log signed when that is due.
func (n *Notary) look(ctx context.Context) {
	size, err := n.o.Log.AuditSize(ctx)
	if err != nil {
		if ctx.Err() == nil {
			n.o.Logger.WarnContext(ctx, "how large the audit log is cannot be told", "error", err)
		}
		return
	}
	now := n.o.Now()
	waited := n.at.IsZero() || now.Sub(n.at) >= Every || now.Before(n.at)
	if !n.held.IsZero() && (now.Sub(n.held) >= leaseRenew || now.Before(n.held)) {
		if err := n.hold(ctx); err != nil && ctx.Err() == nil {
			n.judge(ctx, err)
			return
		}
	}
	if size == n.signed || !waited && (n.Alarm() != nil || size-n.signed < Entries) {
		return
	}
	n.at = now
	err = n.sign(ctx)
	if ctx.Err() != nil {
		return
	}
	n.judge(ctx, err)
}

// triesMax is how often a checkpoint is asked for when other controllers ask the same signer at the same time.
const triesMax = 3

// sign has a checkpoint signed and keeps it. That another controller was faster is no refusal.
func (n *Notary) sign(ctx context.Context) error {
	for try := 1; ; try++ {
		state, err := n.o.Signer.Log(ctx)
		if err != nil {
			return err
		}
		err = n.signAfter(ctx, state)
		var refused *signer.InconsistentError
		if try == triesMax || !errors.As(err, &refused) || refused.Last == state.Last {
			return err
		}
	}
}

// signAfter has a checkpoint signed that follows what was signed last.
func (n *Notary) signAfter(ctx context.Context, state signing.State) error {
	if begins, err := n.follows(ctx, state); err != nil || begins {
		return err
	}
	size, err := n.o.Log.AuditSize(ctx) // now that what was signed is known: the tree was there before
	if err != nil {
		return err
	}
	if state.Last.Size == 0 && size == 0 { // nothing that could be shown to anybody
		n.signed = 0
		return nil
	}
	r := signer.Request{Size: size}
	if r.Root, err = tree.Root(ctx, n.o.Log.AuditTree(), size); err != nil {
		return fmt.Errorf("read the tree of the audit log: %w", err)
	}
	if size >= state.Last.Size { // else it is refused, and the signer is to say so
		if r.Proof, err = tree.ProveGrowth(ctx, n.o.Log.AuditTree(), size, state.Last.Size); err != nil {
			return fmt.Errorf("read the tree of the audit log: %w", err)
		}
	}
	note, err := n.o.Signer.Sign(ctx, state.Origin, r)
	if err != nil {
		return err
	}
	c := checkpoint.Checkpoint{Origin: state.Origin, Size: size, Root: r.Root}
	if err := signs(note, c, state.Key); err != nil {
		return err
	}
	if err := n.keep(ctx, c, note); err != nil {
		return fmt.Errorf("keep a signed checkpoint: %w", err)
	}
	n.signed = size
	return nil
}

// keep keeps a checkpoint, unless it is there: then it may have been cosigned already.
func (n *Notary) keep(ctx context.Context, c checkpoint.Checkpoint, note []byte) error {
	there, err := n.o.Log.Checkpoint(ctx, c.Size)
	if err != nil {
		return err
	}
	if len(there) > 0 {
		if kept, err := checkpoint.Unverified(there); err == nil && kept == c {
			return nil
		}
	}
	return n.o.Log.SaveCheckpoint(ctx, c, note)
}

// signs checks that a note is what was asked for.
func signs(note []byte, c checkpoint.Checkpoint, key string) error {
	trust, err := checkpoint.NewTrust([]string{key}, nil, 0)
	if err != nil {
		return fmt.Errorf("the signer's key: %w", err)
	}
	signed, err := trust.Open(note)
	if err != nil {
		return fmt.Errorf("what the signer signed: %w", err)
	}
	if signed.Checkpoint != c {
		return fmt.Errorf("what the signer signed: %w: it is not what was asked for", checkpoint.ErrMalformed)
	}
	return nil
}

// follows checks that the signer signs the log that was signed before. When an operator has begun another one, that is recorded
// in an entry first, and begins is true: the first checkpoint of a log has it.
func (n *Notary) follows(ctx context.Context, state signing.State) (begins bool, err error) {
	note, err := n.o.Log.Checkpoint(ctx, math.MaxInt64)
	if err != nil {
		return false, fmt.Errorf("read the last checkpoint: %w", err)
	}
	if err := n.mayHold(ctx, state, note); err != nil {
		return false, err
	}
	if len(note) > 0 && n.begun != state.Origin {
		last, err := checkpoint.Unverified(note)
		if err != nil {
			return false, fmt.Errorf("read the last checkpoint: %w", err)
		}
		if begins = last.Origin != state.Origin; begins {
			entry := audit.LogBegun(n.o.Origin(), state.Origin, last.Origin, last.Size)
			if err := n.o.Log.Record(ctx, entry); err != nil {
				return false, fmt.Errorf("record that another log begins: %w", err)
			}
			n.o.Logger.WarnContext(ctx, "another audit log begins", "log", state.Origin, "before", last.Origin, "entries", last.Size)
		}
	}
	n.begun = state.Origin
	if n.key != state.Key {
		if err := n.o.Keys(state.Log); err != nil {
			return false, fmt.Errorf("keep the public key of the audit log: %w", err)
		}
		n.key = state.Key
	}
	return begins, nil
}

// mayHold takes the lease for the log of this signer, if it may: the log that was signed last, or one that an operator has begun.
func (n *Notary) mayHold(ctx context.Context, state signing.State, note []byte) error {
	if len(note) > 0 && n.begun != state.Origin && state.Begun != signer.ByOperator {
		last, err := checkpoint.Unverified(note)
		if err != nil {
			return fmt.Errorf("read the last checkpoint: %w", err)
		}
		if last.Origin != state.Origin {
			return n.another(ctx, state.Origin, last.Origin)
		}
	}
	if n.held.IsZero() {
		return n.hold(ctx)
	}
	return nil
}

// another says what it means that the log which was signed last is not that of this signer: another machine signs it, or nobody
// does any more.
func (n *Notary) another(ctx context.Context, origin, last string) error {
	holder, err := n.o.Log.LeaseHolder(ctx, Lease)
	switch {
	case err != nil:
		return err
	case holder != "" && holder != n.o.Machine:
		return fmt.Errorf("%w: %s", ErrElsewhere, holder)
	}
	return fmt.Errorf("%w: it signs %s, and the last checkpoint is of %s", ErrAnotherLog, origin, last)
}

// hold takes the lease, or renews it.
func (n *Notary) hold(ctx context.Context) error {
	at := n.o.Now()
	holder, err := n.o.Log.TakeLease(ctx, Lease, n.o.Machine, LeaseTime)
	if err == nil && holder != n.o.Machine {
		n.begun, n.held = "", time.Time{} // it may begin another log
		return fmt.Errorf("%w: %s", ErrElsewhere, holder)
	}
	if err == nil {
		n.held = at
	}
	return err
}

// judge raises an alarm, or ends it, and logs what is new.
func (n *Notary) judge(ctx context.Context, err error) {
	text, alarming := Explain(err)
	if away := errors.Is(err, signing.ErrUnavailable); !away {
		n.silent = time.Time{}
	} else if n.at = (time.Time{}); n.silent.IsZero() { // it is asked again at the next look
		n.silent = n.o.Now()
	}
	if !n.silent.IsZero() && n.o.Now().Sub(n.silent) < silentMax {
		alarming = false
	}
	n.mu.Lock()
	before := n.alarm
	switch {
	case alarming:
		n.alarm = err
	case err == nil || errors.Is(err, ErrElsewhere):
		n.alarm = nil
	}
	n.mu.Unlock()
	said := text
	if alarming {
		said = "alarm: " + text
	}
	if said == n.said {
		return
	}
	n.said = said
	switch {
	case alarming:
		n.o.Logger.ErrorContext(ctx, text, "error", err)
		n.o.Alarm(text)
	case errors.Is(err, ErrElsewhere):
		n.o.Logger.WarnContext(ctx, text)
		n.o.Alarm("")
	case err != nil:
		n.o.Logger.WarnContext(ctx, "the audit log could not be signed; it is tried again", "error", err)
	case before != nil:
		n.o.Logger.InfoContext(ctx, "the audit log is signed again")
		n.o.Alarm("")
	}
}
