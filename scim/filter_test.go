package scim

import (
	"errors"
	"strings"
	"testing"
)

// anna is a user as it is shown.
func anna() Object {
	return Object{
		"id": "u1", "userName": "Anna@Example.org", "externalId": "E1", "displayName": "Anna Ä", "active": true,
		"name":           Object{"givenName": "Anna"},
		"emails":         []any{Object{"value": "anna@example.org", "type": "work", "primary": true}, Object{"value": "a@home.example", "type": "home"}},
		"meta":           Object{"lastModified": "2026-11-22T10:00:00.000Z", "resourceType": "User"},
		SchemaEnterprise: Object{"department": "IT"},
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]bool{
		`userName eq "anna@example.org"`: true, `USERNAME EQ "ANNA@EXAMPLE.ORG"`: true, `userName eq "anna"`: false,
		`externalId eq "E1"`: true, `externalId eq "e1"`: false,
		`displayName co "NA ä"`: true, `displayName sw "anna"`: true, `displayName ew "Ä"`: true, `displayName co "x"`: false,
		`active eq true`: true, `active eq false`: false, `active ne true`: false,
		`emails.value eq "a@home.example"`: true, `emails co "home"`: true, `emails eq "none@example.org"`: false,
		`emails[type eq "work" and value sw "anna"]`: true, `emails[type eq "home" and value sw "anna"]`: false,
		`emails.type eq "HOME"`: true, `emails[not (type eq "work")]`: true,
		`meta.lastModified gt "2026-11-22T10:59:00+01:00"`: true, `meta.lastModified ge "2026-11-22T10:00:00Z"`: true,
		`meta.lastModified lt "2026-11-22T10:00:00Z"`: false, `meta.lastModified le "2026-11-22T10:00:00Z"`: true,
		`name.givenName pr`: true, `name.familyName pr`: false, `emails pr`: true, `name pr`: true, `preferredLanguage pr`: false,
		`name.familyName eq null`: true, `name.givenName ne null`: true,
		`not (active eq true) or externalId pr`: true, `not (active eq true or externalId pr)`: false,
		// "and" binds more tightly than "or".
		`active eq true or active eq false and active eq false`: true, `(active eq true or active eq false) and active eq false`: false,
		`urn:ietf:params:scim:schemas:core:2.0:User:userName sw "anna"`:                 true,
		`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "it"`: true,
		`userName eq "\u0061nna@example.org"`:                                           true, `displayName co "\"" or id eq "u1"`: true,
		`not(active eq false)`: true,
	} {
		e, err := UserType().ParseFilter(filter)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		if got := e.Fits(anna()); got != want {
			t.Errorf("%s: %v", filter, got)
		}
	}
}

func TestFiltersThatAreNone(t *testing.T) {
	t.Parallel()
	for _, filter := range []string{
		"", " ", "userName", "userName eq", "userName eq x", `userName eq "x`, `userName xx "x"`, `unknown eq "x"`, `userName.x eq "x"`, `eq "x"`,
		`userName eq "x" and`, `(userName eq "x"`, `userName eq "x")`, `userName eq "x" userName eq "x"`, `not userName eq "x"`,
		`active eq "true"`, `active gt true`, `userName eq true`, `userName co null`, `meta.lastModified gt "yesterday"`, `name eq "x"`,
		`emails[type eq "work"`, `emails[]`, `userName[type eq "x"]`, `emails[emails[type eq "x"]]`, `emails[type eq "work"].value eq "x"`,
		`groups.value eq "g"`, `password eq "x"`, `userName eq 5`, "userName eq \"\xff\"", `userName pr pr`, `"x" eq userName`, `urn:x:userName pr`,
	} {
		if _, err := UserType().ParseFilter(filter); !errors.Is(err, ErrFilter) {
			t.Errorf("%q: %v", filter, err)
		}
	}
}

