package httpapi_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"konklave/access"
	"konklave/conference"
)

// matrixFile is what a reviewer reads and agrees to. UPDATE_GOLDEN=1 writes it anew.
const matrixFile = "../docs/roles.md"

const matrixHead = `# Who may do what

Written by a test from the access table, for each route of the REST interface and each command of a conference; do not edit it.
"all" is everything of the organisation, "own" what belongs to oneself, "–" nothing. "Proof" says that a person must have proved a short while ago who it is. An account may do what the column "account" says, and what each of its roles adds. Whoever holds an API token may do what the column "program" says, as far as the roles of its account go: the column is for one that has every role. The column "machine" names the scopes any of which opens it to a machine, for everything of the organisation.
`

// column is one sort of actor of the matrix.
type column struct {
	name  string
	actor access.Actor // of any scope, for machines
}

func matrixColumns() []column {
	account := func(kind access.Kind, roles ...access.Role) access.Actor {
		return access.Actor{Kind: kind, ID: "self", UserID: "self", Roles: roles, Tenant: access.DefaultTenant}
	}
	columns := []column{
		{"nobody", access.Nobody()}, {"guest", access.Guest("self")},
		{"account", account(access.KindAccount)},
	}
	for _, role := range access.AccountRoles() {
		columns = append(columns, column{string(role), account(access.KindAccount, role)})
	}
	return append(columns, column{"program", account(access.KindToken, access.AccountRoles()...)}, column{"machine", access.Machine("self", access.DefaultTenant)})
}

func seatColumns() []column {
	var columns []column
	for _, role := range []access.Role{access.RoleParticipant, access.RoleModerator, access.RoleHost} {
		seated := access.Guest("self")
		seated.Roles = []access.Role{role}
		columns = append(columns, column{string(role), seated})
	}
	return columns
}

// reach is how far an actor may go with an action.
func reach(actor access.Actor, action access.Action) string {
	own := access.Object{OwnerID: "self", Tenant: access.DefaultTenant}
	others := access.Object{OwnerID: "other", Tenant: access.DefaultTenant}
	if actor.Kind == access.KindMachine {
		return opening(actor, action, others)
	}
	switch {
	case access.Decide(actor, action, others).Allowed:
		return "all"
	case access.Decide(actor, action, own).Allowed:
		return "own"
	}
	return "–"
}

// opening names the scopes with which the machine is allowed, each by itself.
func opening(machine access.Actor, action access.Action, object access.Object) string {
	var names []string
	for _, scope := range access.Scopes() {
		machine.Scopes = []access.Scope{scope}
		if access.Decide(machine, action, object).Allowed {
			names = append(names, string(scope))
		}
	}
	if names == nil {
		return "–"
	}
	return strings.Join(names, ", ")
}

// matrix writes a table with one line for each thing that can be done.
func matrix(title string, columns []column, lines [][2]string, actions map[string]access.Action, proof func(id string) bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n\n| what | action | proof |", title)
	rule := "\n| --- | --- | --- |"
	for _, c := range columns {
		fmt.Fprintf(&b, " %s |", c.name)
		rule += " --- |"
	}
	b.WriteString(rule + "\n")
	for _, line := range lines {
		action := actions[line[0]]
		if action == "" {
			fmt.Fprintf(&b, "| %s | public | – |%s\n", line[1], strings.Repeat(" all |", len(columns)))
			continue
		}
		needed := "–"
		if proof(line[0]) {
			needed = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |", line[1], action, needed)
		for _, c := range columns {
			fmt.Fprintf(&b, " %s |", reach(c.actor, action))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestRolesByRoutesAndCommandsAreAsReviewed: what each role may do, over everything that can be asked for.
func TestRolesByRoutesAndCommandsAreAsReviewed(t *testing.T) {
	t.Parallel()
	var routes, provisioning, commands [][2]string
	byRoute, proof := map[string]access.Action{}, map[string]bool{}
	for _, r := range start(t, options{}).api.Routes() {
		routes = append(routes, [2]string{r.ID, "`" + r.Method + " " + r.Path + "`"})
		byRoute[r.ID], proof[r.ID] = r.Action, r.Action.NeedsProof() || r.Begins.NeedsProof()
	}
	for _, r := range start(t, options{}).api.ProvisioningRoutes() {
		provisioning = append(provisioning, [2]string{r.ID, "`" + r.Method + " " + r.Path + "`"})
		byRoute[r.ID] = r.Action
	}
	byCommand := conference.CommandKinds()
	for _, kind := range slices.Sorted(maps.Keys(byCommand)) {
		commands = append(commands, [2]string{kind, "`" + kind + "`"})
	}
	got := matrixHead + matrix("Routes", matrixColumns(), routes, byRoute, func(id string) bool { return proof[id] }) +
		matrix("Provisioning, with a token alone", matrixColumns(), provisioning, byRoute, func(string) bool { return false }) +
		matrix("Commands", seatColumns(), commands, byCommand, func(id string) bool { return byCommand[id].NeedsProof() })
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(matrixFile, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(matrixFile)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("who may do what is not as %s says; review the difference, then write it with UPDATE_GOLDEN=1:\n%s", matrixFile, got)
	}
}
