package archive_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit"
	"konklave/audit/audittest"
	"konklave/audit/checkpoint"
	"konklave/audit/leaf"
	"konklave/audit/retention"
	"konklave/audit/seal"
	"konklave/audit/tree"
	"konklave/vault"
)

// vectorsFile holds what the verifier in the browser is tested with: evidence about entries of real logs, right and forged. The
// verifier here must come to the same verdicts. UPDATE_GOLDEN=1 makes them anew, of new logs with new keys.
const vectorsFile = "testdata/vectors.json"

// evidence is what the browser is given about an entry; see web/src/features/audit/verify/verify.ts.
type evidence struct {
	Index       int64    `json:"index"`
	Now         int64    `json:"now"` // milliseconds since 1970
	Hash        []byte   `json:"hash"`
	Leaf        []byte   `json:"leaf,omitempty"`
	Body        []byte   `json:"body,omitempty"`
	Parts       []part   `json:"parts"`
	Damaged     bool     `json:"damaged,omitzero"`
	Proof       string   `json:"proof,omitzero"`
	Cosigned    string   `json:"cosigned,omitzero"`
	Since       []string `json:"since,omitempty"`
	Keys        []string `json:"keys"`
	WitnessKeys []string `json:"witnessKeys"`
	Earlier     string   `json:"earlier,omitzero"`
	Growth      []string `json:"growth,omitempty"`
}

type part struct {
	Sealed []byte `json:"sealed"`
	Key    []byte `json:"key,omitempty"`
}

type vector struct {
	Name     string   `json:"name"`
	Evidence evidence `json:"evidence"`
	Verdict  string   `json:"verdict"`
	Reasons  []string `json:"reasons"` // of the checks that are not good: check, state, reason
}

func TestTheVectorsForTheBrowserAreJudgedHereToo(t *testing.T) {
	t.Parallel()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		writeVectors(t, (&forger{t: t}).vectors())
	}
	text, err := os.ReadFile(filepath.FromSlash(vectorsFile))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(text, &vectors, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]int{}
	for _, v := range vectors {
		if got := judge(v.Evidence); got != v.Verdict {
			t.Errorf("%s: %s, want %s", v.Name, got, v.Verdict)
		}
		verdicts[v.Verdict]++
	}
	if verdicts["intact"] < 10 || verdicts["broken"] < 15 || verdicts["unknown"] < 4 {
		t.Errorf("%v", verdicts)
	}
}

