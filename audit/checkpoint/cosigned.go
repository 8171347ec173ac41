package checkpoint

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/note"
)

// ErrNoWitness says that nobody who is known has cosigned.
var ErrNoWitness = errors.New("this checkpoint is not cosigned by a witness that is known")

// WitnessName returns the name in the public key of a witness. It fails with ErrKey.
func WitnessName(key string) (string, error) {
	k, err := parsePublicKey(key, algorithmCosignature)
	return k.name, err
}

// Merge adds to a checkpoint the signatures that known witnesses have put under a copy of it, each in the place of an older one
// of the same witness, and returns it with what it then is. Signatures of strangers are left out. It fails with ErrNoWitness,
// and as Open does; ErrForged also when the copy says something else.
func (t Trust) Merge(signed, copied []byte) ([]byte, Signed, error) {
	before, err := t.Open(signed)
	if err != nil {
		return nil, Signed{}, err
	}
	after, err := t.Open(copied)
	if err != nil {
		return nil, Signed{}, err
	}
	if before.Checkpoint != after.Checkpoint {
		return nil, Signed{}, fmt.Errorf("%w: the log has signed something else", ErrForged)
	}
	if len(after.Cosignatures) == 0 {
		return nil, Signed{}, ErrNoWitness
	}
	newer, err := note.Open(copied, t.known)
	if err != nil {
		return nil, Signed{}, err
	}
	merged, err := note.Open(signed, t.known)
	if err != nil {
		return nil, Signed{}, err
	}
	for _, sig := range newer.Sigs {
		merged.Sigs = append(slices.DeleteFunc(merged.Sigs, func(s note.Signature) bool {
			return s.Name == sig.Name && s.Hash == sig.Hash
		}), sig)
	}
	merged.UnverifiedSigs = nil
	text, err := note.Sign(merged)
	if err != nil {
		return nil, Signed{}, err
	}
	both, err := t.Open(text)
	return text, both, err
}
