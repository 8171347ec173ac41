package checkpoint

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Trust is whom somebody believes: the log by its keys, and how many of which witnesses.
type Trust struct {
	origin    string
	witnesses []string // names
	threshold int
	known     note.Verifiers
	logs      []publicKey // of the log and of those before it, for what they state
}

// ErrThreshold says that more witnesses were asked for than there are.
var ErrThreshold = errors.New("more witnesses are asked for than there are keys of witnesses")

// NewTrust returns the trust in a log with these public keys, which must be of one name (a log that changed its key has two), and
// in witnesses, of which threshold must have cosigned. It fails with ErrKey, ErrThreshold.
func NewTrust(logKeys, witnessKeys []string, threshold int) (Trust, error) {
	var t Trust
	var all []note.Verifier
	for _, text := range logKeys {
		k, err := parsePublicKey(text, algorithmNote)
		if err != nil {
			return Trust{}, err
		}
		if t.origin != "" && t.origin != k.name {
			return Trust{}, fmt.Errorf("%w: keys of two logs, %s and %s", ErrKey, t.origin, k.name)
		}
		t.origin = k.name
		t.logs, all = append(t.logs, k), append(all, logVerifier{k})
	}
	if len(logKeys) == 0 {
		return Trust{}, fmt.Errorf("%w: there is none of the log", ErrKey)
	}
	for _, text := range witnessKeys {
		k, err := parsePublicKey(text, algorithmCosignature)
		if err != nil {
			return Trust{}, err
		}
		if slices.Contains(t.witnesses, k.name) {
			return Trust{}, fmt.Errorf("%w: two of one witness, %s", ErrKey, k.name)
		}
		t.witnesses = append(t.witnesses, k.name)
		all = append(all, witnessVerifier{k})
	}
	if threshold < 0 || threshold > len(witnessKeys) {
		return Trust{}, ErrThreshold
	}
	t.threshold, t.known = threshold, note.VerifierList(all...)
	return t, nil
}

// Origin returns the name of the log.
func (t Trust) Origin() string { return t.origin }

// Threshold returns how many witnesses must have cosigned.
func (t Trust) Threshold() int { return t.threshold }

// Cosignature is what a witness said: at this time, this was the largest checkpoint it knew, and it had grown from all earlier.
type Cosignature struct {
	Witness string
	At      time.Time
}

// Signed is a checkpoint whose signature by the log was checked.
type Signed struct {
	Checkpoint

	Cosignatures []Cosignature // of witnesses that are known
	Witnessed    bool          // by as many as are asked for
}

// Open checks a checkpoint. Signatures of strangers are passed over, as the specification wants it; a wrong one of somebody known
// is not. It fails with ErrMalformed, ErrOrigin, ErrUnsigned, ErrForged.
func (t Trust) Open(text []byte) (Signed, error) {
	if len(text) > NoteMax {
		return Signed{}, fmt.Errorf("%w: it is longer than %d bytes", ErrMalformed, NoteMax)
	}
	opened, err := note.Open(text, t.known)
	var forged *note.InvalidSignatureError
	var unsigned *note.UnverifiedNoteError
	switch {
	case errors.As(err, &forged):
		return Signed{}, fmt.Errorf("%w: that of %s", ErrForged, forged.Name)
	case errors.As(err, &unsigned):
		opened = unsigned.Note
	case err != nil:
		return Signed{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	c, err := Parse(opened.Text)
	if err != nil {
		return Signed{}, err
	}
	if c.Origin != t.origin {
		return Signed{}, fmt.Errorf("%w: it is of %s", ErrOrigin, c.Origin)
	}
	if !canonical(text, opened) {
		return Signed{}, fmt.Errorf("%w: its signatures are not written as signatures are", ErrMalformed)
	}
	s, signed := t.collect(c, opened.Sigs)
	if !signed {
		return Signed{}, ErrUnsigned
	}
	return s, nil
}

// collect sorts the signatures that were found right by who made them; signed is whether the log did.
func (t Trust) collect(c Checkpoint, signatures []note.Signature) (s Signed, signed bool) {
	s = Signed{Checkpoint: c}
	for _, sig := range signatures {
		v, err := t.known.Verifier(sig.Name, sig.Hash)
		if err != nil {
			continue
		}
		if _, witness := v.(witnessVerifier); !witness {
			signed = true
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(sig.Base64)
		if err != nil || len(raw) < 4+timeSize {
			continue // Verify has seen that it is there
		}
		s.Cosignatures = append(s.Cosignatures, Cosignature{sig.Name, time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0).UTC()})
	}
	s.Witnessed = len(s.Cosignatures) >= t.threshold
	return s, signed
}

// canonical reports whether each signature is written in the one way it can be: base64 leaves spare bits, and the general
// decoder passes over line ends and repetitions.
func canonical(text []byte, n *note.Note) bool {
	count := 0
	for _, sig := range slices.Concat(n.Sigs, n.UnverifiedSigs) {
		raw, err := base64.StdEncoding.Strict().DecodeString(sig.Base64)
		if err != nil || base64.StdEncoding.EncodeToString(raw) != sig.Base64 {
			return false
		}
		count++
	}
	return bytes.Count(text[len(n.Text):], []byte("\n")) == count+1 // and the empty line
}

// Unverified returns what a checkpoint says without checking any signature. It fails with ErrMalformed.
func Unverified(text []byte) (Checkpoint, error) {
	if len(text) > NoteMax {
		return Checkpoint{}, fmt.Errorf("%w: it is longer than %d bytes", ErrMalformed, NoteMax)
	}
	var unsigned *note.UnverifiedNoteError
	if _, err := note.Open(text, nil); !errors.As(err, &unsigned) {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return Parse(unsigned.Note.Text)
}

// Log returns the trust in the log alone, without witnesses; nil of nil.
func (t *Trust) Log() *Trust {
	if t == nil {
		return nil
	}
	log := *t
	log.threshold = 0
	return &log
}
