package httpapi_test

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"konklave/access"
	"konklave/auth"
	"konklave/config"
	"konklave/finding"
	"konklave/httpapi"
)

// noticed keeps a finding.
func (e *env) noticed() finding.Finding {
	e.t.Helper()
	f := finding.New(access.DefaultTenant, e.clock.now(), finding.AdminHour, "", "x", 0, finding.Evidence{Entries: []string{"a"}, Hour: "03:00"})
	if err := e.db.KeepFinding(e.t.Context(), f); err != nil {
		e.t.Fatal(err)
	}
	return f
}

func TestFindingsAreTakenUpAndClosed(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	path := "/api/v1/findings/" + e.noticed().ID
	officer, auditor := e.signedIn(e.account("sec@example.org", "security_officer")), e.signedIn(e.account("audit@example.org", "auditor"))
	change := func(c *client, state, note string) answer {
		return c.json(http.MethodPatch, path, map[string]any{"version": "open", "state": state, "note": note})
	}
	change(auditor, "taken", "").problem(http.StatusForbidden, "access.denied")
	change(officer, "gone", "").problem(http.StatusBadRequest, "finding.state_invalid")
	change(officer, "closed", "").problem(http.StatusBadRequest, "finding.note_invalid")
	officer.json(http.MethodPatch, "/api/v1/findings/x", map[string]any{"version": "open", "state": "taken"}).problem(http.StatusNotFound, "finding.unknown")
	auditor.get("/api/v1/findings/x").problem(http.StatusNotFound, "finding.unknown")
	if f := decode[httpapi.Finding](auditor.get(path).want(200)); f.State != finding.Open || f.HandledAt != nil || !slices.Equal(f.Numbers, []int64{-1}) || f.Evidence.Hour != "03:00" {
		t.Errorf("%+v", f)
	}
	if f := decode[httpapi.Finding](change(officer, "closed", "It was me.").want(200)); f.State != finding.Closed || f.Note != "It was me." || f.HandledBy == "" || f.HandledAt == nil || f.Version == "open" {
		t.Errorf("%+v", f)
	}
	second := e.signedIn(e.account("sec2@example.org", "security_officer"))
	change(second, "taken", "").problem(http.StatusConflict, "finding.changed")
	if f := decode[httpapi.Finding](auditor.get(path).want(200)); f.State != finding.Closed || f.Note != "It was me." {
		t.Errorf("two handled it: %+v", f)
	}
}

// A request that is good asks nobody whether its secret was retired; one that is refused is looked at.
func TestARetiredSecretIsFoundWhereItIsRefused(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	u := e.account("a@example.org", access.Ordinary)
	thief, owner, machine := e.signedIn(u), e.signedIn(u), e.program(u)
	for name, value := range thief.cookies { // a copy
		owner.cookies[name] = value
	}
	owner.delete("/api/v1/session").want(http.StatusOK)
	e.exec("INSERT INTO retired_secrets (hash, tenant, kind, user_id, sign_in, entry, retired_at) SELECT hash, tenant, 'token', user_id, id, '', 1 FROM api_tokens")
	machine.get("/api/v1/me").want(200)
	e.exec("DELETE FROM api_tokens")
	e.clock.advance(auth.ReuseGrace)
	for range 3 {
		thief.get("/api/v1/me").problem(http.StatusUnauthorized, "session.invalid")
		machine.get("/api/v1/me").problem(http.StatusUnauthorized, "token.invalid")
	}
	m, secret := e.machine(access.MeetingsRead)
	program := e.browser()
	program.token = decode[httpapi.TokenResponse](program.tokenFor(m.ID, secret).want(200)).AccessToken
	if err := e.machines.Remove(t.Context(), access.System("test"), m.ID); err != nil {
		t.Fatal(err)
	}
	e.clock.advance(auth.ReuseGrace)
	program.get("/api/v1/meetings").problem(http.StatusUnauthorized, "token.invalid")
	officer := e.signedIn(e.account("sec@example.org", "security_officer"))
	var kinds []finding.Kind
	for _, f := range decode[items[httpapi.Finding]](officer.get("/api/v1/findings").want(200)).Items {
		kinds = append(kinds, f.Kind)
		if (f.UserID != u.ID) != (f.Kind == finding.AccessReused) || f.State != finding.Open {
			t.Errorf("%+v", f)
		}
	}
	slices.Sort(kinds)
	if !slices.Equal(kinds, []finding.Kind{finding.AccessReused, finding.TokenReused, finding.SessionReused}) {
		t.Errorf("found %v", kinds)
	}
}

// keeper is a finding.Keeper.
type keeper chan finding.Finding

func (k keeper) KeepFinding(ctx context.Context, f finding.Finding) error {
	select {
	case k <- f:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	e := start(t, options{limits: func(l *config.Limits) { l.SessionBurst, l.SourceBurst = config.MaxBurst, config.MaxBurst }})
	u := e.account("a@example.org", access.Ordinary)
	c := e.signedIn(u)
	for range finding.PersonSpike + 1 {
		c.get("/api/v1/me").want(200)
	}
	kept := make(keeper)
	go func() { _ = e.traffic.Run(t.Context(), kept, slog.New(slog.DiscardHandler)) }()
	if f := <-kept; f.Kind != finding.TrafficSpike || f.UserID != u.ID || f.Evidence.Requests != finding.PersonSpike+1 {
		t.Errorf("%+v", f)
	}
}

func TestEveryKindOfFindingHasItsPlaceAndItsWords(t *testing.T) {
	t.Parallel()
	kind, _ := reflect.TypeFor[httpapi.Finding]().FieldByName("Kind")
	listed := strings.Split(kind.Tag.Get("enum"), ",")
	if len(listed) != len(finding.Kinds()) {
		t.Errorf("the document lists %v", listed)
	}
	page, err := os.ReadFile("../docs/operate/findings.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range []string{"de", "en"} {
		text, err := os.ReadFile("../web/src/i18n/more." + language + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var words map[string]string
		if err := json.Unmarshal(text, &words); err != nil {
			t.Fatal(err)
		}
		for _, k := range finding.Kinds() {
			if words["finding."+string(k)] == "" || words["findingAdvice."+string(k)] == "" {
				t.Errorf("%s: %s has no words", language, k)
			}
			if !slices.Contains(listed, string(k)) || !strings.Contains(string(page), "| `"+string(k)+"` | "+string(k.Severity())+" |") {
				t.Errorf("%s is not in the document, or not on the page for administrators with its severity", k)
			}
		}
	}
}
