package audit

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"konklave/access"
)

func TestEveryKindSaysWhatIsPersonal(t *testing.T) {
	t.Parallel()
	for _, k := range Kinds() {
		row, listed := personal[k]
		if !listed || !slices.Contains(Categories(), row.category) || row.category == CategoryLog {
			t.Errorf("%s: %+v", k, row)
		}
	}
	if len(personal) != len(Kinds()) {
		t.Errorf("%d rows for %d kinds", len(personal), len(Kinds()))
	}
	shown := map[Kind]map[string]bool{}
	for _, e := range entries() {
		r := e.Record()
		details, err := members(r.Details)
		if err != nil {
			t.Fatal(err)
		}
		for name := range details {
			if _, listed := personal[r.Kind].details[name]; !listed {
				t.Errorf("%s: the table does not say whose %q is", r.Kind, name)
			}
			if shown[r.Kind] == nil {
				shown[r.Kind] = map[string]bool{}
			}
			shown[r.Kind][name] = true
		}
	}
	for k, row := range personal {
		for name := range row.details {
			if !shown[k][name] {
				t.Errorf("%s: the table has %q, which no entry has", k, name)
			}
		}
	}
}

func TestNothingPersonalStaysInClear(t *testing.T) {
	t.Parallel()
	people := []string{`"u1"`, `"u2"`, `"t1"`, `"t2"`, `"s1"`, `"f1"`, `"g1"`, `"p1"`, `"msg1"`, "192.0.2."}
	for _, e := range entries() {
		r := e.Record()
		split, err := Split(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(split.Clear)
		if err != nil {
			t.Fatal(err)
		}
		for _, person := range people {
			if strings.Contains(string(text), person) {
				t.Errorf("%s: %s is in clear: %s", r.Kind, person, text)
			}
		}
		back, err := Join(split.Clear, split.Personal)
		if err != nil {
			t.Fatal(err)
		}
		if back.Details, r.Details = ordered(t, back.Details), ordered(t, r.Details); back != r {
			t.Errorf("joined  %+v\nentry was %+v", back, r)
		}
	}
}

func ordered(t *testing.T, details string) string {
	t.Helper()
	v := jsontext.Value(details)
	if err := v.Canonicalize(); err != nil {
		t.Fatal(err)
	}
	return string(v)
}

func TestEachPersonHasAPart(t *testing.T) {
	t.Parallel()
	o := origin()
	for _, c := range []struct {
		entry Entry
		want  map[string][]string // names of fields by subject
	}{
		{UserCreated(o, "u2", access.Ordinary), map[string][]string{"u1": {"actor.id", "actor.user"}, "u2": {"object.id"}}},
		{PasswordChanged(o, "u1", 1), map[string][]string{"u1": {"actor.id", "actor.user", "object.id"}}},
		{SessionStarted(o, "s1", "192.0.2.0/24"), map[string][]string{"u1": {"actor.id", "actor.user", "details.source", "object.id"}}},
		{SessionFailed(Origin{At: o.At, Actor: access.Nobody()}, "u2", FailurePassword, "192.0.2.0/24"), map[string][]string{"u2": {"details.source", "object.id"}}},
		{SessionFailed(Origin{At: o.At, Actor: access.Nobody()}, "", FailureUnknown, "192.0.2.0/24"), map[string][]string{SubjectUnknown: {"details.source"}}},
		{RolesGiven(Origin{At: o.At, Actor: access.System("identity")}, "u2", access.Administrator, access.Ordinary, 1, "amt", []string{"f:1"}), map[string][]string{"u2": {"details.because", "object.id"}}},
		{IdentityBarred(Origin{At: o.At, Actor: access.System("identity")}, "u2", "amt", "no_role", 1, nil), map[string][]string{"u2": {"object.id"}}},
		{ProviderRefused(Origin{At: o.At, Actor: access.Nobody()}, "amt", "replay", "192.0.2.0/24", nil), map[string][]string{SubjectUnknown: {"details.source"}}},
		{ChatSent(Report{At: o.At, Actor: access.Guest("g1"), Conference: "c1"}, "msg1"), map[string][]string{"g1": {"actor.id", "object.id"}}},
		{ConferenceEnded(Report{At: o.At, Actor: access.Worker("c1", "default"), Conference: "c1"}, "empty"), map[string][]string{}},
		{MeetingDeleted(Origin{At: o.At, Actor: access.System("controller")}, "m1"), map[string][]string{}},
	} {
		split, err := Split(c.entry.Record())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][]string{}
		for _, p := range split.Personal {
			got[p.Subject] = slices.Sorted(maps.Keys(p.Fields))
		}
		if !maps.EqualFunc(got, c.want, slices.Equal) {
			t.Errorf("%s: got %v, want %v", c.entry.Record().Kind, got, c.want)
		}
	}
}

func TestWhatTheTableDoesNotKnowIsSealed(t *testing.T) {
	t.Parallel()
	r := ChatSent(Report{At: origin().At, Actor: access.Guest("g1"), Conference: "c1"}, "msg1").Record()
	r.Details = `{"mood":"good"}`
	for _, kind := range []Kind{KindChatSent, "mood.changed"} {
		r.Kind = kind
		split, err := Split(r)
		if err != nil || split.Clear.Details != "{}" || split.Clear.ObjectID != "" || split.Personal[0].Fields["details.mood"] != `"good"` {
			t.Errorf("%s: %+v, %v", kind, split, err)
		}
	}
	if c := Kind("mood.changed").Category(); c != CategorySecurity {
		t.Error(c)
	}
	r.Details = "no JSON"
	if _, err := Split(r); err == nil {
		t.Error("details that are no JSON")
	}
}
