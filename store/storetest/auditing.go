package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit/checkpoint"
	"konklave/audit/export"
	"konklave/audit/leaf"
	"konklave/audit/signer"
	"konklave/audit/tree"
	"konklave/audit/verifier"
)

// integrate brings all entries into the tree.
func (h *house) integrate(t *testing.T) {
	t.Helper()
	if err := Sequence(t.Context(), h.Store); err != nil {
		t.Fatal(err)
	}
}

// behind changes the database behind the Store.
func (h *house) behind(t *testing.T, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := h.Raw.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func (h *house) postgres() bool { return strings.HasPrefix(h.DSN, "postgres") }

// fabricate brings so many entries that nobody wrote into the tree.
func (h *house) fabricate(t *testing.T, n int) {
	t.Helper()
	bytes := "BLOB"
	if h.postgres() {
		bytes = "BYTEA"
	}
	h.behind(t, fmt.Sprintf(`INSERT INTO audit_log (id, tenant, at, kind, category, leaf, body)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		SELECT 'e' || i, '', i, 'x', 'security', CAST('leaf ' || i AS %s), CAST('body' AS %s) FROM n`, n, bytes, bytes),
		"INSERT INTO audit_waiting SELECT seq FROM audit_log")
	h.integrate(t)
}

// refuse lets the database refuse rows of a table, until allow.
func (h *house) refuse(t *testing.T, table string) {
	t.Helper()
	if !h.postgres() {
		h.behind(t, "CREATE TRIGGER refused BEFORE INSERT ON "+table+" BEGIN SELECT RAISE(ABORT, 'refused'); END")
		return
	}
	h.behind(t, "CREATE OR REPLACE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$",
		"CREATE TRIGGER refused BEFORE INSERT ON "+table+" FOR EACH ROW EXECUTE FUNCTION refused()")
}

func (h *house) allow(t *testing.T, table string) {
	t.Helper()
	if h.postgres() {
		h.behind(t, "DROP TRIGGER refused ON "+table)
		return
	}
	h.behind(t, "DROP TRIGGER refused")
}

// unguard lets whoever has all rights change the log.
func (h *house) unguard(t *testing.T, table string, triggers ...string) {
	t.Helper()
	if h.postgres() {
		h.behind(t, "ALTER TABLE "+table+" DISABLE TRIGGER USER")
		return
	}
	for _, name := range triggers {
		h.behind(t, "DROP TRIGGER "+name)
	}
}

// checkpoint signs the tree as it is.
func (h *house) checkpoint(t *testing.T) (checkpoint.Checkpoint, []byte) {
	t.Helper()
	size, err := h.AuditSize(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	root, err := tree.Root(t.Context(), h.AuditTree(), size)
	if err != nil {
		t.Fatal(err)
	}
	c := checkpoint.Checkpoint{Origin: logOrigin, Size: size, Root: root}
	return c, h.sign(t, c)
}

// certify signs a certificate as the signer does, as early as it may.
func (h *house) certify(_ context.Context, c leaf.Certificate) (leaf.Certificate, error) {
	if c.At = h.clock.Now(); c.At.Before(c.Before.Add(leaf.Floor(c.Category))) {
		c.At = c.Before.Add(leaf.Floor(c.Category))
	}
	return signer.New(h.log.signer, nil).Certify(c)
}

// wantTree checks the log against the reference implementation.
func (h *house) wantTree(t *testing.T, size int) {
	t.Helper()
	if n, err := h.AuditSize(t.Context()); err != nil || n != int64(size) {
		t.Fatalf("size %d, %v; want %d", n, err, size)
	}
	all, err := h.AuditLog(t.Context(), 0, size)
	if err != nil || len(all) != size {
		t.Fatalf("%d entries, %v; want %d", len(all), err, size)
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, i := range indexes {
			found = append(found, stored[i])
		}
		return found, nil
	})
	seen := map[string]bool{}
	for i, e := range all {
		if e.Hash != tlog.RecordHash(e.Leaf) || e.Index != int64(i) || seen[string(e.Leaf)] {
			t.Errorf("entry %d: %+v", i, e)
		}
		seen[string(e.Leaf)] = true
		hashes, err := tlog.StoredHashes(int64(i), e.Leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
	}
	want, err := tlog.TreeHash(int64(size), reader)
	if err != nil {
		t.Fatal(err)
	}
	if root, err := tree.Root(t.Context(), h.AuditTree(), int64(size)); err != nil || root != want {
		t.Errorf("root %v, %v; want %v", root, err, want)
	}
	proof, err := tree.ProveLeaf(t.Context(), h.AuditTree(), int64(size), int64(size-1))
	if err != nil || tlog.CheckRecord(proof, int64(size), want, int64(size-1), all[size-1].Hash) != nil {
		t.Errorf("proof of the last leaf: %v, %v", proof, err)
	}
}

// logKey is the key of a log.
type logKey struct {
	public string
	signer note.Signer
}

const logOrigin = "meet.example.org/audit"

func newLogKey(t *testing.T) logKey {
	t.Helper()
	secret, public, err := checkpoint.NewLogKey(rand.Reader, logOrigin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := checkpoint.LogSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	return logKey{public, signer}
}

// sign makes the note of a checkpoint.
func (h *house) sign(t *testing.T, c checkpoint.Checkpoint) []byte {
	t.Helper()
	text, err := note.Sign(&note.Note{Text: c.Text()}, h.log.signer)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// wantExport exports the log with a checkpoint of its end, and checks what the verifier finds: nothing, or changes.
func (h *house) wantExport(t *testing.T, findings ...string) {
	t.Helper()
	var file bytes.Buffer
	w, err := export.NewWriter(&file, export.Header{Origin: logOrigin, Content: export.ContentSealed})
	if err != nil {
		t.Fatal(err)
	}
	c, text := h.checkpoint(t)
	for index := int64(0); index < c.Size; {
		some, err := h.AuditLog(t.Context(), index, 4)
		if err != nil || len(some) == 0 {
			t.Fatalf("%d entries at %d: %v", len(some), index, err)
		}
		for _, e := range some {
			if err := w.Entry(e); err != nil {
				t.Fatal(err)
			}
		}
		index += int64(len(some))
	}
	if err := errors.Join(w.Checkpoint(text), w.Close()); err != nil {
		t.Fatal(err)
	}
	trust, err := checkpoint.NewTrust([]string{h.log.public}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	files, err := verifier.List(fstest.MapFS{"audit.ndjson": {Data: file.Bytes()}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := verifier.Verify(t.Context(), files, verifier.Options{Trust: &trust, Opener: h.keys})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range r.Findings {
		got = append(got, fmt.Sprintf("%s %d %d", f.Code, f.Start, f.End))
	}
	if !slices.Equal(got, findings) || r.Entries != c.Size || (r.Verdict() == verifier.Intact) != (len(findings) == 0) {
		t.Errorf("verdict %d with %q on %d entries, want %q", r.Verdict(), got, r.Entries, findings)
	}
}
