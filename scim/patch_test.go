package scim

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"konklave/fault"
)

func patched(t *testing.T, kind *ResourceType, resource Object, operations string) (Object, error) {
	t.Helper()
	steps, err := kind.ParsePatch([]byte(`{"schemas":["` + SchemaPatch + `"],"Operations":[` + operations + `]}`))
	if err != nil {
		return nil, err
	}
	return kind.Patch(resource, steps)
}

func TestChanges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ operations, path, want string }{
		{`{"op":"replace","path":"active","value":false}`, "active", `false`},
		{`{"op":"Replace","path":"active","value":"False"}`, "active", `false`}, // Entra ID
		{`{"op":"replace","value":{"active":false}}`, "active", `false`},        // Okta
		{`{"op":"replace","value":{"name.givenName":"Bea"}}`, "name", `{"givenName":"Bea"}`},
		{`{"op":"add","path":"name.familyName","value":"Bär"}`, "name", `{"familyName":"Bär","givenName":"Anna"}`},
		{`{"op":"add","path":"name","value":{"familyName":"Bär"}}`, "name", `{"familyName":"Bär","givenName":"Anna"}`},
		{`{"op":"remove","path":"name.givenName"}`, "name", `null`},
		{`{"op":"remove","path":"displayName"}`, "displayName", `null`},
		{`{"op":"replace","path":"displayName","value":null}`, "displayName", `null`},
		{`{"op":"replace","path":"emails[type eq \"work\"].value","value":"b@example.org"}`, "emails", `[{"primary":true,"type":"work","value":"b@example.org"},{"type":"home","value":"a@home.example"}]`},
		{`{"op":"remove","path":"emails[type eq \"work\"]"}`, "emails", `[{"type":"home","value":"a@home.example"}]`},
		{`{"op":"remove","path":"emails"}`, "emails", `null`},
		{`{"op":"remove","path":"emails","value":[]}`, "emails", `[{"primary":true,"type":"work","value":"anna@example.org"},{"type":"home","value":"a@home.example"}]`},
		{`{"op":"add","path":"emails","value":{"value":"c@example.org","primary":true}}`, "emails", `[{"type":"work","value":"anna@example.org"},{"type":"home","value":"a@home.example"},{"primary":true,"value":"c@example.org"}]`},
		{`{"op":"add","path":"emails","value":[{"value":"a@home.example","type":"home"}]}`, "emails", `[{"primary":true,"type":"work","value":"anna@example.org"},{"type":"home","value":"a@home.example"}]`},
		{`{"op":"replace","path":"emails","value":[{"value":"c@example.org"}]}`, "emails", `[{"value":"c@example.org"}]`},
		{`{"op":"add","path":"emails[type eq \"other\"].value","value":"o@example.org"}`, "emails", `[{"primary":true,"type":"work","value":"anna@example.org"},{"type":"home","value":"a@home.example"},{"type":"other","value":"o@example.org"}]`},
		{`{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"HR"}`, SchemaEnterprise, `{"department":"HR"}`},
		{`{"op":"add","value":{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"division":"X"}}}`, SchemaEnterprise, `{"department":"IT","division":"X"}`},
		{`{"op":"remove","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"}`, SchemaEnterprise, `null`},
		{`{"op":"add","path":"title","value":"Dr."},{"op":"add","path":"phoneNumbers[type eq \"work\"].value","value":"1"}`, "title", `null`}, // not kept
		{`{"op":"replace","value":{"schemas":[],"id":"u2","active":true}}`, "id", `"u1"`},
	} {
		got, err := patched(t, UserType(), anna(), c.operations)
		if err != nil {
			t.Errorf("%s: %v", c.operations, err)
			continue
		}
		text, err := json.Marshal(got[c.path], json.Deterministic(true))
		if err != nil || string(text) != c.want {
			t.Errorf("%s: %s, want %s", c.operations, text, c.want)
		}
	}
}

