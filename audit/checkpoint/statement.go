package checkpoint

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// Statement signs something that a log says besides its checkpoints, with the key of the log. It returns the signature as it stands
// under a note: the id of the key, four bytes, and the signature, in base64. No text may be one of a checkpoint.
func Statement(key note.Signer, text string) (string, error) {
	if _, err := Parse(text); err == nil {
		return "", fmt.Errorf("%w: a statement that is a checkpoint", ErrMalformed)
	}
	raw, err := key.Sign([]byte(text))
	if err != nil {
		return "", fmt.Errorf("sign a statement: %w", err)
	}
	return base64.StdEncoding.EncodeToString(append(binary.BigEndian.AppendUint32(nil, key.KeyHash()), raw...)), nil
}

// CheckStatement checks what Statement has signed for a log of this name: the trusted one, or one before it that WithEarlier has
// named. It fails with ErrUnsigned when the key is not known, and with ErrForged when the signature is wrong.
func (t Trust) CheckStatement(log, text, signature string) error {
	raw, err := base64.StdEncoding.Strict().DecodeString(signature)
	if err != nil || len(raw) < keyIDSize || base64.StdEncoding.EncodeToString(raw) != signature {
		return fmt.Errorf("%w: a signature", ErrMalformed)
	}
	id := binary.BigEndian.Uint32(raw)
	for _, k := range t.logs {
		if k.name != log || k.hash != id {
			continue
		}
		if !(logVerifier{k}).Verify([]byte(text), raw[keyIDSize:]) {
			return fmt.Errorf("%w: that of %s", ErrForged, log)
		}
		return nil
	}
	return fmt.Errorf("%w: it is signed with the key %08x of %s, which was not given", ErrUnsigned, id, log)
}

// keyIDSize is how many bytes of a signature say with which key it was made.
const keyIDSize = 4

// WithEarlier returns the trust that also believes what the logs before this one, which have these public keys, have stated. Their
// checkpoints are not believed. It fails with ErrKey.
func (t Trust) WithEarlier(keys []string) (Trust, error) {
	logs := t.logs[:len(t.logs):len(t.logs)]
	for _, text := range keys {
		k, err := parsePublicKey(text, algorithmNote)
		if err != nil {
			return Trust{}, err
		}
		logs = append(logs, k)
	}
	t.logs = logs
	return t, nil
}
