package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"konklave/approval"
	"konklave/httpapi"
)

// An export as an auditor does it in the browser: asked for, agreed to by somebody else, begun, and over.
func TestAnExportIsAskedForAgreedToAndFetched(t *testing.T) {
	t.Parallel()
	s := setScene(t)
	s.sign()
	const path = "/api/v1/audit/export"
	s.auditorInBrowser.get(path).problem(http.StatusForbidden, "access.approval_required")
	asked := decode[httpapi.Approval](s.auditorInBrowser.post("/api/v1/approvals/audit-export", map[string]any{"reason": "review"}).want(http.StatusCreated))
	if asked.State != approval.Pending || asked.Decidable || !asked.Own || asked.Start == nil || *asked.Start != 0 {
		t.Errorf("asked %+v", asked)
	}
	s.auditorInBrowser.get(path).problem(http.StatusForbidden, "access.approval_required")
	if a := s.auditorInBrowser.decide(asked.ID, "approved", ""); a.status == http.StatusOK {
		t.Error("who asked agrees to it")
	}
	agreed := decode[httpapi.Approval](s.officerInBrowser.decide(asked.ID, "approved", "go on").want(http.StatusOK))
	if agreed.State != approval.Approved || agreed.DecidedBy == nil || agreed.DecidedBy.ID != s.officer.ID || agreed.UsedAt != nil {
		t.Errorf("agreed %+v", agreed)
	}
	another := s.signedIn(s.account("auditor2@example.org", "auditor"))
	another.get(path).problem(http.StatusForbidden, "access.approval_required")
	size, _ := s.sign()
	whole := s.auditorInBrowser.get(path).want(http.StatusOK)
	if !strings.Contains(whole.body, `"size":`+number(size)) || strings.Contains(whole.body, s.member.Email) {
		t.Errorf("%.300s", whole.body)
	}
	s.auditorInBrowser.get(path + "?from=" + number(size)).want(http.StatusOK) // goes on where the last one ended
	used := decode[items[httpapi.Approval]](s.auditorInBrowser.get("/api/v1/approvals").want(http.StatusOK)).Items[0]
	if used.ID != asked.ID || used.State != approval.Used || used.UsedAt == nil {
		t.Errorf("used %+v", used)
	}
	s.clock.advance(approval.ExportWindow)
	again := s.signedIn(s.auditor) // with a fresh proof
	again.get(path).problem(http.StatusForbidden, "access.approval_required")
}