func TestMembersChange(t *testing.T) {
	t.Parallel()
	group := func() Object {
		return Object{"displayName": "IT", "members": []any{Object{"value": "a"}, Object{"value": "b"}}}
	}
	for operations, want := range map[string]string{
		`{"op":"add","path":"members","value":[{"value":"c"},{"value":"a"}]}`:                            "[a b c]",
		`{"op":"add","value":{"members":[{"value":"c"}]}}`:                                               "[a b c]",
		`{"op":"remove","path":"members[value eq \"a\"]"}`:                                               "[b]",
		`{"op":"remove","path":"members","value":[{"value":"a"}]}`:                                       "[b]", // Entra ID
		`{"op":"remove","path":"members"}`:                                                               "[]",
		`{"op":"replace","path":"members","value":[{"value":"d"},{"value":"d"}]}`:                        "[d]",
		`{"op":"remove","path":"members[value eq \"x\"]"}`:                                               "[a b]",
		`{"op":"remove","path":"members[value eq \"a\" or value eq \"b\"]"}`:                             "[]",
		`{"op":"add","path":"members","value":[{"value":"c","type":"User","$ref":"https://x/Users/c"}]}`: "[a b c]",
	} {
		got, err := patched(t, GroupType(), group(), operations)
		if err != nil {
			t.Errorf("%s: %v", operations, err)
			continue
		}
		if ids, err := membersOf(got); err != nil || fmt.Sprint(ids) != want {
			t.Errorf("%s: %v, %v", operations, ids, err)
		}
	}
	if _, err := membersOf(Object{"members": []any{Object{"value": "g", "type": "Group"}}}); !errors.Is(err, ErrValue) {
		t.Errorf("a group in a group: %v", err)
	}
	many := make([]any, MaxMembers+1)
	for i := range many {
		many[i] = Object{"value": fmt.Sprint(i)}
	}
	if ids, err := membersOf(Object{"members": many[1:]}); err != nil || len(ids) != MaxMembers {
		t.Errorf("%d members: %v", len(ids), err)
	}
	if _, err := membersOf(Object{"members": many}); !errors.Is(err, ErrTooMany) {
		t.Errorf("one member too many: %v", err)
	}
}

func TestChangesThatAreNone(t *testing.T) {
	t.Parallel()
	for operations, want := range map[string]error{
		``: ErrSyntax, `{"op":"copy","path":"active","value":true}`: ErrSyntax, `{"op":"remove"}`: ErrNoTarget, `{"op":"add","path":"active"}`: ErrValue,
		`{"op":"add","path":"nothing","value":1}`: ErrPath, `{"op":"add","path":"name.nothing","value":1}`: ErrPath, `{"op":"add","path":"","value":1}`: ErrPath,
		`{"op":"add","path":5,"value":1}`: ErrPath, `{"op":"add","path":"active","value":"maybe"}`: ErrValue, `{"op":"add","path":"displayName","value":5}`: ErrValue,
		`{"op":"replace","path":"id","value":"x"}`: ErrMutability, `{"op":"add","path":"groups","value":[{"value":"g"}]}`: ErrMutability,
		`{"op":"replace","path":"emails[value sw \"x\"].value","value":"y"}`: ErrNoTarget, `{"op":"add","path":"emails[type eq \"x\"","value":1}`: ErrFilter,
		`{"op":"add","path":"active[x eq 1]","value":1}`: ErrPath, `{"op":"add","path":"emails[type eq \"x\"]value","value":"y"}`: ErrPath,
		`{"op":"add","value":5}`: ErrSyntax, `{"op":"add","value":{"nothing":5}}`: ErrPath, `{"op":"add","op":"remove","path":"active"}`: ErrSyntax,
		`{"op":"add","OP":"remove","path":"active"}`: ErrSyntax, `{"op":"add","path":"active","value":true,"more":1}`: ErrSyntax, `5`: ErrSyntax,
		`{"op":"add","path":"emails","value":[{"value":"x","unknown":1}]}`: ErrSyntax,
	} {
		if _, err := patched(t, UserType(), anna(), operations); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", operations, err, want)
		}
	}
	step := `{"op":"replace","path":"active","value":true}`
	if _, err := patched(t, UserType(), anna(), step+strings.Repeat(","+step, MaxOperations-1)); err != nil {
		t.Errorf("as many operations as may be: %v", err)
	}
	if _, err := patched(t, UserType(), anna(), step+strings.Repeat(","+step, MaxOperations)); !errors.Is(err, ErrTooMany) {
		t.Errorf("one operation too many: %v", err)
	}
	before := anna()
	if _, err := patched(t, UserType(), before, `{"op":"remove","path":"emails"},{"op":"add","path":"name.familyName","value":"B"},{"op":"replace","path":"id","value":"x"}`); err == nil || !reflect.DeepEqual(before, anna()) {
		t.Errorf("a change that failed in the end: %v, left %v", err, before)
	}
}

func TestResourcesAreReadStrictly(t *testing.T) {
	t.Parallel()
	user := func(rest string) string { return `{"schemas":["` + SchemaUser + `"],"userName":"a"` + rest + `}` }
	for body, want := range map[string]error{
		user(``): nil, user(`,"title":"Dr.","password":"x","addresses":[{"x":1}]`): nil, user(`,"id":"x","meta":{"x":1},"groups":[1]`): nil,
		user(`,"ACTIVE":"True"`): nil, user(`,"emails":null,"name":{}`): nil, user(`,"emails":["a@b.example"]`): nil, user(`,"emails":{"value":"a@b.example"}`): nil,
		``: ErrSyntax, `[]`: ErrSyntax, `{}`: ErrSyntax, `{"schemas":["x"],"userName":"a"}`: ErrSyntax, user(`,"userName":"b"`): ErrSyntax, user(`,"username":"b"`): ErrSyntax,
		user(``) + `{}`: ErrSyntax, user(`,"nothing":1`): ErrSyntax, user(`,"name":{"nothing":1}`): ErrSyntax, user(`,"name":"x"`): ErrValue, user(`,"displayName":1`): ErrValue,
		user(`,"active":1`): ErrValue, user(`,"emails":[5]`): ErrValue, user(`,"displayName":"` + strings.Repeat("x", MaxText) + `"`): nil,
		user(`,"displayName":"` + strings.Repeat("x", MaxText+1) + `"`): ErrValue, "{\"schemas\":[\"\xff\"]}": ErrSyntax,
		user(`,"title":` + strings.Repeat("[", MaxDepth-1) + strings.Repeat("]", MaxDepth-1)): nil,
		user(`,"title":` + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)):     ErrSyntax,
		user(`,"title":` + strings.Repeat("[", 5000)):                                         ErrSyntax,
		`{"schemas":["` + SchemaUser + `","urn:x"],"userName":"a"}`:                           ErrSyntax,
	} {
		if _, err := UserType().Parse([]byte(body)); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%.200s: %v, want %v", body, err, want)
		}
	}
}

