package archive_test

import (
	"context"
	"crypto/rand"
	"testing"

	"konklave/audit/archive"
	"konklave/audit/audittest"
	"konklave/audit/checkpoint"
	"konklave/audit/signer"
	"konklave/audit/tree"
)

// interrupted is a storage in which something happens just before a checkpoint is replaced, once.
type interrupted struct {
	*audittest.Store

	by func()
}

// ReplaceCheckpoint implements archive.Storage.
func (s *interrupted) ReplaceCheckpoint(ctx context.Context, c checkpoint.Checkpoint, before, after []byte) (bool, error) {
	if by := s.by; by != nil {
		s.by = nil
		by()
	}
	return s.Store.ReplaceCheckpoint(ctx, c, before, after)
}

func TestTwoControllersLoseNoCosignature(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 8)
	s.bare(t)
	secret, public, err := checkpoint.NewWitnessKey(rand.Reader, "witness.example.net/2")
	if err != nil {
		t.Fatal(err)
	}
	key, err := checkpoint.WitnessSigner(secret, now)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := tree.ProveGrowth(t.Context(), s.log.Tree, 8, 0)
	if err != nil {
		t.Fatal(err)
	}
	second, err := signer.NewWitness(*s.log.Trust().Log(), key, &audittest.State{}).Cosign(t.Context(), s.log.Notes[8], proof)
	if err != nil {
		t.Fatal(err)
	}
	controller := func(storage archive.Storage) *archive.Archive {
		return archive.New(storage, func() ([]string, error) { return []string{s.log.Key}, nil }, []string{s.log.WitnessKey, public}, now)
	}
	storage := &interrupted{Store: s.store, by: func() {
		if _, err := controller(s.store).Cosign(t.Context(), watcher(), second); err != nil {
			t.Error(err)
		}
	}}
	seen, err := controller(storage).Cosign(t.Context(), watcher(), s.signed[8])
	if err != nil || len(seen.Signed.Cosignatures) != 2 || string(seen.Note) != string(s.log.Notes[8]) {
		t.Errorf("%+v, %v; kept %s", seen.Signed, err, s.log.Notes[8])
	}
	if recorded := s.store.Recorded(); len(recorded) != 2 {
		t.Errorf("recorded %+v", recorded)
	}
}
