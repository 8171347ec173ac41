package httpapi_test

import (
	"strings"
	"testing"

	"konklave/access"
	"konklave/httpapi"
)

type conferenceList struct {
	Items []httpapi.Conference `json:"items"`
}

func TestAdministratorsSeeHowConferencesAreIsolated(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	admin := e.browser()
	admin.signIn(e.account("admin@example.org", access.Administrator))
	if raw := admin.get("/api/v1/conferences").want(200); !strings.Contains(raw.body, `"items":[]`) {
		t.Errorf("without conferences: %s", raw.body)
	}
	owner := e.account("a@example.org", access.Ordinary)
	m := e.meeting(owner, true)
	in := decode[httpapi.Admission](e.browser().post("/api/v1/join/"+m.Link, map[string]any{"name": "Gast"}).want(200))
	list := decode[conferenceList](admin.get("/api/v1/conferences").want(200)).Items
	if len(list) != 1 || list[0].ID != in.Conference || list[0].Meeting != m.ID || list[0].Title != "Council" || list[0].People == nil || *list[0].People != 1 || list[0].Isolation.Complete || len(list[0].Isolation.Layers) != len(walls) {
		t.Fatalf("%+v", list)
	}
	for i, l := range list[0].Isolation.Layers {
		if l.Layer != walls[i].Layer || l.InForce != walls[i].InForce || l.Detail != walls[i].Detail {
			t.Errorf("layer %d: %+v", i, l)
		}
	}
}

func TestPeopleThatNobodyHasCountedAreNotZero(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	owner := e.account("admin@example.org", access.Administrator)
	admin := e.signedIn(owner)
	admin.post("/api/v1/join/"+e.meeting(owner, false).Link, map[string]any{}).want(200)
	if raw := admin.get("/api/v1/conferences").want(200); strings.Contains(raw.body, `"people"`) {
		t.Errorf("unknown people: %s", raw.body)
	}
}

func TestNobodyElseSeesConferences(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	member := e.browser()
	member.signIn(e.account("a@example.org", access.Ordinary))
	member.get("/api/v1/conferences").problem(403, "access.denied")
	e.browser().get("/api/v1/conferences").problem(401, "access.signin_required")
}
