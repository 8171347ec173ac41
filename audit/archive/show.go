package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/checkpoint"
	"konklave/audit/export"
	"konklave/audit/leaf"
	"konklave/audit/retention"
	"konklave/audit/seal"
)

// Opener opens the personal parts of entries; *seal.Sealer is one.
type Opener interface {
	Open(ctx context.Context, body leaf.Body, personal [][]byte) ([]seal.Opened, error)
}

// State says what is left of an entry.
type State string

// The states.
const (
	StateWhole   State = "whole"
	StateErased  State = "erased"  // what it told about a person can be read by nobody any more
	StateRemoved State = "removed" // of what happened only the leaf is left; a certificate must say that this was allowed
	StateDamaged State = "damaged" // it was changed in the database, or its content is gone sooner than is ever allowed, or it is a certificate that the signer has not made; what is there is not shown
	StateNewer   State = "newer"   // a later version of the program wrote it
)

// Shown is an entry for those who may read the log.
type Shown struct {
	Index    int64
	At       time.Time // as its leaf says; zero when that is not there
	Category audit.Category
	State    State
	Record   audit.Record // zero when nothing of it can be shown; of a certificate, its kind, and the certificate as details
}

// Whole is an entry with the texts that prove it.
type Whole struct {
	Shown

	Hash  tlog.Hash // as it is stored in the tree
	Leaf  []byte
	Body  []byte // nil when it was removed
	Parts []Part // what is personal; none when it was removed
}

// Part is what an entry tells about one person.
type Part struct {
	Sealed []byte
	Key    []byte // opens this part and nothing else; nil when nobody can
}

// Show returns one entry of the log, signed or not, with all that belongs to it. That somebody was shown it is an entry itself. It
// fails with ErrRange.
func (a *Archive) Show(ctx context.Context, actor access.Actor, index int64) (Whole, error) {
	if err := a.mayRead(actor); err != nil {
		return Whole{}, err
	}
	size, err := a.storage.AuditSize(ctx)
	if err != nil {
		return Whole{}, fmt.Errorf("how large the audit log is: %w", err)
	}
	if index < 0 || index >= size {
		return Whole{}, ErrRange
	}
	entries, err := a.entries(ctx, index, 1)
	if err != nil {
		return Whole{}, err
	}
	e := entries[0]
	whole := Whole{Hash: e.Hash, Leaf: e.Leaf, Body: e.Body}
	for _, sealed := range e.Personal {
		whole.Parts = append(whole.Parts, Part{Sealed: sealed})
	}
	err = a.storage.OpenAudit(ctx, func(ctx context.Context, open Opener) error {
		whole.Shown, err = a.show(ctx, open, e, whole.Parts)
		return err
	})
	if err != nil {
		return Whole{}, err
	}
	return whole, a.storage.Record(ctx, audit.LogEntryRead(audit.Origin{At: a.now(), Actor: actor}, index))
}

// show shows what can be shown of an entry, and puts the keys of its parts into them.
func (a *Archive) show(ctx context.Context, open Opener, e export.Entry, parts []Part) (Shown, error) {
	shown, _, sound := examine(e, a.now())
	if !sound || e.Body == nil {
		return shown, nil
	}
	body, err := leaf.DecodeBody(e.Body)
	if err != nil {
		return unreadable(shown, err), nil
	}
	if shown, err = reveal(ctx, open, shown, body, e.Personal, a.certified); err != nil || shown.State == StateDamaged || len(parts) == 0 {
		return shown, err
	}
	opened, err := open.Open(ctx, body, e.Personal)
	for i := range opened {
		parts[i].Key = opened[i].Key
	}
	return shown, err
}

// examine compares an entry with its hash in the tree, and its content with its leaf. What was removed is not there to compare; at
// this time it must be old enough to be removed.
func examine(e export.Entry, now time.Time) (Shown, leaf.Leaf, bool) {
	shown := Shown{Index: e.Index, State: StateDamaged}
	l, err := leaf.Decode(e.Leaf)
	if err != nil || leaf.Hash(e.Leaf) != e.Hash {
		if errors.Is(err, leaf.ErrVersion) && leaf.Hash(e.Leaf) == e.Hash {
			shown.State = StateNewer
		}
		return shown, l, false
	}
	shown.At, shown.Category = l.At, l.Category
	if (e.Body == nil || len(e.Personal) == 0 && len(l.Personal) > 0) && mustBeThere(l, now) {
		return shown, l, false
	}
	if e.Body == nil {
		shown.State = StateRemoved
		return shown, l, true
	}
	hashes := make([][sha256.Size]byte, 0, len(e.Personal))
	for _, sealed := range e.Personal {
		hashes = append(hashes, sha256.Sum256(sealed))
	}
	if sha256.Sum256(e.Body) != l.Body || len(e.Personal) > 0 && !slices.Equal(hashes, l.Personal) {
		return shown, l, false
	}
	shown.State = StateWhole
	return shown, l, true
}

// mustBeThere reports whether the content of an entry cannot have been removed under a certificate yet, whatever is configured: it
// is younger than the shortest retention of its category, or of one that is never removed.
func mustBeThere(l leaf.Leaf, now time.Time) bool {
	days := retention.ShortestDays(l.Category)
	return days == 0 || now.Sub(l.At) < time.Duration(days)*24*time.Hour
}

// unreadable is an entry whose body fits its leaf and cannot be read.
func unreadable(s Shown, err error) Shown {
	s.State = StateDamaged
	if errors.Is(err, leaf.ErrVersion) {
		s.State = StateNewer
	}
	return s
}

// certified reports whether a certificate is a true one: signed with the present key of the log, or with an earlier one.
func (a *Archive) certified(c leaf.Certificate) (bool, error) {
	keys, err := a.keys()
	if err != nil || len(keys) == 0 {
		return false, err
	}
	trust, err := checkpoint.NewTrust(keys[len(keys)-1:], nil, 0)
	if err == nil {
		trust, err = trust.WithEarlier(keys)
	}
	if err != nil {
		return false, err
	}
	text, err := c.Text()
	return err == nil && trust.CheckStatement(c.Log, text, c.Signature) == nil, nil
}

// reveal opens what is personal in an entry. A certificate is shown when it is a true one.
func reveal(ctx context.Context, open Opener, shown Shown, body leaf.Body, personal [][]byte, certified func(leaf.Certificate) (bool, error)) (Shown, error) {
	if body.Certificate != nil {
		if right, err := certified(*body.Certificate); err != nil || !right {
			shown.State = StateDamaged
			return shown, err
		}
		shown.Record = audit.Record{At: shown.At, Kind: audit.KindLogPruned, Outcome: audit.OutcomeSuccess, ObjectKind: "log", Details: body.Certificate.Details()}
		return shown, nil
	}
	var opened []seal.Opened
	var err error
	if len(body.Keys) > 0 && len(personal) == 0 {
		shown.State = StateErased
	} else if opened, err = open.Open(ctx, body, personal); err != nil {
		return damaged(shown, err)
	}
	if slices.ContainsFunc(opened, func(o seal.Opened) bool { return o.Key == nil }) {
		shown.State = StateErased
	}
	if shown.Record, err = seal.Record(body, opened); err != nil {
		return damaged(shown, seal.ErrDamaged)
	}
	return shown, nil
}

func damaged(s Shown, err error) (Shown, error) {
	if !errors.Is(err, seal.ErrDamaged) {
		return s, err
	}
	s.State = StateDamaged
	return s, nil
}
