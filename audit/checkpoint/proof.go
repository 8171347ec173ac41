package checkpoint

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// proofHead begins a proof (c2sp.org/tlog-proof).
const proofHead = "c2sp.org/tlog-proof@v1\n"

// ErrProof says that a proof is not one of this leaf.
var ErrProof = errors.New("this does not prove that the leaf is in the log")

// FormatProof writes the proof that the log of a signed checkpoint has a leaf at index, in one text that stands by itself.
func FormatProof(index int64, proof tlog.RecordProof, signed []byte) []byte {
	var b strings.Builder
	b.WriteString(proofHead + "index " + strconv.FormatInt(index, 10) + "\n")
	for _, hash := range proof {
		b.WriteString(hash.String() + "\n")
	}
	b.WriteString("\n")
	return append([]byte(b.String()), signed...)
}

// CheckProof checks what FormatProof wrote against a leaf, and returns where it is and the checkpoint. It fails with ErrProof,
// ErrMalformed and as Open does.
func (t Trust) CheckProof(text []byte, leaf tlog.Hash) (index int64, s Signed, err error) {
	head, signed, found := strings.Cut(string(text), "\n\n")
	lines, ok := strings.CutPrefix(head, proofHead+"index ")
	if !found || !ok {
		return 0, Signed{}, fmt.Errorf("%w: nor a proof", ErrMalformed)
	}
	number, hashes, _ := strings.Cut(lines, "\n")
	if index, err = strconv.ParseInt(number, 10, 64); err != nil {
		return 0, Signed{}, fmt.Errorf("%w: the index of a proof", ErrMalformed)
	}
	var proof tlog.RecordProof
	for line := range strings.SplitSeq(hashes, "\n") {
		if hashes == "" {
			break
		}
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return 0, Signed{}, fmt.Errorf("%w: a hash of a proof", ErrMalformed)
		}
		proof = append(proof, hash)
	}
	if s, err = t.Open([]byte(signed)); err != nil {
		return 0, Signed{}, err
	}
	if string(FormatProof(index, proof, []byte(signed))) != string(text) || tlog.CheckRecord(proof, s.Size, s.Root, index, leaf) != nil {
		return 0, Signed{}, ErrProof
	}
	return index, s, nil
}
