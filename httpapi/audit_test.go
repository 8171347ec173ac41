package httpapi_test

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit/archive"
	"konklave/audit/checkpoint"
	"konklave/audit/leaf"
	"konklave/audit/sequencer"
	"konklave/audit/signer"
	"konklave/audit/tree"
	"konklave/audit/verifier"
	"konklave/httpapi"
	"konklave/store"
	"konklave/vault"
)

// auditDesk is the signer of an installation, and a witness.
type auditDesk struct {
	held    *signer.Directory
	witness note.Signer
	archive *archive.Archive
	alarm   bool
}

func newAuditDesk(t *testing.T, db *store.Store, c *clock) *auditDesk {
	t.Helper()
	held, err := signer.OpenDirectory(filepath.Join(t.TempDir(), "signer"), "meet.example.org", c.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = held.Close() })
	secret, public, err := checkpoint.NewWitnessKey(rand.Reader, "witness.example.net/1")
	if err != nil {
		t.Fatal(err)
	}
	d := &auditDesk{held: held}
	if d.witness, err = checkpoint.WitnessSigner(secret, c.now); err != nil {
		t.Fatal(err)
	}
	keys := func() ([]string, error) { return []string{held.Log.Key}, nil }
	d.archive = archive.New(db, keys, []string{public}, c.now)
	return d
}

// sign has everything that was logged signed, and returns the checkpoint.
func (e *env) sign() (size int64, signed []byte) {
	e.t.Helper()
	ctx := e.t.Context()
	must := func(err error) {
		e.t.Helper()
		if err != nil {
			e.t.Fatal(err)
		}
	}
	_, err := sequencer.New(e.db, slog.New(slog.DiscardHandler)).Integrate(ctx)
	must(err)
	size, err = e.db.AuditSize(ctx)
	must(err)
	last, err := e.desk.held.Signer().Last(ctx)
	must(err)
	r := signer.Request{Size: size}
	r.Root, err = tree.Root(ctx, e.db.AuditTree(), size)
	must(err)
	r.Proof, err = tree.ProveGrowth(ctx, e.db.AuditTree(), size, last.Size)
	must(err)
	signed, err = e.desk.held.Signer().Sign(ctx, r)
	must(err)
	must(e.db.SaveCheckpoint(ctx, checkpoint.Checkpoint{Origin: e.desk.held.Log.Origin, Size: size, Root: r.Root}, signed))
	return size, signed
}

// cosigned has everything signed, and returns the checkpoint with the signature of the witness, which nobody has seen yet.
func (e *env) cosigned() string {
	e.t.Helper()
	_, signed := e.sign()
	var all *note.UnverifiedNoteError
	if _, err := note.Open(signed, nil); !errors.As(err, &all) {
		e.t.Fatal(err)
	}
	text, err := note.Sign(all.Note, e.desk.witness)
	if err != nil {
		e.t.Fatal(err)
	}
	return string(text)
}

