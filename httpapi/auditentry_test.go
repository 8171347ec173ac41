package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"konklave/audit"
	"konklave/audit/archive"
	"konklave/audit/leaf"
	"konklave/httpapi"
)

func TestAuditorsSearchTheLogAndGetWhatProvesAnEntry(t *testing.T) {
	t.Parallel()
	s := setScene(t)
	s.asMember.post("/api/v1/meetings", nil).want(201)
	size, _ := s.sign()
	pages, after := 0, ""
	var items []httpapi.AuditEntry
	for ; pages == 0 || after != ""; pages++ {
		p := decode[httpapi.AuditPage](s.asAuditor.get("/api/v1/audit/entries?limit=3&about=" + s.member.ID + "&after=" + after).want(200))
		items, after = append(items, p.Items...), p.Next
		if p.Size != size || p.Back.IsZero() {
			t.Errorf("%+v", p)
		}
	}
	last := s.lastEntry()
	if pages < 2 || last != size+1 {
		t.Errorf("%d pages, entries up to %d of %d", pages, last, size)
	}
	for i, e := range items {
		if e.ActorUser != s.member.ID && e.ObjectID != s.member.ID || i > 0 && e.Index >= items[i-1].Index || e.State != archive.StateWhole || e.ID == "" || e.Outcome == "" {
			t.Errorf("%+v", e)
		}
		got := decode[httpapi.WholeAuditEntry](s.asAuditor.get("/api/v1/audit/entries/" + number(e.Index)).want(200))
		proof := decode[httpapi.EntryProof](s.asAuditor.get("/api/v1/audit/entries/" + number(e.Index) + "/proof").want(200))
		at, _, err := s.trust().CheckProof([]byte(proof.Proof), leaf.Hash(got.Leaf))
		hash := leaf.Hash(got.Leaf)
		if err != nil || at != e.Index || string(got.Hash) != string(hash[:]) || got.Entry.ID != e.ID || len(got.Parts) == 0 || len(got.Parts[0].Key) == 0 {
			t.Errorf("%+v, %d, %v", got, at, err)
		}
	}
	if e := items[0]; e.Kind != audit.KindMeetingCreated || e.Details["guestsAllowed"] != true {
		t.Errorf("%+v", e)
	}
	for query, code := range map[string]string{
		"kind=x": "audit.filter", "about=" + strings.Repeat("x", archive.IDMax+1): "audit.filter", "as=actor": "audit.filter", "after=x": "audit.cursor",
		"from=" + url.QueryEscape("2026-11-22T00:00:00Z") + "&until=" + url.QueryEscape("2026-11-21T00:00:00Z"): "audit.filter",
		"from=yesterday": "parameter.invalid", "limit=x": "parameter.invalid",
	} {
		status := http.StatusBadRequest
		if code == "parameter.invalid" {
			status = http.StatusUnprocessableEntity
		}
		s.asAuditor.get("/api/v1/audit/entries?"+query).problem(status, code)
	}
	for _, c := range []*client{s.asAdmin, s.asMember} {
		c.get("/api/v1/audit/entries").problem(http.StatusForbidden, "access.denied")
		c.get("/api/v1/audit/entries/0").problem(http.StatusForbidden, "access.denied")
	}
	s.nobody.get("/api/v1/audit/entries").problem(http.StatusUnauthorized, "access.signin_required")
	s.asAuditor.get("/api/v1/audit/entries/100000").problem(http.StatusNotFound, "audit.range")
}
