package httpapi_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/config"
	"konklave/scim"
)

// provisioned is provisioning as the tests of the API have it: everybody is a user, a group "IT" administers.
func provisioned(s scim.Store, now func() time.Time) *scim.Service {
	return scim.NewService(s, scim.Provider{
		ID: "amt", Subject: func(id string) string { return id },
		Rules: auth.Rules{
			{Place: "f:1", Everybody: true, Roles: []access.Role{access.RoleUser}},
			{Place: "f:2", Group: "IT", Roles: []access.Role{access.RoleUserAdmin}},
			{Place: "f:3", Group: "Revision", Roles: []access.Role{access.RoleAuditor}},
		},
	}, now)
}

const (
	entraUser = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
		"externalId":"0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef","userName":"Test_User@example.org","active":true,"addresses":null,
		"displayName":"Test User","title":null,"emails":[{"primary":true,"type":"work","value":"test_user@example.org"}],
		"meta":{"resourceType":"User"},"name":{"formatted":"givenName familyName","familyName":"familyName","givenName":"givenName"},
		"phoneNumbers":null,"preferredLanguage":null,"roles":[],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"bob","manager":null}}`
	entraGroup = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"externalId":"8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159","displayName":"Staff","meta":{"resourceType":"Group"}}`
)

func patchBody(operations string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operations + `]}`
}

// scim sends a request as a provisioning client does.
func (c *client) scim(method, path, body string) answer {
	c.t.Helper()
	kind := "application/scim+json; charset=utf-8"
	if body == "" {
		kind = ""
	}
	return c.send(method, "/scim/v2"+path, kind, body)
}

// scimID is the id of the resource that an answer has.
func (a answer) scimID() string {
	a.t.Helper()
	r := map[string]any{}
	a.into(&r)
	id, _ := r["id"].(string)
	return id
}

// scimError checks status and scimType of an error, and its form.
func (a answer) scimError(status int, kind string) {
	a.t.Helper()
	var e struct {
		Schemas  []string `json:"schemas"`
		Status   string   `json:"status"`
		ScimType string   `json:"scimType"`
		Detail   string   `json:"detail"`
	}
	a.into(&e)
	if a.status != status || e.ScimType != kind || e.Status != strconv.Itoa(status) || e.Detail == "" || len(e.Schemas) != 1 || e.Schemas[0] != scim.SchemaError {
		a.t.Errorf("%s: %d %s, want %d %s", a.what, a.status, a.body, status, kind)
	}
	if a.header.Get("Content-Type") != "application/scim+json" {
		a.t.Errorf("%s: answered as %s", a.what, a.header.Get("Content-Type"))
	}
}

