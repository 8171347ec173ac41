// Package archive is how the audit log is handed out to those who may read it: its last checkpoint, proofs, and exports; and how
// witnesses give back what they cosigned.
package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/checkpoint"
	"konklave/audit/export"
	"konklave/audit/tree"
	"konklave/fault"
)

// The faults of the archive.
var (
	ErrNothingSigned = fault.New(fault.KindNotFound, "checkpoint.none", "The audit log has not been signed yet. Try again in a minute; if it stays so, the log of the server says why.")
	ErrRange         = fault.New(fault.KindNotFound, "audit.range", "The signed audit log does not reach that far. Ask for entries that a checkpoint covers.")
	ErrCosignature   = fault.New(fault.KindInvalid, "cosignature.invalid", "This is not a checkpoint of this log that one of its witnesses has cosigned. The public key of the witness must be in the configuration of the server (audit.witness-keys).")
	ErrUnknownSize   = fault.New(fault.KindNotFound, "checkpoint.unknown", "The log has signed no checkpoint of this size.")
)

// Storage is where the log lies.
type Storage interface {
	export.Source
	// SaveCheckpoint puts a signed checkpoint in the place of the one of the same size.
	SaveCheckpoint(ctx context.Context, c checkpoint.Checkpoint, note []byte) error
	// Record adds entries to the log.
	Record(ctx context.Context, entries ...audit.Entry) error
	// AuditSize returns how many entries have their place in the log.
	AuditSize(ctx context.Context) (int64, error)
	// OpenAudit runs do with what opens the personal parts of entries, in one reading.
	OpenAudit(ctx context.Context, do func(context.Context, Opener) error) error
}

// Approvals are what second persons have agreed to.
type Approvals interface {
	// UseExport records that an actor is given entries from an index on, when that was agreed to; else it fails.
	UseExport(ctx context.Context, actor access.Actor, approval string, from int64, exported audit.Entry) error
}

// Archive hands out one log. It may be used by many goroutines at once.
type Archive struct {
	storage   Storage
	keys      func() ([]string, error)
	witnesses []string
	now       func() time.Time
	segment   int64 // entries of a segment
	looks     int64 // entries that a page of a search looks at
	cursors   cursors

	approvals Approvals // nil where an export needs no second person
	reads     reads

	merging sync.Mutex // held while a cosignature is added
}

// New returns an Archive. Keys returns the public keys of the log, the present one last; witnesses are the public keys of those
// whose cosignatures are taken.
func New(s Storage, keys func() ([]string, error), witnesses []string, now func() time.Time) *Archive {
	return &Archive{storage: s, keys: keys, witnesses: witnesses, now: now, segment: export.SegmentEntries, looks: LookMax, cursors: newCursors()}
}

// NeedApproval has each export over the network agreed to by a second person. It comes before the archive is shared.
func (a *Archive) NeedApproval(by Approvals) { a.approvals = by }

// KeysIn reads the public keys of a log from a file, one on each line, the present one last; none when the file is not there.
func KeysIn(path string) func() ([]string, error) {
	return func() ([]string, error) {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return strings.Fields(string(text)), err
	}
}

// Seen is a checkpoint and who has cosigned it.
type Seen struct {
	Note   []byte
	Signed checkpoint.Signed
	Key    string // with which the log signed it
}

// Checkpoint returns the newest checkpoint. It fails with ErrNothingSigned, access.ErrDenied.
func (a *Archive) Checkpoint(ctx context.Context, actor access.Actor) (Seen, error) {
	return a.read(ctx, actor, access.AuditFollow, readCheckpoints)
}

// Growth proves that the log of this size begins with the log of the earlier size. It fails with ErrRange, ErrNothingSigned.
func (a *Archive) Growth(ctx context.Context, actor access.Actor, earlier, size int64) (tlog.TreeProof, error) {
	last, err := a.read(ctx, actor, access.AuditFollow, readProofs)
	if err != nil {
		return nil, err
	}
	if earlier < 0 || size < earlier || size > last.Signed.Size {
		return nil, ErrRange
	}
	return tree.ProveGrowth(ctx, a.storage.AuditTree(), size, earlier)
}

