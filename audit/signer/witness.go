package signer

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit/checkpoint"
)

// Witness cosigns the checkpoints of one log, under the rule of a Signer, and only those that the log itself has signed. It belongs
// on another machine, under somebody else's hand. It may be used by many goroutines at once; its State must be its own.
type Witness struct {
	signer Signer
	log    checkpoint.Trust
}

// NewWitness returns a witness of the log that is trusted; key is a checkpoint.WitnessSigner.
func NewWitness(log checkpoint.Trust, key note.Signer, state State) *Witness {
	return &Witness{signer: Signer{origin: log.Origin(), key: key, state: state}, log: log}
}

// Last returns what was cosigned last; the empty log before that.
func (w *Witness) Last(ctx context.Context) (checkpoint.Checkpoint, error) { return w.signer.Last(ctx) }

// Cosign adds the witness's signature to a checkpoint; the proof shows that it grew from the last one. It fails as Trust.Open does
// and as Signer.Sign does.
func (w *Witness) Cosign(ctx context.Context, signed []byte, proof tlog.TreeProof) ([]byte, error) {
	opened, err := w.log.Open(signed)
	if err != nil {
		return nil, fmt.Errorf("cosign: %w", err)
	}
	w.signer.mu.Lock()
	defer w.signer.mu.Unlock()
	if err := w.signer.follows(ctx, opened.Checkpoint, proof); err != nil {
		return nil, err
	}
	var all *note.UnverifiedNoteError // with nobody known, every signature is kept as it is
	if _, err := note.Open(signed, nil); !errors.As(err, &all) {
		return nil, fmt.Errorf("cosign: %w", err)
	}
	return w.signer.store(ctx, all.Note)
}