func TestChoiceAndOrder(t *testing.T) {
	t.Parallel()
	for parameters, want := range map[[2]string]string{
		{"userName", ""}:                       `{"id":"u1","schemas":null,"userName":"Anna@Example.org"}`,
		{"emails.value,name.givenName", ""}:    `{"emails":[{"value":"anna@example.org"},{"value":"a@home.example"}],"id":"u1","name":{"givenName":"Anna"},"schemas":null}`,
		{SchemaEnterprise + ":department", ""}: `{"id":"u1","schemas":null,"` + SchemaEnterprise + `":{"department":"IT"}}`,
		{"", "id,emails,name,meta,active,externalId,displayName," + SchemaEnterprise}: `{"id":"u1","userName":"Anna@Example.org"}`,
	} {
		c, err := UserType().ParseChoice(parameters[0], parameters[1])
		if err != nil {
			t.Errorf("%v: %v", parameters, err)
			continue
		}
		if text, err := json.Marshal(c.Of(anna()), json.Deterministic(true)); err != nil || string(text) != want {
			t.Errorf("%v: %s, want %s", parameters, text, want)
		}
	}
	list := func() []Object {
		return []Object{{"id": "1", "userName": "b"}, {"id": "2", "userName": "A"}, {"id": "3"}, {"id": "4", "userName": "c", "emails": []any{Object{"value": "z"}, Object{"value": "a", "primary": true}}}}
	}
	for by, want := range map[[2]string]string{{"userName", ""}: "2143", {"userName", "descending"}: "3412", {"emails", ""}: "4123"} {
		o, err := UserType().ParseOrder(by[0], by[1])
		if err != nil {
			t.Fatal(err)
		}
		all := list()
		o.Sort(all)
		got := ""
		for _, r := range all {
			got += idOf(r)
		}
		if got != want {
			t.Errorf("by %v: %s, want %s", by, got, want)
		}
	}
}

// asFault is the code of an error, which is a fault.
func asFault(t *testing.T, err error) fault.Code {
	t.Helper()
	f := fault.As(err)
	if f.Code == fault.CodeInternal {
		t.Fatal(err)
	}
	return f.Code
}

func FuzzPatch(f *testing.F) {
	for _, seed := range []string{
		`{"op":"replace","path":"emails[type eq \"work\"].value","value":"b"}`, `{"op":"add","value":{"name.givenName":"B","active":"False"}}`, `{"op":"remove","path":"members[value eq \"a\"]"}`,
	} {
		f.Add(`{"schemas":["` + SchemaPatch + `"],"Operations":[` + seed + `]}`)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, kind := range []*ResourceType{UserType(), GroupType()} {
			steps, err := kind.ParsePatch([]byte(body))
			if err != nil {
				if Type(asFault(t, err)) == "" {
					t.Fatalf("%q: %v", body, err)
				}
				continue
			}
			before := anna()
			after, err := kind.Patch(before, steps)
			switch {
			case !reflect.DeepEqual(before, anna()):
				t.Fatalf("%q changed what it was applied to", body)
			case err != nil && Type(asFault(t, err)) == "":
				t.Fatalf("%q: %v", body, err)
			case err == nil && after["id"] != "u1":
				t.Fatalf("%q changed the id", body)
			}
		}
	})
}

func FuzzResource(f *testing.F) {
	f.Add(`{"schemas":["` + SchemaUser + `"],"userName":"a","externalId":"e","emails":[{"value":"a@b.example","primary":"True"}],"active":"False"}`)
	f.Fuzz(func(t *testing.T, body string) {
		r, err := UserType().Parse([]byte(body))
		if err != nil {
			asFault(t, err)
			return
		}
		p, _, err := Person{Active: true}.say(r)
		if err != nil {
			asFault(t, err)
			return
		}
		if again, fields, err := p.say(p.attributes()); err != nil || len(fields) > 0 {
			t.Fatalf("%q said again: %v %v %+v", body, fields, err, again)
		}
	})
}
