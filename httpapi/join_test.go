package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/auth"
	"konklave/config"
	"konklave/httpapi"
	"konklave/meeting"
)

func TestGuestJoins(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	owner := e.account("a@example.org", access.Ordinary)
	m := e.meeting(owner, true)
	c := e.browser()
	preview := decode[httpapi.Preview](c.get("/api/v1/join/" + m.Link).want(200))
	if want := (httpapi.Preview{Title: "Council", Host: owner.Name, GuestsAllowed: true}); preview != want {
		t.Errorf("%+v, want %+v", preview, want)
	}
	in := decode[httpapi.Admission](c.post("/api/v1/join/"+m.Link, map[string]any{"name": " Gast "}).want(200))
	if in.Signalling != "/conference/"+in.Conference+"/signalling" || !in.ExpiresAt.Equal(e.clock.now().Add(auth.TicketLifetime)) {
		t.Errorf("%+v", in)
	}
	grant, err := e.tickets.Redeem(t.Context(), in.Ticket, in.Conference, "", "")
	if err != nil || grant.Name != "Gast" || grant.Kind != access.KindGuest || grant.Role != access.RoleParticipant || grant.Participant != "" {
		t.Errorf("%+v %v", grant, err)
	}
	if !decode[httpapi.Preview](c.get("/api/v1/join/" + m.Link).want(200)).Running {
		t.Error("not running")
	}
	// The same browser is the same guest; another one is another.
	again := decode[httpapi.Admission](c.post("/api/v1/join/"+m.Link, map[string]any{"name": "Gast", "rejoin": "P_1"}).want(200))
	second, err := e.tickets.Redeem(t.Context(), again.Ticket, again.Conference, "", "")
	if err != nil || second.ActorID != grant.ActorID || second.Participant != "P_1" {
		t.Errorf("%+v %v", second, err)
	}
	other := decode[httpapi.Admission](e.browser().post("/api/v1/join/"+m.Link, map[string]any{"name": "Gast"}).want(200))
	third, err := e.tickets.Redeem(t.Context(), other.Ticket, other.Conference, "", "")
	if err != nil || third.ActorID == grant.ActorID {
		t.Errorf("%+v %v", third, err)
	}
}

// Who somebody is comes from the session, whatever the body says.
func TestA45AccountJoinsUnderItsOwnName(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	owner, member := e.account("a@example.org", access.Ordinary), e.account("b@example.org", access.Ordinary)
	m := e.meeting(owner, false)
	for _, test := range []struct {
		c    *client
		name string
		role access.Role
	}{
		{e.signedIn(owner), owner.Name, access.RoleHost},
		{e.signedIn(member), member.Name, access.RoleParticipant},
		{e.program(owner), owner.Name, access.RoleHost},
	} {
		in := decode[httpapi.Admission](test.c.post("/api/v1/join/"+m.Link, map[string]any{"name": "The Mayor"}).want(200))
		grant, err := e.tickets.Redeem(t.Context(), in.Ticket, in.Conference, "", "")
		if err != nil || grant.Name != test.name || grant.Role != test.role || grant.Kind != access.KindAccount {
			t.Errorf("%+v %v", grant, err)
		}
		if test.c.cookies[auth.GuestCookie] != "" {
			t.Error("an account got a guest cookie")
		}
	}
	e.browser().post("/api/v1/join/"+m.Link, map[string]any{"name": "Gast", "role": "host"}).problem(http.StatusBadRequest, "body.unknown_field")
}

// Who may close a damaged conference learns from the link which meeting it is; nobody else does.
func TestThePreviewNamesTheMeetingToWhoeverMayCloseIt(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	owner, member, admin := e.account("a@example.org", access.Ordinary), e.account("b@example.org", access.Ordinary), e.account("c@example.org", access.Administrator)
	m := e.meeting(owner, true)
	for who, test := range map[string]struct {
		c    *client
		want string
	}{
		"a guest": {e.browser(), ""}, "another account": {e.signedIn(member), ""}, "its token": {e.program(member), ""},
		"the owner": {e.signedIn(owner), m.ID}, "an administrator": {e.signedIn(admin), m.ID}, "the administrator's token": {e.program(admin), m.ID},
	} {
		if got := decode[httpapi.Preview](test.c.get("/api/v1/join/" + m.Link).want(200)).Meeting; got != test.want {
			t.Errorf("%s: %q", who, got)
		}
	}
	admins := e.signedIn(admin)
	admins.post("/api/v1/join/"+m.Link, map[string]any{}).want(200)
	named := decode[httpapi.Preview](admins.get("/api/v1/join/" + m.Link).want(200)).Meeting
	admins.delete("/api/v1/meetings/" + named + "/conference").want(http.StatusNoContent)
}

func TestJoinRefusals(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	owner := e.account("a@example.org", access.Ordinary)
	open, closed := e.meeting(owner, true), e.meeting(owner, false)
	for _, test := range []struct {
		link   string
		body   map[string]any
		status int
		code   string
	}{
		{closed.Link, map[string]any{"name": "Gast"}, 403, "meeting.no_guests"},
		{open.Link, map[string]any{}, 400, "name.empty"},
		{open.Link, map[string]any{"name": strings.Repeat("a", 101)}, 400, "name.too_long"},
		{open.Link, map[string]any{"name": strings.Repeat("a", 10_000)}, 400, "name.too_long"},
		{open.Link, map[string]any{"name": "\u202eadmin"}, 400, "name.invalid"},
		{open.Link, map[string]any{"name": "a\r\nb"}, 400, "name.invalid"},
		{open.Link, map[string]any{"name": "a\u200bb"}, 400, "name.invalid"},
		{open.Link, map[string]any{"name": "Gast", "rejoin": "../x"}, 400, "rejoin.invalid"},
		{open.Link, map[string]any{"name": "Gast", "rejoin": strings.Repeat("a", 65)}, 400, "rejoin.invalid"},
	} {
		before := e.dump()
		c := e.browser()
		c.post("/api/v1/join/"+test.link, test.body).problem(test.status, test.code)
		if e.dump() != before || len(c.cookies) != 0 {
			t.Errorf("%v: a refused caller left something", test.body)
		}
	}
	e.browser().post("/api/v1/join/"+open.Link, map[string]any{"name": strings.Repeat("a", 100), "rejoin": strings.Repeat("a", 64)}).want(200)
}

