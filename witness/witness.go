// Package witness follows the audit log of an instance from another machine: it looks at each new checkpoint, has it proven that
// the log has grown from everything that was seen before, cosigns it, and gives it back. A log that was forked or put back ends
// it, and what showed that is kept.
package witness

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit/checkpoint"
	"konklave/audit/signer"
	"konklave/client"
)

// Every is the usual pause between two looks at the log.
const Every = 10 * time.Second

// answerMax is how long the instance may take to answer.
const answerMax = 30 * time.Second

// Source is the instance whose log is watched.
type Source interface {
	Checkpoint(ctx context.Context) (client.Checkpoint, error)
	Growth(ctx context.Context, earlier, size int64) ([]string, error)
	Cosign(ctx context.Context, note string) (client.Checkpoint, error)
}

// ErrBroken says that the log is not what it was: it was forked, put back, or signed by somebody else. Nothing else is as serious.
var ErrBroken = errors.New("the audit log is not the one that was seen before")

// Options are what a Witness needs.
type Options struct {
	LogKey string      // public key of the log
	Key    note.Signer // of the witness; a checkpoint.WitnessSigner
	Dir    string      // of its own, that lasts: what it has cosigned, and what it found
	Source Source
	Every  time.Duration
	Now    func() time.Time
	Logger *slog.Logger
}

// Witness watches one log.
type Witness struct {
	o       Options
	trust   checkpoint.Trust
	witness *signer.Witness
	file    *signer.File
	away    bool // the instance did not answer
}

// stateName is the file with what was cosigned last.
const stateName = "cosigned"

// Open opens the directory of a witness, or makes it. It fails with checkpoint.ErrKey, signer.ErrInUse, signer.ErrLost.
func Open(o Options) (*Witness, error) {
	trust, err := checkpoint.NewTrust([]string{o.LogKey}, nil, 0)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(o.Dir, stateName)
	if err := os.Mkdir(o.Dir, 0o700); err == nil {
		err = signer.CreateFile(path)
		if err != nil {
			return nil, err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make the directory of the witness: %w", err)
	}
	file, err := signer.OpenFile(path)
	if err != nil {
		return nil, err
	}
	return &Witness{o: o, trust: trust, witness: signer.NewWitness(trust, o.Key, file), file: file}, nil
}

// Close lets another process use the directory.
func (w *Witness) Close() error { return w.file.Close() }

// Run watches until ctx ends. It fails with ErrBroken when the log is not what it was; an instance that is away is waited for.
func (w *Witness) Run(ctx context.Context) error {
	pause := time.NewTicker(w.o.Every)
	defer pause.Stop()
	for {
		err := w.Look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrBroken):
			return err
		case err != nil && !w.away:
			w.away = true
			w.o.Logger.WarnContext(ctx, "the audit log cannot be watched for now; it is tried again", "error", err)
		case err == nil && w.away:
			w.away = false
			w.o.Logger.InfoContext(ctx, "the audit log is watched again")
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Look looks at the log once. It fails with ErrBroken, and when the instance does not answer.
func (w *Witness) Look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerMax)
	defer cancel()
	last, err := w.witness.Last(ctx)
	if err != nil {
		return err
	}
	c, err := w.o.Source.Checkpoint(ctx)
	if err != nil {
		return err
	}
	signed, err := w.trust.Open([]byte(c.Note))
	if broken(err) {
		return w.accuse(ctx, []byte(c.Note), last, err)
	} else if err != nil {
		return err
	}
	claimed := signed.Checkpoint
	if claimed == last && witnessed(c, w.o.Key.Name()) {
		return nil // nothing new
	}
	var proof tlog.TreeProof
	if claimed.Size > last.Size {
		if proof, err = w.growth(ctx, last.Size, claimed.Size); err != nil {
			return err
		}
	}
	cosigned, err := w.witness.Cosign(ctx, []byte(c.Note), proof)
	if broken(err) {
		return w.accuse(ctx, []byte(c.Note), last, err)
	}
	if err != nil {
		return err
	}
	if _, err := w.o.Source.Cosign(ctx, string(cosigned)); err != nil {
		return fmt.Errorf("cosigned, but it could not be given back: %w", err)
	}
	w.o.Logger.InfoContext(ctx, "cosigned", "log", claimed.Origin, "entries", claimed.Size, "root", claimed.Root)
	return nil
}

// growth asks for a proof.
func (w *Witness) growth(ctx context.Context, earlier, size int64) (tlog.TreeProof, error) {
	texts, err := w.o.Source.Growth(ctx, earlier, size)
	if err != nil {
		return nil, err
	}
	var proof tlog.TreeProof
	for _, text := range texts {
		hash, err := tlog.ParseHash(text)
		if err != nil {
			return nil, fmt.Errorf("the proof of growth: %w", err)
		}
		proof = append(proof, hash)
	}
	return proof, nil
}

// broken reports whether a checkpoint that was refused is a reason for alarm.
func broken(err error) bool {
	var inconsistent *signer.InconsistentError
	return errors.As(err, &inconsistent) || errors.Is(err, checkpoint.ErrOrigin) || errors.Is(err, checkpoint.ErrUnsigned) || errors.Is(err, checkpoint.ErrForged)
}

// witnessed reports whether a witness has cosigned a checkpoint.
func witnessed(c client.Checkpoint, name string) bool {
	for _, s := range c.Witnesses {
		if s.Witness == name {
			return true
		}
	}
	return false
}

// accuse keeps what shows that the log is not what it was, beside what was cosigned last.
func (w *Witness) accuse(ctx context.Context, shown []byte, last checkpoint.Checkpoint, cause error) error {
	name := filepath.Join(w.o.Dir, "alarm-"+w.o.Now().UTC().Format("20060102T150405Z")+".txt")
	err := fmt.Errorf("%w: %w", ErrBroken, cause)
	if kept := os.WriteFile(name, shown, 0o600); kept != nil {
		return errors.Join(err, kept)
	}
	w.o.Logger.ErrorContext(ctx, "ALARM: the audit log is not the one that was seen before", "error", cause,
		"log", last.Origin, "seen entries", last.Size, "seen root", last.Root, "shown now", name)
	return err
}