// trust is that in the log and its witness.
func (e *env) trust() checkpoint.Trust {
	e.t.Helper()
	trust, err := checkpoint.NewTrust([]string{e.desk.held.Log.Key}, nil, 0)
	if err != nil {
		e.t.Fatal(err)
	}
	return trust
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func TestWhoMayReadTheAuditLogGetsItWithProofs(t *testing.T) {
	t.Parallel()
	s := setScene(t)
	s.asAuditor.get("/api/v1/audit/checkpoint").problem(http.StatusNotFound, "checkpoint.none")
	earlier, first := s.sign()
	s.asMember.post("/api/v1/meetings", nil).want(201)
	size, _ := s.sign()
	browser := s.signedIn(s.auditor)
	for _, c := range []*client{s.asAuditor, browser} {
		got := decode[httpapi.Checkpoint](c.get("/api/v1/audit/checkpoint").want(200))
		opened, err := s.trust().Open([]byte(got.Note))
		if err != nil || opened.Size != size || got.Size != size || got.Origin != opened.Origin || got.Root != opened.Root.String() || len(got.Keys) != 1 || got.Keys[0] != s.desk.held.Log.Key {
			t.Fatalf("%+v, %v", got, err)
		}
		proof := decode[httpapi.GrowthProof](c.get("/api/v1/audit/proof?earlier=" + number(earlier) + "&size=" + number(size)).want(200))
		var hashes tlog.TreeProof
		for _, text := range proof.Hashes {
			hash, err := tlog.ParseHash(text)
			if err != nil {
				t.Fatal(err)
			}
			hashes = append(hashes, hash)
		}
		before, err := s.trust().Open(first)
		if err != nil || tree.CheckGrowth(hashes, size, opened.Root, earlier, before.Root) != nil {
			t.Errorf("growth: %v, %v", proof, err)
		}
		for index := range size {
			got := decode[httpapi.EntryProof](c.get("/api/v1/audit/entries/" + number(index) + "/proof").want(200))
			if at, _, err := s.trust().CheckProof([]byte(got.Proof), leaf.Hash([]byte(got.Leaf))); err != nil || at != index {
				t.Errorf("entry %d: %v", index, err)
			}
		}
	}
	for path, code := range map[string]string{
		"/api/v1/audit/proof?earlier=0&size=" + number(size+1): "audit.range", "/api/v1/audit/proof?earlier=2&size=1": "audit.range",
		"/api/v1/audit/entries/" + number(size) + "/proof": "audit.range", "/api/v1/audit/entries/-1/proof": "audit.range",
		"/api/v1/audit/export?from=" + number(size+1): "audit.range", "/api/v1/audit/export?from=-1": "audit.range",
	} {
		s.asAuditor.get(path).problem(http.StatusNotFound, code)
	}
	for _, path := range []string{"/api/v1/audit/proof?earlier=x&size=1", "/api/v1/audit/entries/1e9/proof", "/api/v1/audit/export?from=9223372036854775808"} {
		if a := s.asAuditor.get(path); a.status != http.StatusBadRequest && a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "parameter.invalid") {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

func TestAnExportOverTheNetworkIsVerified(t *testing.T) {
	t.Parallel()
	s := setScene(t)
	s.sign()
	s.asAuditor.get("/api/v1/audit/export").problem(http.StatusForbidden, "access.approval_required")
	s.allowExport()
	middle, _ := s.sign()
	s.asMember.post("/api/v1/meetings", nil).want(201)
	size, _ := s.sign()
	dir := t.TempDir()
	for name, from := range map[string]int64{"whole": 0, "rest": middle} {
		a := s.asAuditor.get("/api/v1/audit/export?from=" + number(from) + "&approval=" + s.approvalID).want(200)
		if a.header.Get("Content-Type") != "application/x-ndjson" || !strings.HasSuffix(a.body, `{"type":"end","size":`+number(size)+"}\n") && !strings.Contains(a.body, `"size":`+number(size)) {
			t.Errorf("%s: %v, %.200s", name, a.header, a.body)
		}
		path := filepath.Join(dir, name+".ndjson")
		if err := os.WriteFile(path, []byte(a.body), 0o600); err != nil {
			t.Fatal(err)
		}
		files, err := verifier.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		trust := s.trust()
		r, err := verifier.Verify(t.Context(), files, verifier.Options{Trust: &trust, Opener: (*vault.Vault)(nil)})
		if err != nil || r.Entries != size-from || from == 0 && r.Verdict() != verifier.Intact || r.Verdict() == verifier.Tampered {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		for _, secret := range []string{s.member.Email, s.member.ID, "192.0.2."} {
			if strings.Contains(a.body, secret) {
				t.Errorf("%s: %s is in clear", name, secret)
			}
		}
	}
}

func TestNobodyElseReadsTheAuditLogOrCosignsIt(t *testing.T) {
	t.Parallel()
	s := setScene(t)
	cosigned := s.cosigned()
	for _, path := range []string{"/entries/0/proof", "/export"} {
		s.asWitness.get("/api/v1/audit"+path).problem(http.StatusForbidden, "access.denied")
	}
	for _, path := range []string{"/checkpoint", "/proof?earlier=0&size=1"} {
		s.asWitness.get("/api/v1/audit" + path).want(200)
	}
	for _, path := range []string{"/checkpoint", "/proof?earlier=0&size=1", "/entries/0/proof", "/export"} {
		s.asMember.get("/api/v1/audit"+path).problem(http.StatusForbidden, "access.denied")
		s.asAdmin.get("/api/v1/audit"+path).problem(http.StatusForbidden, "access.denied") // who runs it does not read it
		s.inBrowser.get("/api/v1/audit"+path).problem(http.StatusForbidden, "access.denied")
		s.nobody.get("/api/v1/audit"+path).problem(http.StatusUnauthorized, "access.signin_required")
	}
	for _, c := range []*client{s.asMember, s.asAdmin, s.asAuditor} { // L-17: an auditor changes nothing
		c.post("/api/v1/audit/cosignatures", map[string]any{"note": cosigned}).problem(http.StatusForbidden, "access.denied")
	}
}

func TestACosignatureIsCheckedAndShown(t *testing.T) {
	t.Parallel()
	s := setScene(t)
	cosigned := s.cosigned()
	give := func(text string) answer {
		return s.asWitness.post("/api/v1/audit/cosignatures", map[string]any{"note": text})
	}
	bare := cosigned[:strings.LastIndex(strings.TrimSpace(cosigned), "\n")+1]
	for text, code := range map[string]string{
		"": "cosignature.invalid", "x": "cosignature.invalid", bare: "cosignature.invalid",
		strings.Replace(cosigned, "meet.example.org", "else.example.org", 1): "cosignature.invalid",
		strings.Repeat("x", checkpoint.NoteMax+1):                            "cosignature.invalid",
	} {
		give(text).problem(http.StatusBadRequest, code)
	}
	size := s.lastSize()
	give(strings.Replace(cosigned, "\n"+number(size)+"\n", "\n"+number(size+1)+"\n", 1)).problem(http.StatusNotFound, "checkpoint.unknown")
	before := s.lastEntry()
	for range 2 {
		got := decode[httpapi.Checkpoint](give(cosigned).want(200))
		if len(got.Witnesses) != 1 || got.Witnesses[0].Witness != "witness.example.net/1" || !got.Witnesses[0].At.Equal(s.clock.now()) {
			t.Errorf("%+v", got)
		}
	}
	if n := len(s.entries(before)); n != 1 {
		t.Errorf("%d entries for two cosignatures of a day", n)
	}
	if got := decode[httpapi.Checkpoint](s.asAuditor.get("/api/v1/audit/checkpoint").want(200)); got.Note != cosigned {
		t.Errorf("shown\n%s\nwant\n%s", got.Note, cosigned)
	}
}

// lastSize is how large the log was when it was signed last.
func (e *env) lastSize() int64 {
	e.t.Helper()
	text, err := e.db.Checkpoint(e.t.Context(), math.MaxInt64)
	if err != nil {
		e.t.Fatal(err)
	}
	c, err := checkpoint.Unverified(text)
	if err != nil {
		e.t.Fatal(err)
	}
	return c.Size
}

func TestReadinessTellsOfAnAlarm(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	if a := e.browser().get("/readyz").want(200); a.body != "ok\n" {
		t.Errorf("%q", a.body)
	}
	e.desk.alarm = true
	if a := e.browser().get("/readyz").want(200); !strings.HasPrefix(a.body, "ok\nalarm: the audit log is not signed") {
		t.Errorf("%q", a.body)
	}
}
