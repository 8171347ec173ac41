package httpapi_test

import (
	"slices"
	"testing"

	"konklave/access"
	"konklave/approval"
	"konklave/audit"
	"konklave/audit/retention"
	"konklave/httpapi"
)

func TestAShorterRetentionIsShownWithOldAndNewDays(t *testing.T) {
	t.Parallel()
	s := setScene(t)
	shorter := retention.Policy{Security: 90, Administration: 100, Conference: 7}
	if _, waiting, err := s.asking.AskRetention(t.Context(), shorter); err != nil || waiting != approval.Pending {
		t.Fatal(waiting, err)
	}
	list := decode[items[httpapi.Approval]](s.officerInBrowser.get("/api/v1/approvals").want(200)).Items
	if len(list) != 1 {
		t.Fatalf("%+v", list)
	}
	shown := list[0]
	if shown.Action != access.RetentionShorten || shown.RequestedBy.ID != "" || shown.Own || !shown.Decidable ||
		shown.KeptBefore == nil || shown.KeptBefore.Policy() != retention.Default() || shown.KeptAfter == nil || shown.KeptAfter.Policy() != shorter {
		t.Errorf("%+v", shown)
	}
	if list := decode[items[httpapi.Approval]](s.adminInBrowser.get("/api/v1/approvals").want(200)).Items; len(list) != 0 {
		t.Errorf("an administrator sees %+v", list)
	}
	last := s.lastEntry()
	s.officerInBrowser.decide(shown.ID, "approved", "").want(200)
	if inForce, _, err := s.db.Retention(t.Context()); err != nil || inForce != shorter {
		t.Errorf("%s is in force, %v", inForce, err)
	}
	want := `{"after":"` + shorter.String() + `","before":"` + retention.Default().String() + `"}`
	if !slices.ContainsFunc(s.entries(last), func(r audit.Record) bool { return r.Kind == audit.KindRetentionChanged && r.Details == want }) {
		t.Errorf("the log has %+v, want %s", s.entries(last), want)
	}
}
