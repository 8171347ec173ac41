// Package checkpoint is the signed statement of how large the audit log is and what its root is, in the form that other
// transparency logs use: a signed note (c2sp.org/signed-note) with three lines (c2sp.org/tlog-checkpoint), cosigned by witnesses
// (c2sp.org/tlog-cosignature, Ed25519), so that programs of others can check it too.
package checkpoint

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit/tree"
)

// Limits, in bytes.
const (
	OriginMax = 200
	NoteMax   = 16 << 10 // of a checkpoint with all its signatures
)

// Errors of checkpoints.
var (
	ErrMalformed = errors.New("this is not a checkpoint")
	ErrOrigin    = errors.New("this is not the checkpoint of this log")
	ErrUnsigned  = errors.New("this checkpoint is not signed with the key of the log")
	ErrForged    = errors.New("a signature of this checkpoint is wrong")
)

// Checkpoint is how large a log is and what its root is.
type Checkpoint struct {
	Origin string // names the log, for all time; by custom the host and a path, "meet.example.org/audit"
	Size   int64  // leaves
	Root   tlog.Hash
}

// ValidOrigin reports whether a log may have this name: 1 to OriginMax bytes of UTF-8 without spaces, control characters and
// plus signs, so that it can name a key too.
func ValidOrigin(origin string) bool {
	return origin != "" && len(origin) <= OriginMax && utf8.ValidString(origin) && !strings.ContainsFunc(origin, func(r rune) bool {
		return r == '+' || unicode.IsSpace(r) || unicode.IsControl(r) || !unicode.IsPrint(r)
	})
}

// Text returns what is signed.
func (c Checkpoint) Text() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + c.Root.String() + "\n"
}

// Parse reads what Text returns, and nothing else: the logs of Konklave write no extension lines. It fails with ErrMalformed.
func Parse(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" || !ValidOrigin(lines[0]) {
		return Checkpoint{}, ErrMalformed
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || size > tree.SizeMax {
		return Checkpoint{}, fmt.Errorf("%w: its size", ErrMalformed)
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: its root", ErrMalformed)
	}
	c := Checkpoint{lines[0], size, root}
	if c.Text() != text {
		return Checkpoint{}, fmt.Errorf("%w: it is not written as checkpoints are", ErrMalformed)
	}
	return c, nil
}
