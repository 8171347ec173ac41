// Package signer signs the checkpoints of the audit log, and cosigns those of others, under one rule that it cannot be talked
// out of: what it signs has grown from everything that it signed before. It knows no transport and no database, so that it can
// be a process of its own, whose key the rest of Konklave never sees.
package signer

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit/checkpoint"
	"konklave/audit/leaf"
	"konklave/audit/tree"
)

// Why a checkpoint is refused. All of them are InconsistentError's cause.
var (
	ErrRollback = errors.New("the log is smaller than one that was signed before")
	ErrFork     = errors.New("the log has another root than the one of the same size that was signed before")
	ErrGrowth   = errors.New("it is not shown that the log begins with the one that was signed before")
)

// InconsistentError says that a checkpoint does not follow the last one. It is a reason for alarm: the log was put back, or
// somebody has written another one.
type InconsistentError struct {
	Last, Asked checkpoint.Checkpoint
	Cause       error // ErrRollback, ErrFork or ErrGrowth
}

// Error implements error.
func (e *InconsistentError) Error() string {
	return fmt.Sprintf("refused to sign %d entries with root %s after %d entries with root %s: %v",
		e.Asked.Size, e.Asked.Root, e.Last.Size, e.Last.Root, e.Cause)
}

// Unwrap returns the cause.
func (e *InconsistentError) Unwrap() error { return e.Cause }

// State keeps what was signed last.
type State interface {
	// Load returns the note that Save stored last; empty when nothing was signed yet. A state that was lost must fail.
	Load(ctx context.Context) ([]byte, error)
	// Save returns when the note would survive the loss of power.
	Save(ctx context.Context, signed []byte) error
}

// Signer signs for one log. It may be used by many goroutines at once; its State must be its own.
type Signer struct {
	origin string
	key    note.Signer
	state  State

	mu sync.Mutex // held while a checkpoint is compared, signed and stored
}

// New returns the signer of the log that the key is named after.
func New(key note.Signer, state State) *Signer {
	return &Signer{origin: key.Name(), key: key, state: state}
}

// Request is what is to be signed.
type Request struct {
	Size  int64
	Root  tlog.Hash
	Proof tlog.TreeProof // that it begins with what was signed last; see Last
}

// Last returns what was signed last; the empty log before that. Requests grow from it.
func (s *Signer) Last(ctx context.Context) (checkpoint.Checkpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last(ctx)
}

// Sign signs a checkpoint. The tree must be safe on disk before: a size that was signed once can never be signed with another
// root. To sign the same again is allowed. It fails with an *InconsistentError and signs nothing; and with any other error when
// the state cannot be read or written.
func (s *Signer) Sign(ctx context.Context, r Request) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := checkpoint.Checkpoint{Origin: s.origin, Size: r.Size, Root: r.Root}
	if err := s.follows(ctx, c, r.Proof); err != nil {
		return nil, err
	}
	return s.store(ctx, &note.Note{Text: c.Text()})
}

// Certify signs a certificate of retention, with the name of this log; At says when. Whether it is time for it is for the caller to
// judge; what no certificate may say fails with leaf.ErrMalformed.
func (s *Signer) Certify(c leaf.Certificate) (leaf.Certificate, error) {
	c.Log = s.origin
	text, err := c.Text()
	if err != nil {
		return leaf.Certificate{}, err
	}
	c.Signature, err = checkpoint.Statement(s.key, text)
	return c, err
}

func (s *Signer) last(ctx context.Context) (checkpoint.Checkpoint, error) {
	text, err := s.state.Load(ctx)
	if err != nil {
		return checkpoint.Checkpoint{}, fmt.Errorf("read what was signed last: %w", err)
	}
	if len(text) == 0 {
		return checkpoint.Checkpoint{Origin: s.origin, Root: tree.Frontier{}.Root()}, nil
	}
	c, err := checkpoint.Unverified(text)
	if err != nil || c.Origin != s.origin {
		return checkpoint.Checkpoint{}, fmt.Errorf("what was signed last is damaged or of another log: %w", errors.Join(err, checkpoint.ErrMalformed))
	}
	return c, nil
}

func (s *Signer) follows(ctx context.Context, c checkpoint.Checkpoint, proof tlog.TreeProof) error {
	last, err := s.last(ctx)
	if err != nil {
		return err
	}
	switch {
	case c.Size < last.Size:
		return &InconsistentError{last, c, ErrRollback}
	case c.Size == last.Size && c.Root != last.Root:
		return &InconsistentError{last, c, ErrFork}
	case c.Size == last.Size: // the same again, which needs no proof
		return nil
	case tree.CheckGrowth(proof, c.Size, c.Root, last.Size, last.Root) != nil:
		return &InconsistentError{last, c, ErrGrowth}
	}
	return nil
}

// store signs and makes it last before anybody gets to see it.
func (s *Signer) store(ctx context.Context, n *note.Note) ([]byte, error) {
	signed, err := note.Sign(n, s.key)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint: %w", err)
	}
	if err := s.state.Save(ctx, signed); err != nil {
		return nil, fmt.Errorf("store what was signed: %w", err)
	}
	return signed, nil
}
