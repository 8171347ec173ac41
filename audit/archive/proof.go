package archive

import (
	"context"
	"fmt"

	"konklave/access"
	"konklave/audit/checkpoint"
	"konklave/audit/export"
	"konklave/audit/tree"
)

// Proof shows that an entry is in the log.
type Proof struct {
	Leaf  []byte // the text that was hashed
	Proof []byte // that the log of the newest checkpoint has it; stands by itself
	// Cosigned is the newest checkpoint that covers the entry and that all witnesses have cosigned, where that is an earlier one
	// than the newest: witnesses are behind a log that grows. Nil when there is none.
	Cosigned []byte
}

// Entry proves that an entry is in the log of the newest checkpoint. It fails with ErrRange, ErrNothingSigned.
func (a *Archive) Entry(ctx context.Context, actor access.Actor, index int64) (Proof, error) {
	last, err := a.read(ctx, actor, access.AuditRead, readProofs)
	if err != nil {
		return Proof{}, err
	}
	if index < 0 || index >= last.Signed.Size {
		return Proof{}, ErrRange
	}
	entries, err := a.storage.AuditLog(ctx, index, 1)
	if err != nil {
		return Proof{}, fmt.Errorf("read an audit entry: %w", err)
	}
	if len(entries) == 0 {
		return Proof{}, fmt.Errorf("%w: %d", export.ErrShort, index)
	}
	record, err := tree.ProveLeaf(ctx, a.storage.AuditTree(), last.Signed.Size, index)
	if err != nil {
		return Proof{}, err
	}
	p := Proof{Leaf: entries[0].Leaf, Proof: checkpoint.FormatProof(index, record, last.Note)}
	p.Cosigned, err = a.cosigned(ctx, last, index)
	return p, err
}

// cosignedBack is how many checkpoints are looked at for one that the witnesses have cosigned: nearly three hours of a log that
// grows all the time.
const cosignedBack = 1000

// cosigned returns the newest checkpoint before the last that covers an entry and that all witnesses have cosigned; nil when
// there is none, or when they have cosigned the last.
func (a *Archive) cosigned(ctx context.Context, last Seen, index int64) ([]byte, error) {
	if len(last.Signed.Cosignatures) >= len(a.witnesses) {
		return nil, nil
	}
	trust, _, err := a.trust()
	if err != nil {
		return nil, err
	}
	size := last.Signed.Size
	for range cosignedBack {
		note, err := a.storage.Checkpoint(ctx, size-1)
		if err != nil {
			return nil, fmt.Errorf("read a checkpoint: %w", err)
		}
		said, err := checkpoint.Unverified(note)
		if err != nil || said.Origin != last.Signed.Origin || said.Size <= index || said.Size >= size {
			return nil, nil // none is left that covers the entry
		}
		if signed, err := trust.Open(note); err == nil && len(signed.Cosignatures) >= len(a.witnesses) {
			return note, nil
		}
		size = said.Size
	}
	return nil, nil
}
