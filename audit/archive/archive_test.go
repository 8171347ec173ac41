package archive_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/archive"
	"konklave/audit/audittest"
	"konklave/audit/checkpoint"
	"konklave/audit/export"
	"konklave/audit/leaf"
	"konklave/audit/tree"
	"konklave/audit/verifier"
	"konklave/vault"
)

// shelf is a log and its archive.
type shelf struct {
	*archive.Archive

	log    *audittest.Log
	store  *audittest.Store
	signed map[int64][]byte // by the log alone, by size
}

func auditor() access.Actor {
	return access.Actor{Kind: access.KindToken, ID: "t1", UserID: "u1", Roles: []access.Role{access.RoleAuditor}, Tenant: access.DefaultTenant}
}

func member() access.Actor {
	return access.Actor{Kind: access.KindAccount, ID: "u2", UserID: "u2", Roles: []access.Role{access.RoleUser}, Tenant: access.DefaultTenant}
}

// watcher is the machine of a witness.
func watcher() access.Actor { return access.Machine("w1", access.DefaultTenant, access.AuditCosigns) }

// now is a day after the witness of the log cosigns.
func now() time.Time { return audittest.Start().Add(25 * time.Hour) }

// newShelf has a log that was signed at these sizes, and a few entries more.
func newShelf(t *testing.T, sizes ...int) *shelf {
	t.Helper()
	l, err := audittest.New(newVault(t))
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{log: l, signed: map[int64][]byte{}}
	for _, size := range append(sizes, -1) {
		if size < 0 {
			size = len(l.Entries) + 3
			if err := l.Add(t.Context(), size-len(l.Entries)); err != nil {
				t.Fatal(err)
			}
			break
		}
		if err := l.Add(t.Context(), size-len(l.Entries)); err != nil {
			t.Fatal(err)
		}
		if err := l.Sign(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.store = audittest.NewStore(l)
	s.Archive = archive.New(s.store, func() ([]string, error) { return []string{l.Key}, nil }, []string{l.WitnessKey}, now)
	return s
}

// bare takes the cosignatures off the checkpoints, and keeps the cosigned ones in signed.
func (s *shelf) bare(t *testing.T) {
	t.Helper()
	for size, note := range s.log.Notes {
		s.signed[size] = note
		lines := strings.SplitAfter(string(note), "\n")
		s.log.Notes[size] = []byte(strings.Join(lines[:len(lines)-2], "")) // the last line is empty
	}
}

func TestNobodyElseReadsTheLog(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 5)
	for _, actor := range []access.Actor{member(), access.Nobody(), access.Guest("g1"), access.Worker("c1", access.DefaultTenant)} {
		for name, err := range map[string]error{
			"checkpoint": second(s.Checkpoint(t.Context(), actor)), "growth": second(s.Growth(t.Context(), actor, 1, 5)),
			"segment": second(s.Segment(t.Context(), actor, 0, "")), "export": second(s.ExportTo(t.Context(), actor, t.TempDir(), nil)),
			"cosign": second(s.Cosign(t.Context(), actor, s.log.Notes[5])),
			"search": second(s.Search(t.Context(), actor, archive.Query{}, "", 0)), "show": second(s.Show(t.Context(), actor, 0)),
		} {
			if !errors.Is(err, access.ErrDenied) && !errors.Is(err, access.ErrSignInRequired) {
				t.Errorf("%s for %s: %v", name, actor.Kind, err)
			}
		}
		if _, err := s.Entry(t.Context(), actor, 0); err == nil {
			t.Errorf("entry for %s", actor.Kind)
		}
	}
}

// L-17: an auditor changes nothing, and a witness reads nothing but sizes and hashes.
func TestL17AuditorsReadAndWitnessesCosign(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 5)
	for name, err := range map[string]error{
		"an auditor cosigns":             second(s.Cosign(t.Context(), auditor(), s.log.Notes[5])),
		"a witness exports":              second(s.Segment(t.Context(), watcher(), 0, "")),
		"a witness exports all":          second(s.ExportTo(t.Context(), watcher(), t.TempDir(), nil)),
		"a machine that only reads does": second(s.Cosign(t.Context(), access.Machine("r1", access.DefaultTenant, access.AuditReads), s.log.Notes[5])),
	} {
		if !errors.Is(err, access.ErrDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Entry(t.Context(), watcher(), 0); !errors.Is(err, access.ErrDenied) {
		t.Errorf("a witness reads an entry: %v", err)
	}
	_, seen := s.Checkpoint(t.Context(), watcher())
	if _, err := s.Growth(t.Context(), watcher(), 1, 5); seen != nil || err != nil {
		t.Errorf("a witness follows: %v, %v", seen, err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestProofsOfTheArchiveHold(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 5, 12)
	last, err := s.Checkpoint(t.Context(), auditor())
	if err != nil || last.Signed.Size != 12 || last.Key != s.log.Key || len(last.Signed.Cosignatures) != 1 {
		t.Fatalf("%+v, %v", last, err)
	}
	earlier, err := tree.Root(t.Context(), s.log.Tree, 7)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := s.Growth(t.Context(), auditor(), 7, 12)
	if err != nil || tree.CheckGrowth(proof, 12, last.Signed.Root, 7, earlier) != nil {
		t.Errorf("growth from 7 to 12: %v", err)
	}
	for index := range int64(12) {
		p, err := s.Entry(t.Context(), auditor(), index)
		if err != nil || p.Cosigned != nil {
			t.Fatal(p, err)
		}
		if got, c, err := s.log.Trust().CheckProof(p.Proof, leaf.Hash(p.Leaf)); err != nil || got != index || c.Size != 12 {
			t.Errorf("entry %d: %d, %+v, %v", index, got, c, err)
		}
	}
	for name, err := range map[string]error{
		"beyond what is signed": second(s.Growth(t.Context(), auditor(), 7, 13)), "backwards": second(s.Growth(t.Context(), auditor(), 7, 6)),
		"before the first": second(s.Growth(t.Context(), auditor(), -1, 6)), "a segment beyond": second(s.Segment(t.Context(), auditor(), 13, "")),
		"a segment before": second(s.Segment(t.Context(), auditor(), -1, "")),
	} {
		if !errors.Is(err, archive.ErrRange) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, index := range []int64{-1, 12, math.MaxInt64} {
		if _, err := s.Entry(t.Context(), auditor(), index); !errors.Is(err, archive.ErrRange) {
			t.Errorf("entry %d: %v", index, err)
		}
	}
}

// A witness is behind a log that grows. What it has cosigned so far is told for each entry that this covers.
func TestAProofSaysHowFarTheWitnessesAre(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 3, 5, 8, 12)
	cosigned := s.log.Notes[5]
	s.bare(t)
	s.log.Notes[5] = cosigned
	for index, want := range map[int64][]byte{0: cosigned, 4: cosigned, 5: nil, 11: nil} {
		if p, err := s.Entry(t.Context(), auditor(), index); err != nil || !bytes.Equal(p.Cosigned, want) {
			t.Errorf("entry %d: %s, %v", index, p.Cosigned, err)
		}
	}
	s.log.Notes[5] = bytes.ReplaceAll(cosigned, []byte(audittest.Origin), []byte("other.example.org/audit"))
	if p, err := s.Entry(t.Context(), auditor(), 0); err != nil || p.Cosigned != nil {
		t.Errorf("of another log: %s, %v", p.Cosigned, err)
	}
	alone := archive.New(s.store, s.Keys, nil, now)
	if p, err := alone.Entry(t.Context(), auditor(), 0); err != nil || p.Cosigned != nil {
		t.Errorf("without a witness: %s, %v", p.Cosigned, err)
	}
}

func TestALogThatWasNotSignedIsNotHandedOut(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	other := archive.New(newShelf(t, 4).store, func() ([]string, error) { return nil, nil }, nil, now)
	for _, a := range []*archive.Archive{s.Archive, other} {
		if _, err := a.Checkpoint(t.Context(), auditor()); !errors.Is(err, archive.ErrNothingSigned) {
			t.Errorf("%v", err)
		}
		if _, err := a.ExportTo(t.Context(), access.System("command-line"), t.TempDir(), nil); !errors.Is(err, archive.ErrNothingSigned) {
			t.Errorf("%v", err)
		}
	}
}

// verified verifies files and wants them to be intact.
func verified(t *testing.T, s *shelf, files verifier.Files) *verifier.Report {
	t.Helper()
	r, err := verifier.Verify(t.Context(), files, verifier.Options{Trust: s.log.Trust(), Opener: (*vault.Vault)(nil)})
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict() != verifier.Intact {
		t.Errorf("%+v", r.Findings)
	}
	return r
}

func TestSegmentsProveThemselvesAndFollowEachOther(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 5, 6, 300, 400, 430, 700)
	s.InSegmentsOf(400)
	files := fstest.MapFS{}
	var ends []int64
	for from := int64(0); ; {
		segment, err := s.Segment(t.Context(), auditor(), from, "")
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := s.Export(t.Context(), segment, &text); err != nil {
			t.Fatal(err)
		}
		if segment.End == from {
			break
		}
		name := string(rune('a'+len(ends))) + export.Suffix
		files[name] = &fstest.MapFile{Data: text.Bytes()}
		ends, from = append(ends, segment.End), segment.End
	}
	if !slices.Equal(ends, []int64{400, 700}) {
		t.Errorf("segments end at %v", ends)
	}
	dir := t.TempDir()
	for name, f := range files {
		if err := os.WriteFile(filepath.Join(dir, name), f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	opened, err := verifier.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if r := verified(t, s, opened); r.Checkpoints < 6 || r.End != 700 {
		t.Errorf("%d checkpoints, to %d", r.Checkpoints, r.End)
	}
}

func TestASegmentIsLongerWhereNoCheckpointEndsItSooner(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 5, 60)
	s.InSegmentsOf(20)
	for from, end := range map[int64]int64{0: 5, 4: 5, 5: 60, 59: 60, 60: 60} {
		if segment, err := s.Segment(t.Context(), auditor(), from, ""); err != nil || segment.End != end || segment.Header.Start.Size() != from {
			t.Errorf("from %d to %d, want %d: %v", from, segment.End, end, err)
		}
	}
}

func TestAWholeExportIsVerified(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 1, 2, 255, 256, 257, 700)
	dir := t.TempDir()
	n, err := s.ExportTo(t.Context(), access.System("command-line"), dir, nil)
	if err != nil || n != 700 {
		t.Fatalf("%d, %v", n, err)
	}
	opened, err := verifier.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if r := verified(t, s, opened); r.Checkpoints != 6 || r.Entries != 700 {
		t.Errorf("%d checkpoints, %d entries", r.Checkpoints, r.Entries)
	}
	recorded := s.store.Recorded()
	if len(recorded) != 1 || recorded[0].Kind != audit.KindLogExported || recorded[0].Details != `{"end":700,"start":0}` || recorded[0].ActorID != "command-line" {
		t.Errorf("recorded %+v", recorded)
	}
}

func TestCheckpointsOfAnotherLogAreLeftOut(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 4, 8)
	foreign := bytes.Replace(s.log.Notes[4], []byte(audittest.Origin+"\n"), []byte("old.example.org/audit\n"), 1)
	s.log.Notes[4] = foreign
	segment, err := s.Segment(t.Context(), auditor(), 0, "")
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := s.Export(t.Context(), segment, &text); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), "old.example.org") || segment.End != 8 {
		t.Errorf("to %d: %s", segment.End, &text)
	}
}

