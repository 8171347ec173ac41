// Package journal is the durable, sealed record of each conference: what a worker appends, and what a new worker of the same
// conference starts from.
//
// The controller seals and opens it; workers never hold a key. Every conference has a key of its own, wrapped by the master
// key; who destroys the wrapped key makes the conference unreadable, in every copy. A sealed event is bound to its
// conference, epoch, number and kind: it opens nowhere else. Numbers have no gaps, so that a missing row is noticed. What is
// not noticed here is a database that was put back as a whole, or cut off at its end together with its counter.
package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/go-json-experiment/json"

	"konklave/audit"
	"konklave/conference"
	"konklave/fault"
)

// What the journal of one conference may hold. The batch that ends a conference is taken in any case.
const (
	EventsMax = 1 << 20   // events
	BytesMax  = 512 << 20 // bytes, as sealed
)

// Faults of the journal.
var (
	ErrStaleEpoch   = fault.New(fault.KindConflict, "journal.stale_epoch", "Another worker has taken this conference over.")
	ErrOutOfOrder   = fault.New(fault.KindConflict, "journal.out_of_order", "These events do not follow the ones that are stored.")
	ErrEmptyBatch   = fault.New(fault.KindInvalid, "journal.empty", "There are no events to append.")
	ErrFull         = fault.New(fault.KindTooLarge, "journal.full", "This conference has lasted so long that nothing more can be stored of it. Please join again: a new one begins.")
	ErrSessionSpent = fault.New(fault.KindDenied, "journal.session_spent", "The session that an event begins has begun before.")
	ErrCorrupt      = fault.New(fault.KindConflict, "journal.corrupt", "What was stored of this conference is damaged, so it cannot be continued. The meeting's owner or an administrator can close it; after that a new one begins with the next person who joins.")
)

// Row is one sealed event as it is stored.
type Row struct {
	Number int64 // counts the conference's stored events from 1
	Epoch  int64
	Kind   string
	Sealed []byte
}

// Snapshot is a sealed state as it is stored.
type Snapshot struct {
	Number int64 // of the last event that is in it; 0 for none
	Sealed []byte
}

// Batch is what one append stores, in one transaction with its audit entries.
type Batch struct {
	Conference string
	Epoch, Seq int64  // Seq is the number of the first row
	Digest     []byte // tells a repetition from something else
	Rows       []Row
	Entries    []audit.Entry
	Sessions   []string // that begin with it, each for the first time, by the hashes of their resume tokens
	Ended      bool     // ends the conference
}

// Store keeps journals.
type Store interface {
	// Conference returns what is known of a conference.
	Conference(ctx context.Context, id string) (conference.Record, error)
	// ConferenceKey returns the wrapped key of a conference; empty when it has none.
	ConferenceKey(ctx context.Context, id string) ([]byte, error)
	// AddConferenceKey stores a wrapped key unless there is one, and returns the one that is there now.
	AddConferenceKey(ctx context.Context, id string, wrapped []byte) ([]byte, error)
	// AppendJournal stores batches in one transaction and returns an error for each, nil for those that are safe. A batch
	// that is stored already succeeds. Faults: those of this package, conference.ended, conference.unknown.
	AppendJournal(ctx context.Context, batches []Batch) []error
	// JournalRows returns at most limit rows after a number, in order.
	JournalRows(ctx context.Context, id string, after int64, limit int) ([]Row, error)
	// JournalSnapshot returns the newest snapshot, or the zero one.
	JournalSnapshot(ctx context.Context, id string) (Snapshot, error)
	// PutJournalSnapshot takes the place of an earlier one, never of a later one.
	PutJournalSnapshot(ctx context.Context, id string, s Snapshot) error
}

// Vault seals and opens; *vault.Vault is one.
type Vault interface {
	NewKey() []byte
	Wrap(key, associated []byte) []byte
	Unwrap(blob, associated []byte) ([]byte, error)
	Seal(key, content, associated []byte) []byte
	Open(key, blob, associated []byte) ([]byte, error)
}

// Journal appends to and reads the journals of all conferences. It may be used by many goroutines at once.
type Journal struct {
	store Store
	vault Vault
	log   *slog.Logger

	mu   sync.Mutex        // guards keys
	keys map[string][]byte // of conferences that live, by conference

	group      group
	condensing sync.Mutex    // held while a snapshot is made in the background
	reads      chan struct{} // holds one for each that reads
}

// New returns a journal.
func New(store Store, vault Vault, log *slog.Logger) *Journal {
	return &Journal{store: store, vault: vault, log: log, keys: map[string][]byte{}, group: group{store: store}, reads: make(chan struct{}, readsAtOnce)}
}

// Append seals the events and stores them with the audit entries about them; ended ends the conference. The first event gets
// the number seq (the first of a conference is 1). It returns when they are safe; appends that come at the same time share
// a transaction.
//
// The same again succeeds and does nothing. Faults: journal.stale_epoch when the epoch is not the latest one,
// journal.out_of_order when seq does not follow, journal.session_spent, journal.empty, journal.full, journal.corrupt, conference.ended,
// conference.unknown.
func (j *Journal) Append(ctx context.Context, conferenceID string, epoch, seq int64, events []conference.Stored, entries []audit.Entry, ended bool) error {
	key, err := j.key(ctx, conferenceID)
	if errors.Is(err, errNoKey) {
		key, err = j.makeKey(ctx, conferenceID)
	}
	if err != nil {
		return err
	}
	b := Batch{
		Conference: conferenceID, Epoch: epoch, Seq: seq, Entries: entries, Ended: ended,
		Digest: keyed(key, Digest(events)), Rows: make([]Row, 0, len(events)),
	}
	for i, e := range events {
		content, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode event: %w", err)
		}
		r := Row{Number: seq + int64(i), Epoch: epoch, Kind: e.Kind}
		r.Sealed = j.vault.Seal(key, content, r.place(conferenceID))
		b.Rows = append(b.Rows, r)
		if session, ok := e.Session(); ok {
			b.Sessions = append(b.Sessions, session)
		}
	}
	if err := j.group.append(ctx, b); err != nil {
		return err
	}
	if ended {
		j.forget(conferenceID)
	} else {
		j.condense(conferenceID, seq, len(events)) //nolint:contextcheck // it goes on when the append is answered
	}
	return nil
}