// Segment is a part of the log that is about to be exported.
type Segment struct {
	Header export.Header
	End    int64 // a checkpoint covers what is before it
}

// Segment finds the part of the log from an entry on that ends with a checkpoint: of export.SegmentEntries, as far as there are
// so many, or more where no checkpoint ends it sooner. Its end is its beginning when there is nothing more that is signed. That
// somebody is given it is an entry itself. Approval is the request of the actor that a second person has agreed to, empty where
// none is needed. It fails with ErrRange, ErrNothingSigned, and as Approvals do.
func (a *Archive) Segment(ctx context.Context, actor access.Actor, from int64, approval string) (Segment, error) {
	if err := a.mayExport(actor); err != nil {
		return Segment{}, err
	}
	last, err := a.newest(ctx)
	if err != nil {
		return Segment{}, err
	}
	if from < 0 || from > last.Signed.Size {
		return Segment{}, ErrRange
	}
	s := Segment{Header: export.Header{Origin: last.Signed.Origin, Content: export.ContentSealed}, End: from}
	for most := a.segment; s.End == from && from < last.Signed.Size && most <= export.EntriesMax; most *= 2 {
		note, err := a.storage.Checkpoint(ctx, min(from+most, last.Signed.Size))
		if err != nil {
			return Segment{}, err
		}
		c, err := checkpoint.Unverified(note)
		if err == nil && c.Origin == last.Signed.Origin {
			s.End = max(from, c.Size)
		}
	}
	if s.Header.Start, err = tree.Load(ctx, a.storage.AuditTree(), from); err != nil {
		return Segment{}, err
	}
	exported := a.exported(actor, s.Header.Origin, from, s.End)
	if a.approvals != nil {
		return s, a.approvals.UseExport(ctx, actor, approval, from, exported)
	}
	return s, a.storage.Record(ctx, exported)
}

// exported says that somebody is given a part of the log.
func (a *Archive) exported(actor access.Actor, origin string, start, end int64) audit.Entry {
	return audit.LogExported(audit.Origin{At: a.now(), Actor: actor}, origin, start, end)
}

// Export writes a segment.
func (a *Archive) Export(ctx context.Context, s Segment, w io.Writer) error {
	out, err := export.NewWriter(w, s.Header)
	if err != nil {
		return err
	}
	if err := export.Copy(ctx, a.storage, out, s.Header.Origin, s.Header.Start.Size(), s.End); err != nil {
		return err
	}
	return out.Close()
}

// ExportTo writes the whole log, as far as it is signed, as segments in a directory that exists, and returns how many entries
// that are. It records that too, and is for whoever has the server: it asks for no second person. Rights as for export.NewDirectory.
func (a *Archive) ExportTo(ctx context.Context, actor access.Actor, dir string, rights func(do func() error) error) (int64, error) {
	if err := a.mayExport(actor); err != nil {
		return 0, err
	}
	last, err := a.newest(ctx)
	if err != nil {
		return 0, err
	}
	if err := a.storage.Record(ctx, a.exported(actor, last.Signed.Origin, 0, last.Signed.Size)); err != nil {
		return 0, err
	}
	out := export.NewDirectory(dir, export.Header{Origin: last.Signed.Origin, Content: export.ContentSealed}, rights)
	if err := export.Copy(ctx, a.storage, out, last.Signed.Origin, 0, last.Signed.Size); err != nil {
		return 0, err
	}
	return last.Signed.Size, out.Close()
}

// Keys returns the public keys of the log, the present one last.
func (a *Archive) Keys() ([]string, error) { return a.keys() }

// WitnessKeys returns the public keys of those whose cosignatures are taken.
func (a *Archive) WitnessKeys() []string { return slices.Clone(a.witnesses) }