func TestLinkGuessing(t *testing.T) {
	t.Parallel()
	const misses = 5
	e := start(t, options{limits: func(l *config.Limits) { l.MissesPerHour = misses }})
	owner := e.account("a@example.org", access.Ordinary)
	m, gone := e.meeting(owner, true), e.meeting(owner, true)
	if err := e.meetings.Delete(t.Context(), owner.Actor(), gone.ID); err != nil {
		t.Fatal(err)
	}
	c := e.browser()
	answers := map[string]bool{}
	unknown := strings.Map(func(r rune) rune { // another link of the right shape
		if r == 'a' {
			return 'b'
		}
		return r
	}, gone.Link[:len(gone.Link)-4]) + "zzzz"
	for _, link := range []string{gone.Link, unknown, "short", gone.ID, strings.ToUpper(m.Link)} {
		a := c.get("/api/v1/join/" + link)
		p := a.problem(http.StatusNotFound, "meeting.unknown")
		answers[strings.ReplaceAll(a.body, p.ID, "")] = true
	}
	if len(answers) != 1 {
		t.Errorf("deleted and unknown links can be told apart: %v", answers)
	}
	// The budget is used up: now not even a right guess is answered, here or by joining.
	c.get("/api/v1/join/"+m.Link).problem(http.StatusTooManyRequests, "rate.limited")
	c.post("/api/v1/join/"+m.Link, map[string]any{"name": "Gast"}).problem(http.StatusTooManyRequests, "rate.limited")
	c.source = "198.51.100.1"
	c.get("/api/v1/join/" + m.Link).want(200)
	c.source = "192.0.2.1"
	e.clock.advance(time.Hour / misses)
	c.get("/api/v1/join/" + m.Link).want(200)
}

func TestA61HostileTextComesBackInert(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	u := e.account("a@example.org", access.Ordinary)
	c := e.signedIn(u)
	for _, hostile := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `javascript:alert(1)`, `{{constructor.constructor('alert(1)')()}}`,
		`</title><svg onload=alert(1)>`, `${7*7}`, `=cmd|'/c calc'!A1`, `<!--`, `&lt;b&gt;`,
	} {
		a := c.post("/api/v1/meetings", map[string]any{"title": hostile}).want(http.StatusCreated)
		made := decode[httpapi.Meeting](a)
		b := c.json(http.MethodPatch, "/api/v1/me", map[string]any{"name": hostile}).want(200)
		shown := c.get("/api/v1/join/" + made.Link).want(200)
		if made.Title != hostile || decode[httpapi.User](b).Name != hostile || decode[httpapi.Preview](shown).Host != hostile {
			t.Errorf("%q did not come back as it was", hostile)
		}
		for _, x := range []answer{a, b, shown} {
			if x.header.Get("Content-Type") != "application/json" || x.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %v", x.what, x.header)
			}
		}
	}
	docs := c.get("/api/docs").want(200)
	if strings.Contains(docs.body, "Test <instance>") || !strings.Contains(docs.body, "Test &lt;instance&gt;") {
		t.Error("the name of the instance is not escaped")
	}
}

func TestMeetings(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	owner := e.account("a@example.org", access.Ordinary)
	c := e.signedIn(owner)
	adHoc := decode[httpapi.Meeting](c.post("/api/v1/meetings", nil).want(http.StatusCreated))
	if adHoc.Title != meeting.AdHocTitle(owner.Language) || !adHoc.GuestsAllowed || !meeting.LinkShaped(adHoc.Link) {
		t.Errorf("%+v", adHoc)
	}
	changed := decode[httpapi.Meeting](c.json(http.MethodPatch, "/api/v1/meetings/"+adHoc.ID, map[string]any{"guestsAllowed": false}).want(200))
	if changed.GuestsAllowed || changed.Title != adHoc.Title {
		t.Errorf("%+v", changed)
	}
	if list := decode[items[httpapi.Meeting]](c.get("/api/v1/meetings?limit=1").want(200)).Items; len(list) != 1 || list[0] != changed {
		t.Errorf("%+v", list)
	}
	c.get("/api/v1/meetings?limit=x").problem(http.StatusUnprocessableEntity, "parameter.invalid")
	stranger := e.signedIn(e.account("b@example.org", access.Ordinary))
	stranger.get("/api/v1/meetings/"+adHoc.ID).problem(http.StatusNotFound, "meeting.unknown")
	if list := decode[items[httpapi.Meeting]](stranger.get("/api/v1/meetings").want(200)).Items; len(list) != 0 {
		t.Errorf("%+v", list)
	}
	c.delete("/api/v1/meetings/" + adHoc.ID).want(http.StatusNoContent)
	c.get("/api/v1/meetings/"+adHoc.ID).problem(http.StatusNotFound, "meeting.unknown")
	c.delete("/api/v1/meetings/"+adHoc.ID).problem(http.StatusNotFound, "meeting.unknown")
}