// The browser has the shortest retention of each category in a file of its own.
func TestTheWebClientKnowsTheShortestRetention(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "web", "src", "features", "audit", "verify", "shortest.json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got map[audit.Category]int
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := map[audit.Category]int{}
	for _, c := range audit.Categories() {
		if days := retention.ShortestDays(c); days > 0 {
			want[c] = days
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("%s has %v, want %v", file, got, want)
	}
}

func writeVectors(t *testing.T, vectors []vector) {
	t.Helper()
	text, err := json.Marshal(vectors, json.Deterministic(true), jsontext.Multiline(true))
	if err == nil {
		err = os.WriteFile(filepath.FromSlash(vectorsFile), append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// judge comes to a verdict with the means of this program.
func judge(e evidence) string {
	var log []string
	for _, key := range e.Keys { // those before the present one may be of another log
		if last := e.Keys[len(e.Keys)-1]; strings.Split(key, "+")[0] == strings.Split(last, "+")[0] {
			log = append(log, key)
		}
	}
	trust, err := checkpoint.NewTrust(log, e.WitnessKeys, 0)
	if err != nil {
		return "broken"
	}
	verdict := judgeContent(e, trust)
	if e.Proof == "" {
		return worse(verdict, "unknown")
	}
	index, signed, err := trust.CheckProof([]byte(e.Proof), leaf.Hash(e.Leaf))
	hash := leaf.Hash(e.Leaf)
	if err != nil || index != e.Index || !bytes.Equal(hash[:], e.Hash) {
		return "broken"
	}
	verdict = worse(verdict, judgeWitnesses(e, trust, signed))
	return worse(verdict, judgeGrowth(e.Earlier, e.Growth, trust, signed))
}

// judgeWitnesses wants all of them to have cosigned the checkpoint, or an earlier one that covers the entry.
func judgeWitnesses(e evidence, trust checkpoint.Trust, signed checkpoint.Signed) string {
	if len(signed.Cosignatures) == len(e.WitnessKeys) {
		return "intact"
	}
	if said, err := checkpoint.Unverified([]byte(e.Cosigned)); err != nil || said.Origin != signed.Origin {
		return "unknown"
	}
	cosigned, err := trust.Open([]byte(e.Cosigned))
	if err != nil {
		return "broken"
	}
	if cosigned.Size <= e.Index || len(cosigned.Cosignatures) < len(e.WitnessKeys) {
		return "unknown"
	}
	return judgeGrowth(e.Cosigned, e.Since, trust, signed)
}

func judgeGrowth(earlier string, growth []string, trust checkpoint.Trust, signed checkpoint.Signed) string {
	if earlier == "" {
		return "intact"
	}
	if said, err := checkpoint.Unverified([]byte(earlier)); err != nil || said.Origin != signed.Origin {
		return "unknown"
	}
	before, err := trust.Open([]byte(earlier))
	if err != nil || before.Size > signed.Size {
		return "broken"
	}
	var hashes tlog.TreeProof
	for _, text := range growth {
		hash, err := tlog.ParseHash(text)
		if err != nil {
			return "broken"
		}
		hashes = append(hashes, hash)
	}
	if hashes == nil && before.Size < signed.Size {
		return "unknown"
	}
	if tree.CheckGrowth(hashes, signed.Size, signed.Root, before.Size, before.Root) != nil {
		return "broken"
	}
	return "intact"
}

func judgeContent(e evidence, trust checkpoint.Trust) string {
	l, err := leaf.Decode(e.Leaf)
	if err != nil {
		return "broken"
	}
	gone := "unknown"
	if days := retention.ShortestDays(l.Category); days == 0 || time.UnixMilli(e.Now).Sub(l.At) < time.Duration(days)*24*time.Hour {
		gone = "broken"
	}
	if e.Body == nil {
		return gone
	}
	body, err := leaf.DecodeBody(e.Body)
	if err != nil || sha256.Sum256(e.Body) != l.Body {
		return "broken"
	}
	if body.Certificate != nil && !isTrue(*body.Certificate, trust, e.Keys) {
		return "broken"
	}
	if len(e.Parts) == 0 && len(l.Personal) > 0 {
		return gone
	}
	if len(e.Parts) != len(l.Personal) {
		return "broken"
	}
	for i, p := range e.Parts {
		if sha256.Sum256(p.Sealed) != l.Personal[i] || e.Damaged && p.Key == nil {
			return "broken"
		}
		if p.Key == nil {
			continue
		}
		if _, err := seal.OpenPart(&vault.Vault{}, p.Key, body.Entry.ID, body.Keys[i], p.Sealed); err != nil {
			return "broken"
		}
	}
	return "intact"
}

func isTrue(c leaf.Certificate, trust checkpoint.Trust, keys []string) bool {
	trust, err := trust.WithEarlier(keys)
	if err != nil {
		return false
	}
	text, err := c.Text()
	return err == nil && trust.CheckStatement(c.Log, text, c.Signature) == nil
}

// worse is that of two verdicts which weighs more.
func worse(a, b string) string {
	order := []string{"intact", "unknown", "broken"}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// forger makes vectors.
type forger struct {
	t    *testing.T
	made []vector
}

// of is what the archive gives about an entry, for a browser that has seen a log of an earlier size, or none.
func (f *forger) of(s *shelf, index, earlier int64) evidence {
	f.t.Helper()
	w, err := s.Show(f.t.Context(), auditor(), index)
	if err != nil {
		f.t.Fatal(err)
	}
	e := evidence{Index: index, Now: at(0).AddDate(1, 0, 0).UnixMilli(), Hash: w.Hash[:], Leaf: w.Leaf, Body: w.Body, Keys: []string{s.log.Key}, WitnessKeys: s.WitnessKeys(), Parts: []part{}}
	for _, p := range w.Parts {
		e.Parts = append(e.Parts, part(p))
	}
	if p, err := s.Entry(f.t.Context(), auditor(), index); err == nil {
		e.Proof, e.Cosigned = string(p.Proof), string(p.Cosigned)
	}
	if earlier == 0 {
		return e
	}
	e.Earlier, e.Growth = string(s.log.Notes[earlier]), f.growth(s, earlier)
	return e
}

// growth proves that the log has grown from an earlier size.
func (f *forger) growth(s *shelf, earlier int64) (hashes []string) {
	f.t.Helper()
	last, err := s.Checkpoint(f.t.Context(), auditor())
	if err != nil {
		f.t.Fatal(err)
	}
	growth, err := s.Growth(f.t.Context(), auditor(), earlier, last.Signed.Size)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, hash := range growth {
		hashes = append(hashes, hash.String())
	}
	return hashes
}

func (f *forger) add(name string, e evidence, reasons ...string) {
	verdict := "intact"
	for _, r := range reasons {
		switch strings.Fields(r)[1] {
		case "bad":
			verdict = "broken"
		case "unknown":
			verdict = worse(verdict, "unknown")
		}
	}
	f.made = append(f.made, vector{name, e, verdict, append([]string{}, reasons...)})
}

func (f *forger) vectors() []vector {
	const first = "growth none first"
	s := newShelf(f.t, 5, 8, 13)
	for _, index := range []int64{0, 4, 7, 8, 12} {
		f.add(fmt.Sprint("entry ", index), f.of(s, index, 0), first)
	}
	for _, earlier := range []int64{5, 8, 13} {
		f.add(fmt.Sprint("grown from ", earlier), f.of(s, 1, earlier))
	}
	one := newShelf(f.t, 1)
	f.add("a log of one entry", f.of(one, 0, 0), first)
	f.add("not signed yet", f.of(s, 13, 0), "place unknown unsigned")
	f.forgeEntries(s)
	f.forgeCheckpoints(s)
	f.letGo()
	return f.made
}

// forgeEntries changes what is given about an entry.
func (f *forger) forgeEntries(s *shelf) {
	const first = "growth none first"
	other := f.of(s, 10, 0) // of the same kind as entry 4
	change := func(name string, reason string, do func(*evidence)) {
		e := f.of(s, 4, 0)
		do(&e)
		f.add(name, e, strings.Split(reason+","+first, ",")...)
	}
	change("another body", "content bad changed", func(e *evidence) { e.Body = other.Body })
	change("another leaf", "place bad changed,content bad changed", func(e *evidence) { e.Leaf = other.Leaf })
	change("all of another entry", "place bad changed", func(e *evidence) { e.Leaf, e.Body, e.Parts = other.Leaf, other.Body, other.Parts })
	change("all of another entry and its hash", "place bad tree", func(e *evidence) { e.Hash, e.Leaf, e.Body, e.Parts = other.Hash, other.Leaf, other.Body, other.Parts })
	change("another hash in the tree", "place bad stored", func(e *evidence) { e.Hash = other.Hash })
	change("a row that is gone", "place bad gone", func(e *evidence) { e.Leaf, e.Body, e.Parts = nil, nil, []part{} })
	change("another sealed part", "personal bad changed", func(e *evidence) { e.Parts[0].Sealed = other.Parts[0].Sealed })
	change("a part too many", "personal bad changed", func(e *evidence) { e.Parts = append(e.Parts, other.Parts[0]) })
	change("parts in another order", "personal bad changed", func(e *evidence) { slices.Reverse(e.Parts) })
	change("another key of a part", "personal bad key", func(e *evidence) { e.Parts[0].Key = other.Parts[0].Key })
	change("a key that was changed in the database", "personal bad key", func(e *evidence) { e.Parts[0].Key, e.Parts[1].Key, e.Damaged = nil, nil, true })
	e := f.of(s, 4, 0)
	e.Proof = other.Proof
	f.add("the proof of another entry", e, "place bad malformed")
	e = f.of(s, 4, 0)
	lines := strings.SplitAfter(e.Proof, "\n")
	lines[2], lines[3] = lines[3], lines[2]
	e.Proof = strings.Join(lines, "")
	f.add("hashes of the proof exchanged", e, "place bad tree", first)
}

// forgeCheckpoints changes what the log and its witness have signed, and what the browser has seen before.
func (f *forger) forgeCheckpoints(s *shelf) {
	const first = "growth none first"
	e := f.of(s, 4, 0)
	e.WitnessKeys = []string{}
	f.add("nobody watches", e, "witnesses none nobody", first)
	f.beLate(s)

	stranger := newShelf(f.t, 13)
	e = f.of(s, 4, 0)
	e.Keys = []string{stranger.log.Key}
	f.add("signed with another key", e, "signature bad unsigned", "witnesses unknown signature", first)
	e = f.of(s, 4, 8)
	e.Keys = []string{s.log.Key, renamed(f.t, "other.example.org/audit")}
	f.add("the present log is another one", e, "signature bad origin")
	e = f.of(stranger, 4, 0)
	e.Earlier = string(s.log.Notes[8])
	f.add("the key of the log was exchanged", e, "growth bad key")

	e = f.of(s, 4, 0)
	e.Earlier = "x"
	f.add("what was kept cannot be read", e, "growth unknown unreadable")
	e.Earlier = strings.ReplaceAll(string(s.log.Notes[8]), audittest.Origin, "other.example.org/audit")
	f.add("what was kept is of another log", e, "growth unknown another")
	e = f.of(s, 4, 8)
	e.Growth = nil
	f.add("growth is not proven", e, "growth unknown unproven")
	e = f.of(s, 4, 5)
	e.Growth[0], e.Growth[1] = e.Growth[1], e.Growth[0]
	f.add("growth is proven wrongly", e, "growth bad forked")

	short := f.of(s, 4, 13)
	if err := s.log.Cut(f.t.Context(), 8); err != nil {
		f.t.Fatal(err)
	}
	e = f.of(s, 4, 0)
	e.Earlier = short.Earlier
	f.add("cut off", e, "growth bad cut")
	s.log.Forget()
	for len(s.log.Entries) < 13 {
		if err := s.log.Record(f.t.Context(), audit.MeetingDeleted(audit.Origin{At: now(), Actor: member()}, "x")); err != nil {
			f.t.Fatal(err)
		}
	}
	if err := s.log.Sign(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	e = f.of(s, 4, 0)
	e.Earlier = short.Earlier
	f.add("another log of the same size", e, "growth bad forked")
	for name, by := range map[string]int{"the signature of the log": 3, "the cosignature": 2} {
		e = f.of(s, 4, 0)
		lines := strings.Split(e.Proof, "\n")
		at := len(lines) - by
		name2, signature, _ := strings.Cut(strings.TrimPrefix(lines[at], "— "), " ")
		raw, err := base64.StdEncoding.DecodeString(signature)
		if err != nil {
			f.t.Fatal(err)
		}
		raw[len(raw)-1] ^= 1
		lines[at] = "— " + name2 + " " + base64.StdEncoding.EncodeToString(raw)
		e.Proof = strings.Join(lines, "\n")
		f.add(name+" is wrong", e, "signature bad forged", "witnesses unknown signature", first)
	}
}

// beLate takes the cosignature off the newest checkpoint.
func (f *forger) beLate(s *shelf) {
	const late = "witnesses unknown late"
	bare := func(note string) string { return note[:strings.LastIndex(strings.TrimSuffix(note, "\n"), "\n")+1] }
	since := f.growth(s, 8)
	change := func(name string, index int64, do func(*evidence), reasons ...string) {
		e := f.of(s, index, 0)
		e.Proof, e.Cosigned, e.Since = bare(e.Proof), string(s.log.Notes[8]), since
		do(&e)
		f.add(name, e, append(reasons, "growth none first")...)
	}
	change("the witness is late", 4, func(e *evidence) { e.Cosigned, e.Since = "", nil }, late)
	change("the witness is late, but not for this entry", 7, func(*evidence) {})
	change("the witness is late for this entry", 8, func(*evidence) {}, late)
	change("what the witness cosigned is not cosigned", 4, func(e *evidence) { e.Cosigned = bare(e.Cosigned) }, late)
	change("what the witness cosigned is of another log", 4, func(e *evidence) {
		e.Cosigned = strings.ReplaceAll(e.Cosigned, audittest.Origin, "other.example.org/audit")
	}, late)
	change("growth from what the witness cosigned is not proven", 4, func(e *evidence) { e.Since = nil }, late)
	change("growth from what the witness cosigned is proven wrongly", 4, func(e *evidence) { e.Since = f.growth(s, 5) }, "witnesses bad forked")
	change("what the witness cosigned was changed", 4, func(e *evidence) { e.Cosigned = strings.Replace(e.Cosigned, "\n8\n", "\n7\n", 1) }, "witnesses bad forged")
}

func renamed(t *testing.T, origin string) string {
	t.Helper()
	_, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// letGo erases a person and removes entries.
func (f *forger) letGo() {
	s := newShelf(f.t, 13)
	s.log.Keys.Erase("user0")
	f.add("erased", f.of(s, 0, 0), "personal none erased", "growth none first")
	certificate := leaf.Certificate{
		Start: 0, End: 12, Category: audit.CategoryConference, Before: now(), Scope: leaf.ScopePersonal, Policy: "p", Reason: "r",
	}
	var at int64 // of the last certificate
	for i, want := range []string{"personal unknown removed", "content unknown removed"} {
		at = int64(len(s.log.Entries))
		if err := s.log.Certify(f.t.Context(), certificate); err != nil {
			f.t.Fatal(err)
		}
		f.add([]string{"personal parts removed", "removed"}[i], f.of(s, 2, 0), want, "growth none first")
		certificate.Scope = leaf.ScopeEntry
	}
	if err := s.log.Sign(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	f.takeTooSoon(s, at)
	f.add("a certificate", f.of(s, at, 0), "growth none first")
	f.certifyByHand(certificate)
}

// certifyByHand removes entries under certificates that the signer of the log has not made.
func (f *forger) certifyByHand(c leaf.Certificate) {
	c.Scope = leaf.ScopeEntry
	s, another := newShelf(f.t, 13), newShelf(f.t, 13)
	byHand := func(name string, by *shelf, change func(*leaf.Certificate)) {
		made, err := by.log.Certified(c)
		if err == nil {
			change(&made)
			err = s.log.Prune(f.t.Context(), made)
		}
		if err == nil {
			err = s.log.Sign(f.t.Context())
		}
		if err != nil {
			f.t.Fatal(err)
		}
		f.add(name, f.of(s, int64(len(s.log.Entries))-1, 0), "content bad forged", "growth none first")
	}
	byHand("a certificate made by hand", another, func(*leaf.Certificate) {})
	byHand("a certificate in which something else is signed", s, func(c *leaf.Certificate) { c.Reason = "another" })
	byHand("a certificate of a time that is not signed", s, func(c *leaf.Certificate) { c.At = c.At.Add(time.Second) })
	byHand("a certificate of a log that nobody knows", s, func(c *leaf.Certificate) { c.Log = "other.example.org/audit" })
}

// takeTooSoon takes content away before and after it may go.
func (f *forger) takeTooSoon(s *shelf, certificate int64) {
	const first = "growth none first"
	for index, days := range map[int64]int{0: retention.MinSecurityDays, 4: retention.MinDays, 5: retention.MinDays} {
		for name, early := range map[string]int64{"too soon": 1, "in time": 0} {
			e := f.of(s, index, 0)
			e.Body, e.Parts, e.Now = nil, []part{}, at(int(index)).AddDate(0, 0, days).UnixMilli()-early
			f.add(fmt.Sprintf("entry %d removed %s", index, name), e, []string{"content unknown removed", "content bad young"}[early], first)
		}
	}
	e := f.of(s, 4, 0)
	e.Parts, e.Now = []part{}, at(4).AddDate(0, 0, retention.MinDays).UnixMilli()-1
	f.add("personal parts removed too soon", e, "personal bad young", first)
	e = f.of(s, certificate, 0)
	e.Body = nil
	f.add("a certificate removed", e, "content bad young", first)
}
