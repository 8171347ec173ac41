package checkpoint

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// ErrKey says that a text is not a key of the sort that is needed.
var ErrKey = errors.New("this is not a key of this sort")

// NewLogKey makes the key of a log: secret stays with the signer ("PRIVATE+KEY+…"), public is for everybody ("origin+…").
func NewLogKey(random io.Reader, origin string) (secret, public string, err error) {
	if !ValidOrigin(origin) {
		return "", "", ErrOrigin
	}
	return note.GenerateKey(random, origin)
}

// LogSigner returns what signs with the secret key of a log. It fails with ErrKey.
func LogSigner(secret string) (note.Signer, error) {
	s, err := note.NewSigner(strings.TrimSpace(secret))
	if err != nil || !ValidOrigin(s.Name()) {
		return nil, fmt.Errorf("%w: the secret key of a log", ErrKey)
	}
	return s, nil
}

// algorithms of keys, as assigned in c2sp.org/signed-note.
const (
	algorithmNote        = 1
	algorithmCosignature = 4
)

// publicKey is a verifier key: name+hash+base64(algorithm ‖ Ed25519 key).
type publicKey struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func newPublicKey(name string, algorithm byte, key ed25519.PublicKey) publicKey {
	sum := sha256.Sum256(append([]byte(name+"\n"), append([]byte{algorithm}, key...)...))
	return publicKey{name, binary.BigEndian.Uint32(sum[:]), key}
}

func (k publicKey) text(algorithm byte) string {
	return fmt.Sprintf("%s+%08x+%s", k.name, k.hash, base64.StdEncoding.EncodeToString(append([]byte{algorithm}, k.key...)))
}

func parsePublicKey(text string, algorithm byte) (publicKey, error) {
	text = strings.TrimSpace(text)
	parts := strings.Split(text, "+")
	if len(parts) < 3 || !ValidOrigin(parts[0]) {
		return publicKey{}, fmt.Errorf("%w: name+hash+key is wanted", ErrKey)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.Join(parts[2:], "+")) // base64 has plus signs
	switch {
	case err != nil || len(raw) != 1+ed25519.PublicKeySize:
		return publicKey{}, fmt.Errorf("%w: it is damaged", ErrKey)
	case raw[0] != algorithm:
		return publicKey{}, fmt.Errorf("%w: its algorithm is %d, and %d is wanted (1 for a log, 4 for a witness)", ErrKey, raw[0], algorithm)
	}
	k := newPublicKey(parts[0], algorithm, raw[1:])
	if k.text(algorithm) != text {
		return publicKey{}, fmt.Errorf("%w: its hash does not fit", ErrKey)
	}
	return k, nil
}

// logVerifier checks the signatures of a log: Ed25519 over the text.
type logVerifier struct{ publicKey }

func (v logVerifier) Name() string                { return v.name }
func (v logVerifier) KeyHash() uint32             { return v.hash }
func (v logVerifier) Verify(msg, sig []byte) bool { return ed25519.Verify(v.key, msg, sig) }

// witnessVerifier checks cosignatures: eight bytes of time, and Ed25519 over time and text.
type witnessVerifier struct{ publicKey }

func (v witnessVerifier) Name() string    { return v.name }
func (v witnessVerifier) KeyHash() uint32 { return v.hash }
func (v witnessVerifier) Verify(msg, sig []byte) bool {
	if len(sig) != timeSize+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	return at <= timeMax && ed25519.Verify(v.key, cosigned(at, msg), sig[timeSize:])
}

const (
	timeSize = 8
	timeMax  = 1<<63 - 1 // seconds since 1970
)

// cosigned is what a witness signs (c2sp.org/tlog-cosignature, Ed25519 signed message).
func cosigned(at uint64, text []byte) []byte {
	return append([]byte("cosignature/v1\ntime "+strconv.FormatUint(at, 10)+"\n"), text...)
}

// witnessSigner cosigns.
type witnessSigner struct {
	publicKey

	secret ed25519.PrivateKey
	now    func() time.Time
}

func (s witnessSigner) Name() string    { return s.name }
func (s witnessSigner) KeyHash() uint32 { return s.hash }
func (s witnessSigner) Sign(msg []byte) ([]byte, error) {
	at := s.now().Unix()
	if at < 0 {
		return nil, fmt.Errorf("the clock says %d", at)
	}
	return append(binary.BigEndian.AppendUint64(nil, uint64(at)), ed25519.Sign(s.secret, cosigned(uint64(at), msg))...), nil
}

// witnessSecret begins the secret key of a witness; the form is our own, the specification has none.
const witnessSecret = "WITNESS+PRIVATE+KEY+"

// NewWitnessKey makes the key of a witness of this name: secret stays with it, public is for those who verify.
func NewWitnessKey(random io.Reader, name string) (secret, public string, err error) {
	if !ValidOrigin(name) {
		return "", "", ErrOrigin
	}
	key, private, err := ed25519.GenerateKey(random)
	if err != nil {
		return "", "", fmt.Errorf("make key: %w", err)
	}
	return witnessSecret + name + "+" + base64.StdEncoding.EncodeToString(private.Seed()),
		newPublicKey(name, algorithmCosignature, key).text(algorithmCosignature), nil
}

// WitnessSigner returns what cosigns with the secret key of a witness, at the time that now tells. It fails with ErrKey.
func WitnessSigner(secret string, now func() time.Time) (note.Signer, error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(secret), witnessSecret)
	name, text, found := strings.Cut(rest, "+")
	seed, err := base64.StdEncoding.Strict().DecodeString(text)
	if !ok || !found || err != nil || len(seed) != ed25519.SeedSize || !ValidOrigin(name) {
		return nil, fmt.Errorf("%w: the secret key of a witness", ErrKey)
	}
	private := ed25519.NewKeyFromSeed(seed)
	public, _ := private.Public().(ed25519.PublicKey)
	return witnessSigner{newPublicKey(name, algorithmCosignature, public), private, now}, nil
}