// Cosign takes a checkpoint back from witnesses who have cosigned it, and returns it with all that is known. It fails with
// ErrCosignature, ErrUnknownSize.
func (a *Archive) Cosign(ctx context.Context, actor access.Actor, cosigned []byte) (Seen, error) {
	if err := access.Decide(actor, access.AuditCosign, object(actor)).Err(); err != nil {
		return Seen{}, err
	}
	a.merging.Lock()
	defer a.merging.Unlock()
	claimed, err := checkpoint.Unverified(cosigned)
	if err != nil {
		return Seen{}, ErrCosignature.Because(err)
	}
	note, err := a.storage.Checkpoint(ctx, claimed.Size)
	if err != nil {
		return Seen{}, err
	}
	trust, key, err := a.trust()
	if err != nil {
		return Seen{}, err
	}
	kept, err := checkpoint.Unverified(note)
	if len(note) == 0 || err != nil || kept.Size != claimed.Size {
		return Seen{}, ErrUnknownSize
	}
	merged, signed, err := trust.Merge(note, cosigned)
	if err != nil {
		return Seen{}, ErrCosignature.Because(err)
	}
	if err := a.record(ctx, actor, trust, cosigned); err != nil {
		return Seen{}, err
	}
	if err := a.storage.SaveCheckpoint(ctx, signed.Checkpoint, merged); err != nil {
		return Seen{}, fmt.Errorf("keep a cosigned checkpoint: %w", err)
	}
	return Seen{merged, signed, key}, nil
}

// lookBack is how many checkpoints are looked at for what a witness has cosigned before.
const lookBack = 100

// record writes an entry for each witness that has not cosigned anything of this day yet: one for every cosignature would make
// the log grow without end.
func (a *Archive) record(ctx context.Context, actor access.Actor, trust checkpoint.Trust, cosigned []byte) error {
	now, err := trust.Open(cosigned)
	if err != nil {
		return ErrCosignature.Because(err)
	}
	news := map[string]time.Time{}
	for _, c := range now.Cosignatures {
		news[c.Witness] = day(c.At)
	}
	for size, looked := int64(math.MaxInt64), 0; looked < lookBack && len(news) > 0; looked++ {
		note, err := a.storage.Checkpoint(ctx, size)
		if err != nil {
			return err
		}
		before, err := trust.Open(note)
		if err != nil {
			break // the first, or of another log
		}
		for _, c := range before.Cosignatures {
			if at, asked := news[c.Witness]; asked && day(c.At).Equal(at) {
				delete(news, c.Witness)
			}
		}
		size = before.Size - 1
	}
	var entries []audit.Entry
	for _, c := range now.Cosignatures {
		if _, asked := news[c.Witness]; asked {
			entries = append(entries, audit.LogWitnessed(audit.Origin{At: a.now(), Actor: actor}, c.Witness, now.Size))
		}
	}
	if len(entries) == 0 {
		return nil
	}
	return a.storage.Record(ctx, entries...)
}

func day(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

// newest is the last checkpoint.
func (a *Archive) newest(ctx context.Context) (Seen, error) {
	note, err := a.storage.Checkpoint(ctx, math.MaxInt64)
	if err != nil {
		return Seen{}, fmt.Errorf("read the last checkpoint: %w", err)
	}
	if len(note) == 0 {
		return Seen{}, ErrNothingSigned
	}
	trust, key, err := a.trust()
	if err != nil {
		return Seen{}, err
	}
	signed, err := trust.Open(note)
	if errors.Is(err, checkpoint.ErrOrigin) {
		return Seen{}, ErrNothingSigned.Because(err) // another log has begun
	}
	if err != nil {
		return Seen{}, fmt.Errorf("the last checkpoint: %w", err)
	}
	return Seen{note, signed, key}, nil
}

// trust is that in the present key of the log, and in its witnesses.
func (a *Archive) trust() (checkpoint.Trust, string, error) {
	keys, err := a.keys()
	if err != nil {
		return checkpoint.Trust{}, "", err
	}
	if len(keys) == 0 {
		return checkpoint.Trust{}, "", ErrNothingSigned
	}
	key := keys[len(keys)-1]
	trust, err := checkpoint.NewTrust([]string{key}, slices.Clone(a.witnesses), 0)
	return trust, key, err
}

func (a *Archive) mayRead(actor access.Actor) error {
	return access.Decide(actor, access.AuditRead, object(actor)).Err()
}

func (a *Archive) mayExport(actor access.Actor) error {
	return access.Decide(actor, access.AuditExport, object(actor)).Err()
}

func object(actor access.Actor) access.Object {
	return access.Object{Kind: "audit_log", Tenant: actor.Tenant}
}