// Every route of provisioning has a place in the access table, and each that changes something writes its entries, or nothing at all.
func TestEveryProvisioningRouteHasAnActionAndWritesItsEntries(t *testing.T) {
	t.Parallel()
	type request struct{ method, path, body string }
	user := strings.Replace(entraUser, "Test User", "Another", 1)
	requests := map[string]request{
		"scimCreateUser":  {http.MethodPost, "/Users", strings.NewReplacer("Test_User", "second", "test_user", "second", "0a21f0f2", "1a21f0f2").Replace(entraUser)},
		"scimReplaceUser": {http.MethodPut, "/Users/{user}", user}, "scimPatchUser": {http.MethodPatch, "/Users/{user}", patchBody(`{"op":"Replace","path":"active","value":"False"}`)},
		"scimDeleteUser": {http.MethodDelete, "/Users/{user}", ""}, "scimCreateGroup": {http.MethodPost, "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Second"}`},
		"scimReplaceGroup": {http.MethodPut, "/Groups/{group}", strings.Replace(entraGroup, "Staff", "Crew", 1)},
		"scimPatchGroup":   {http.MethodPatch, "/Groups/{group}", patchBody(`{"op":"Add","path":"members","value":[{"value":"{user}"}]}`)},
		"scimDeleteGroup":  {http.MethodDelete, "/Groups/{group}", ""},
	}
	for _, r := range start(t, options{}).api.ProvisioningRoutes() {
		if !slices.Contains(access.Actions(), r.Action) || r.Action.Writes() != r.Mutates() {
			t.Errorf("%s has the action %q", r.ID, r.Action)
		}
		q, has := requests[r.ID]
		delete(requests, r.ID)
		if !r.Mutates() {
			continue
		}
		if !has || len(r.Audits) == 0 {
			t.Errorf("%s changes something and has no example, or names no entry", r.ID)
			continue
		}
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			checkProvisioning(t, r.Audits, func(s *scene, c *client) answer {
				known := strings.NewReplacer("{user}", s.provisionedUser, "{group}", s.provisionedGroup)
				return c.scim(q.method, known.Replace(q.path), known.Replace(q.body))
			})
		})
	}
	if len(requests) > 0 {
		t.Errorf("examples for what is no route: %v", requests)
	}
}

func checkProvisioning(t *testing.T, audits []audit.Kind, ask func(*scene, *client) answer) {
	t.Helper()
	s := setScene(t)
	s.provisionedUser = s.asProvisioner.scim(http.MethodPost, "/Users", entraUser).want(http.StatusCreated).scimID()
	s.provisionedGroup = s.asProvisioner.scim(http.MethodPost, "/Groups", entraGroup).want(http.StatusCreated).scimID()
	before, entry := s.dump(), s.lastEntry()
	ask(s, s.asMember).scimError(http.StatusForbidden, "")
	ask(s, s.nobody).scimError(http.StatusUnauthorized, "")
	ask(s, s.adminInBrowser).scimError(http.StatusUnauthorized, "") // a cookie is no proof here
	s.exec("CREATE TRIGGER full BEFORE INSERT ON audit_log BEGIN SELECT RAISE(ABORT, 'full'); END")
	ask(s, s.asProvisioner).scimError(http.StatusInternalServerError, "")
	s.exec("DROP TRIGGER full")
	if s.dump() != before || s.lastEntry() != entry {
		t.Error("what was refused changed something")
	}
	if a := ask(s, s.asProvisioner); a.status >= 300 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	var kinds []audit.Kind
	for _, e := range s.entries(entry) {
		kinds = append(kinds, e.Kind)
		if e.ActorKind != access.KindMachine {
			t.Errorf("%s was done by %s", e.Kind, e.ActorKind)
		}
	}
	if !slices.Equal(kinds, audits) {
		t.Errorf("wrote %v, want %v", kinds, audits)
	}
}

// What Microsoft Entra ID sends, in its order, as its documentation shows it.
func TestProvisioningAsEntraDoes(t *testing.T) {
	t.Parallel()
	s := setScene(t)
	c := s.asProvisioner
	empty := c.scim(http.MethodGet, `/Users?filter=userName+eq+%22Test_User%40example.org%22`, "").want(200)
	if !strings.Contains(empty.body, `"totalResults":0`) || !strings.Contains(empty.body, `"Resources":[]`) {
		t.Errorf("nobody: %s", empty.body)
	}
	made := c.scim(http.MethodPost, "/Users", entraUser).want(http.StatusCreated)
	id := made.scimID()
	if made.header.Get("Location") != "http://localhost:8080/scim/v2/Users/"+id || made.header.Get("ETag") == "" || made.header.Get("Content-Type") != "application/scim+json" {
		t.Errorf("%v", made.header)
	}
	for _, gone := range []string{"phoneNumbers", "manager", "roles", "password"} {
		if strings.Contains(made.body, gone) {
			t.Errorf("%s is kept: %s", gone, made.body)
		}
	}
	c.scim(http.MethodPost, "/Users", entraUser).scimError(http.StatusConflict, "uniqueness")
	if a := c.scim(http.MethodGet, `/Users?filter=externalId+eq+%220a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef%22`, "").want(200); !strings.Contains(a.body, id) {
		t.Errorf("not found: %s", a.body)
	}
	c.scim(http.MethodPatch, "/Users/"+id, patchBody(`{"op":"Replace","path":"emails[type eq \"work\"].value","value":"updated@example.org"},{"op":"Replace","path":"name.familyName","value":"updatedFamilyName"}`)).want(200)
	if a := c.scim(http.MethodPatch, "/Users/"+id, patchBody(`{"op":"Replace","path":"active","value":"False"}`)).want(200); !strings.Contains(a.body, `"active":false`) || !strings.Contains(a.body, "updated@example.org") {
		t.Errorf("%s", a.body)
	}
	c.scim(http.MethodPatch, "/Users/"+id, patchBody(`{"op":"Replace","value":{"active":"True"}}`)).want(200)
	group := c.scim(http.MethodPost, "/Groups", entraGroup).want(http.StatusCreated).scimID()
	if a := c.scim(http.MethodGet, "/Groups/"+group+"?excludedAttributes=members", "").want(200); strings.Contains(a.body, "members") {
		t.Errorf("%s", a.body)
	}
	if a := c.scim(http.MethodPatch, "/Groups/"+group, patchBody(`{"op":"Add","path":"members","value":[{"$ref":null,"value":"`+id+`"}]}`)).want(http.StatusNoContent); a.body != "" {
		t.Errorf("%s", a.body)
	}
	if a := c.scim(http.MethodGet, `/Groups?excludedAttributes=members&filter=displayName+eq+%22Staff%22`, "").want(200); !strings.Contains(a.body, group) || strings.Contains(a.body, `"members"`) {
		t.Errorf("%s", a.body)
	}
	if a := c.scim(http.MethodGet, `/Groups?filter=id+eq+%22`+group+`%22+and+members+eq+%22`+id+`%22`, "").want(200); !strings.Contains(a.body, `"totalResults":1`) {
		t.Errorf("%s", a.body)
	}
	c.scim(http.MethodPatch, "/Groups/"+group, patchBody(`{"op":"Remove","path":"members","value":[{"value":"`+id+`"}]}`)).want(http.StatusNoContent)
	c.scim(http.MethodDelete, "/Users/"+id, "").want(http.StatusNoContent)
	c.scim(http.MethodGet, "/Users/"+id, "").scimError(http.StatusNotFound, "")
	c.scim(http.MethodDelete, "/Groups/"+group, "").want(http.StatusNoContent)
}

// What the SCIM extensions of Keycloak send: whole resources, with the names that are kept there.
func TestProvisioningAsKeycloakDoes(t *testing.T) {
	t.Parallel()
	s := setScene(t)
	c := s.asProvisioner
	body := func(active string) string {
		return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"f5d7a1","userName":"anna","displayName":"Anna B","name":{"givenName":"Anna","familyName":"B"},"emails":[{"value":"anna.b@example.org"}],"active":` + active + `,"roles":[],"groups":[]}`
	}
	made := c.scim(http.MethodPost, "/Users", body("true")).want(http.StatusCreated)
	id, tag := made.scimID(), made.header.Get("ETag")
	c.headers["If-None-Match"] = tag
	c.scim(http.MethodGet, "/Users/"+id, "").want(http.StatusNotModified)
	delete(c.headers, "If-None-Match")
	c.headers["If-Match"] = tag
	c.scim(http.MethodPut, "/Users/"+id, body("false")).want(200)
	c.scim(http.MethodPut, "/Users/"+id, body("true")).scimError(http.StatusPreconditionFailed, "")
	c.scim(http.MethodDelete, "/Users/"+id, "").scimError(http.StatusPreconditionFailed, "")
	delete(c.headers, "If-Match")
	c.scim(http.MethodPut, "/Users/"+id, body("true")).want(200)
	group := c.scim(http.MethodPost, "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"IT","externalId":"g1","members":[{"value":"`+id+`","$ref":"x"}]}`).want(http.StatusCreated)
	if !strings.Contains(group.body, `"display":"Anna B"`) {
		t.Errorf("%s", group.body)
	}
	if a := c.scim(http.MethodGet, "/Users/"+id, "").want(200); !strings.Contains(a.body, `"display":"IT"`) {
		t.Errorf("%s", a.body)
	}
	c.scim(http.MethodPost, "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Revision","members":[{"value":"`+id+`"}]}`).scimError(http.StatusConflict, "")
}

func TestProvisioningDescribesItself(t *testing.T) {
	t.Parallel()
	c := setScene(t).asProvisioner
	if a := c.scim(http.MethodGet, "/ServiceProviderConfig", "").want(200); !strings.Contains(a.body, `"bulk":{"maxOperations":0,"maxPayloadSize":0,"supported":false}`) || !strings.Contains(a.body, `"maxResults":200`) {
		t.Errorf("%s", a.body)
	}
	c.scim(http.MethodPost, "/Bulk", `{}`).scimError(http.StatusNotFound, "")
	for _, path := range []string{"/ResourceTypes", "/ResourceTypes/User", "/ResourceTypes/Group", "/Schemas", "/Schemas/" + scim.SchemaUser, "/Schemas/" + scim.SchemaGroup, "/Schemas/" + scim.SchemaEnterprise} {
		c.scim(http.MethodGet, path, "").want(200)
	}
	c.scim(http.MethodGet, "/Schemas/urn:x", "").scimError(http.StatusNotFound, "")
	c.scim(http.MethodPut, "/Schemas", `{}`).scimError(http.StatusMethodNotAllowed, "")
}

func TestHostileProvisioning(t *testing.T) {
	t.Parallel()
	s := setScene(t)
	c := s.asProvisioner
	before, entry := s.dump(), s.lastEntry()
	user := func(rest string) string {
		return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"e","userName":"a@example.org"` + rest + `}`
	}
	for body, kind := range map[string]string{
		`{`: "invalidSyntax", `[]`: "invalidSyntax", `null`: "invalidSyntax", user(`,"userName":"b"`): "invalidSyntax", user(`,"username":"b"`): "invalidSyntax", user(``) + `{}`: "invalidSyntax",
		user(`,"nothing":1`): "invalidSyntax", user(`,"active":7`): "invalidValue", user(`,"emails":[{"value":"none"}]`): "invalidValue", strings.Replace(user(``), `"externalId":"e",`, "", 1): "invalidValue",
		strings.Replace(user(``), "a@example.org", "‮evil", 1): "invalidValue", user(`,"displayName":"` + strings.Repeat("x", 101) + `"`): "invalidValue",
		user(`,"emails":[` + strings.Repeat(`{"value":"a@example.org"},`, scim.MaxEmails) + `{"value":"b@example.org"}]`): "tooMany",
	} {
		c.scim(http.MethodPost, "/Users", body).scimError(http.StatusBadRequest, kind)
	}
	c.scim(http.MethodPost, "/Users", strings.Repeat(" ", int(config.Default().Limits.RequestBytes))+user("")).scimError(http.StatusRequestEntityTooLarge, "")
	c.send(http.MethodPost, "/scim/v2/Users", "text/plain", user("")).scimError(http.StatusUnsupportedMediaType, "")
	c.scim(http.MethodGet, "/Users?filter="+strings.Repeat("(", 2000), "").scimError(http.StatusBadRequest, "invalidFilter")
	c.scim(http.MethodGet, "/Users?sortBy=x", "").scimError(http.StatusBadRequest, "invalidPath")
	c.scim(http.MethodGet, "/Users?count=x", "").scimError(http.StatusBadRequest, "invalidValue")
	c.scim(http.MethodPatch, "/Users/x", patchBody(`{"op":"remove"}`)).scimError(http.StatusBadRequest, "noTarget")
	c.scim(http.MethodPatch, "/Users/x", patchBody(`{"op":"replace","path":"active","value":true}`)).scimError(http.StatusNotFound, "")
	c.scim(http.MethodPut, "/Users/"+s.member.ID, user("")).scimError(http.StatusNotFound, "") // an account that is not provisioned
	c.scim(http.MethodDelete, "/Users/"+s.member.ID, "").scimError(http.StatusNotFound, "")
	if s.dump() != before || s.lastEntry() != entry {
		t.Error("what was refused changed something")
	}
}