func TestACosignatureIsAddedOnce(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 5, 6, 8)
	s.bare(t)
	for _, size := range []int64{6, 8, 8} {
		before, err := s.log.Trust().Open(s.log.Notes[size])
		if err != nil {
			t.Fatal(err)
		}
		seen, err := s.Cosign(t.Context(), watcher(), s.signed[size])
		if err != nil || !seen.Signed.Witnessed && len(seen.Signed.Cosignatures) != 1 || seen.Signed.Checkpoint != before.Checkpoint {
			t.Fatalf("%+v, %v", seen, err)
		}
		if !bytes.Equal(s.log.Notes[size], s.signed[size]) {
			t.Errorf("kept\n%s\nwant\n%s", s.log.Notes[size], s.signed[size])
		}
	}
	recorded := s.store.Recorded()
	if len(recorded) != 1 || recorded[0].Kind != audit.KindLogWitnessed || recorded[0].ObjectID != "witness.example.net/1" || recorded[0].ActorID != "w1" {
		t.Errorf("recorded %+v", recorded)
	}
}

func TestWhatNoWitnessHasCosignedIsRefused(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 5, 8)
	s.bare(t)
	stranger := newShelf(t, 5)
	for name, test := range map[string]struct {
		note []byte
		want error
	}{
		"no checkpoint":          {[]byte("hello"), archive.ErrCosignature},
		"too long":               {bytes.Repeat([]byte("x"), checkpoint.NoteMax+1), archive.ErrCosignature},
		"nobody's":               {s.log.Notes[5], archive.ErrCosignature},
		"of another log":         {stranger.log.Notes[5], archive.ErrCosignature},
		"of a size that was not": {bytes.Replace(s.signed[5], []byte("\n5\n"), []byte("\n6\n"), 1), archive.ErrUnknownSize},
		"of another root":        {bytes.Replace(s.signed[5], []byte("\n5\n"), []byte("\n8\n"), 1), archive.ErrCosignature},
		"changed":                {changed(s.signed[5]), archive.ErrCosignature},
	} {
		if _, err := s.Cosign(t.Context(), watcher(), test.note); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(s.store.Recorded()) != 0 {
		t.Errorf("recorded %+v", s.store.Recorded())
	}
}

// changed changes the last signature.
func changed(note []byte) []byte {
	c := bytes.Clone(note)
	c[len(c)-20] ^= 1
	return c
}

func TestWithoutAnEntryNothingIsCosignedOrExported(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 5)
	s.bare(t)
	full := errors.New("full")
	a := archive.New(refusing{s.store, full}, func() ([]string, error) { return []string{s.log.Key}, nil }, []string{s.log.WitnessKey}, now)
	if _, err := a.Segment(t.Context(), auditor(), 0, ""); !errors.Is(err, full) {
		t.Errorf("a segment: %v", err)
	}
	dir := t.TempDir()
	if _, err := a.ExportTo(t.Context(), auditor(), dir, nil); !errors.Is(err, full) {
		t.Errorf("an export: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("an export has left %v, %v", left, err)
	}
	before := bytes.Clone(s.log.Notes[5])
	if _, err := a.Cosign(t.Context(), watcher(), s.signed[5]); !errors.Is(err, full) || !bytes.Equal(before, s.log.Notes[5]) {
		t.Errorf("%v", err)
	}
}

// refusing is a store that takes no entry.
type refusing struct {
	*audittest.Store

	err error
}

func (r refusing) Record(context.Context, ...audit.Entry) error { return r.err }