func TestLimitsOfFilters(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat("(", n) + "id pr" + strings.Repeat(")", n) }
	terms := func(n int) string { return strings.Repeat("id pr or ", n-1) + "id pr" }
	long := func(n int) string { return `id eq "` + strings.Repeat("x", n-len(`id eq ""`)) + `"` }
	for name, c := range map[string]struct {
		filter string
		fine   bool
	}{
		"deep": {nested(MaxFilterDepth), true}, "too deep": {nested(MaxFilterDepth + 1), false},
		"many": {terms(MaxFilterTerms), true}, "too many": {terms(MaxFilterTerms + 1), false},
		"long": {long(MaxFilterBytes), true}, "too long": {long(MaxFilterBytes + 1), false},
	} {
		if _, err := UserType().ParseFilter(c.filter); (err == nil) != c.fine || err != nil && !errors.Is(err, ErrFilter) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestQueries(t *testing.T) {
	t.Parallel()
	parse := func(kind *ResourceType, parameters map[string]string) (Query, error) {
		return kind.ParseQuery(func(name string) string { return parameters[name] })
	}
	for filter, want := range map[string]Narrow{
		`userName eq "Anna"`: {ByName, "anna"}, `externalId eq "E"`: {ByExternalID, "E"}, `active eq true and id eq "x"`: {ByID, "x"},
		`active eq true or id eq "x"`: {}, `not (id eq "x")`: {}, `displayName eq "x"`: {}, `id ne "x"`: {},
	} {
		if q, err := parse(UserType(), map[string]string{"filter": filter}); err != nil || q.narrow != want {
			t.Errorf("%s: %v, %v", filter, q.narrow, err)
		}
	}
	for filter, want := range map[string]Narrow{
		`displayName eq "IT"`: {ByName, "it"}, `members eq "u"`: {ByMember, "u"}, `members.value eq "u" and id eq "g"`: {ByMember, "u"},
		`id eq "g" and members[value eq "u"]`: {ByMember, "u"},
	} {
		if q, err := parse(GroupType(), map[string]string{"filter": filter}); err != nil || q.narrow != want {
			t.Errorf("%s: %v, %v", filter, q.narrow, err)
		}
	}
	for _, filter := range []string{`not (members eq "u")`, `members pr`, `members eq "u" or id pr`, `members eq "u" and members eq "v"`, `members[type eq "User"]`} {
		if _, err := parse(GroupType(), map[string]string{"filter": filter}); !errors.Is(err, ErrFilter) {
			t.Errorf("%s: %v", filter, err)
		}
	}
	for _, c := range []struct {
		parameters   map[string]string
		start, count int
		fault        error
	}{
		{nil, 1, DefaultResults, nil}, {map[string]string{"startIndex": "0", "count": "-1"}, 1, 0, nil},
		{map[string]string{"startIndex": "7", "count": "200"}, 7, MaxResults, nil}, {map[string]string{"count": "201"}, 1, MaxResults, nil},
		{map[string]string{"count": "x"}, 0, 0, ErrValue}, {map[string]string{"sortBy": "nothing"}, 0, 0, ErrPath}, {map[string]string{"sortBy": "groups"}, 0, 0, ErrPath},
		{map[string]string{"sortBy": "userName", "sortOrder": "up"}, 0, 0, ErrValue}, {map[string]string{"attributes": "id", "excludedAttributes": "id"}, 0, 0, ErrValue},
		{map[string]string{"attributes": "nothing"}, 0, 0, ErrPath},
	} {
		q, err := parse(UserType(), c.parameters)
		if !errors.Is(err, c.fault) || q.Start != c.start || q.Count != c.count {
			t.Errorf("%v: %d %d %v", c.parameters, q.Start, q.Count, err)
		}
	}
}

func FuzzFilter(f *testing.F) {
	for _, seed := range []string{`userName eq "a"`, `not (emails[type eq "work" and value co "@"] or active eq true)`, `meta.lastModified gt "2026-01-01T00:00:00Z"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []*ResourceType{UserType(), GroupType()} {
			e, err := kind.ParseFilter(text)
			if err != nil && !errors.Is(err, ErrFilter) {
				t.Fatalf("%q: %v", text, err)
			}
			if err != nil {
				continue
			}
			opposite, err := kind.ParseFilter("not (" + text + ")")
			if err == nil && opposite.Fits(anna()) == e.Fits(anna()) {
				t.Fatalf("%q and its opposite say the same", text)
			}
		}
	})
}
