package export

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"konklave/audit/checkpoint"
	"konklave/audit/tree"
)

// Source is a log that can be exported.
type Source interface {
	// AuditTree reads the hashes of the tree.
	AuditTree() tree.Reader
	// AuditLog returns entries from this index on, as many as there are up to the limit.
	AuditLog(ctx context.Context, from int64, limit int) ([]Entry, error)
	// Checkpoint returns the newest signed checkpoint of at most this size; empty when there is none.
	Checkpoint(ctx context.Context, atMost int64) (note []byte, err error)
}

// Sink is what takes an export: a Writer or a Directory.
type Sink interface {
	Entry(e Entry) error
	Checkpoint(signed []byte) error
}

// copyEntries is how many entries are read at once.
const copyEntries = 256

// ErrShort says that the log has fewer entries than its checkpoint.
var ErrShort = errors.New("the log has fewer entries than were signed")

// Copy writes the entries from start to end, without end, and between them the checkpoints of the log of this origin, into a sink
// whose header has the frontier of start. There must be a checkpoint of end.
func Copy(ctx context.Context, from Source, to Sink, origin string, start, end int64) error {
	notes, err := checkpoints(ctx, from, origin, start-1, start)
	if err != nil {
		return err
	}
	for at := start; ; {
		if len(notes) > 0 && notes[0].size == at {
			if err := to.Checkpoint(notes[0].note); err != nil {
				return err
			}
		}
		if at == end {
			return nil
		}
		upTo := min(at+copyEntries, end)
		entries, err := from.AuditLog(ctx, at, int(upTo-at))
		if err != nil {
			return fmt.Errorf("read the audit log: %w", err)
		}
		if len(entries) == 0 {
			return fmt.Errorf("%w: %d", ErrShort, at)
		}
		upTo = at + int64(len(entries))
		if notes, err = checkpoints(ctx, from, origin, at, upTo); err != nil {
			return err
		}
		if at, notes, err = copyBatch(to, entries, notes, at, upTo); err != nil {
			return err
		}
	}
}

// copyBatch writes entries with the checkpoints between them, but for the one after the last entry.
func copyBatch(to Sink, entries []Entry, notes []signed, at, upTo int64) (int64, []signed, error) {
	for _, e := range entries {
		if len(notes) > 0 && notes[0].size == at {
			if err := to.Checkpoint(notes[0].note); err != nil {
				return at, nil, err
			}
			notes = notes[1:]
		}
		if err := to.Entry(e); err != nil {
			return at, nil, err
		}
		at++
	}
	return upTo, notes, nil
}

// signed is a checkpoint of this size.
type signed struct {
	size int64
	note []byte
}

// checkpoints are those of the log whose size is above the first and up to the last, the smallest first.
func checkpoints(ctx context.Context, from Source, origin string, above, upTo int64) ([]signed, error) {
	var found []signed
	for upTo > above {
		note, err := from.Checkpoint(ctx, upTo)
		if err != nil {
			return nil, fmt.Errorf("read a checkpoint: %w", err)
		}
		if len(note) == 0 {
			break
		}
		c, err := checkpoint.Unverified(note)
		if err != nil {
			return nil, fmt.Errorf("read a checkpoint: %w", err)
		}
		if c.Size > upTo {
			return nil, fmt.Errorf("%w: of another size than it is kept under", checkpoint.ErrMalformed)
		}
		if c.Size > above && c.Origin == origin {
			found = append(found, signed{c.Size, note})
		}
		upTo = min(c.Size, upTo) - 1
	}
	slices.Reverse(found)
	return found, nil
}
