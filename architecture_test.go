package konklave_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	slashpath "path"
	"slices"
	"strings"
	"testing"
)

// layer is a ring of the house; a package imports only packages of lower rings, or of its own where mates says so.
type layer struct {
	name     string
	mates    bool // packages of this layer may import each other
	packages []string
}

// layers from the inside out. A package below a listed one (store/sqlgen) belongs to it, unless it is listed itself
// (auth/directory).
// A new package gets its place here first; without one the test fails.
var layers = []layer{
	{name: "fault", packages: []string{"fault"}},
	{name: "domain", mates: true, packages: []string{"conference", "ballot", "meeting", "user", "tenant", "access", "audit", "finding", "privacy", "auth", "line", "journal", "approval", "scim", "notify"}},
	{name: "configuration", mates: true, packages: []string{"config", "auth/settings"}},
	{name: "telemetry", packages: []string{"telemetry"}},
	{name: "keys", packages: []string{"vault"}},
	{name: "walls", packages: []string{"sandbox"}},
	{name: "adapters", packages: []string{"store", "httpapi", "geoip", "signalling", "media", "front", "turn", "control", "launch", "activation", "web", "client", "auth/directory", "auth/oidc", "auth/saml", "auth/providertest", "notify/smtp"}},
	{name: "compositions", mates: true, packages: []string{"worker", "supervisor", "backup", "doctor", "witness", "app"}},
	{name: "commands", packages: []string{"cmd", "bench", "e2e"}},
}

// technology names what a layer must not know; each with the package that hides it.
var technology = map[string][]string{
	"domain": {"database/sql", "net/http", "github.com/coder/websocket", "github.com/livekit/", "github.com/pion/", "github.com/danielgtaylor/huma"},
	"fault":  {"database/sql", "net/http", "konklave/"},
}

// goPackage is what `go list -json` tells about one package.
type goPackage struct {
	ImportPath string
	Imports    []string
}

func TestImportsPointInward(t *testing.T) {
	t.Parallel()
	for _, p := range listPackages(t) {
		path, ours := strings.CutPrefix(p.ImportPath, "konklave/")
		if !ours {
			continue
		}
		from := layerOf(path)
		if from < 0 {
			t.Errorf("package %s has no place in the layers of architecture_test.go", path)
			continue
		}
		for _, imported := range p.Imports {
			if complaint := judge(path, from, imported); complaint != "" {
				t.Errorf("%s imports %s: %s", path, imported, complaint)
			}
		}
	}
}

func TestJudgeKnowsEachDirection(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		allowed  bool
	}{
		{"conference", "konklave/fault", true},
		{"conference", "konklave/access", true},
		{"conference", "konklave/store", false},
		{"conference", "database/sql", false},
		{"fault", "konklave/user", false},
		{"store", "konklave/conference", true},
		{"store", "konklave/store/sqlgen", true},
		{"store", "konklave/httpapi", false},
		{"worker", "konklave/media", true},
		{"app", "konklave/supervisor", true},
		{"media", "konklave/worker", false},
		{"cmd/konklave", "konklave/app", true},
		{"app", "konklave/cmd/konklave", false},
		{"auth", "golang.org/x/crypto/argon2", true},
		{"auth", "net/http", false},
		{"auth", "konklave/auth/settings", false},
		{"auth/settings", "konklave/auth", true},
		{"auth/oidc", "konklave/auth", true},
		{"auth/oidc", "konklave/auth/settings", true},
		{"auth/oidc", "net/http", true},
		{"auth/oidc", "konklave/auth/saml", false},
		{"auth/saml", "konklave/store", false},
		{"app", "konklave/auth/oidc", true},
		{"user", "github.com/pion/webrtc/v4", false},
	} {
		if got := judge(c.from, layerOf(c.from), c.to) == ""; got != c.allowed {
			t.Errorf("%s importing %s: allowed is %v, want %v", c.from, c.to, got, c.allowed)
		}
	}
}

// judge returns why package path of layer from must not import imported, or nothing.
func judge(path string, from int, imported string) string {
	for _, prefix := range technology[layers[from].name] {
		if strings.HasPrefix(imported, prefix) {
			return "the " + layers[from].name + " layer does not know that technology; an adapter hides it"
		}
	}
	name, ours := strings.CutPrefix(imported, "konklave/")
	if !ours || place(name) == place(path) {
		return ""
	}
	to := layerOf(name)
	switch {
	case to > from:
		return "dependencies point inward: " + layers[from].name + " must not know " + layers[to].name
	case to == from && !layers[from].mates:
		return layers[from].name + " never import each other; the consumer declares the small interface it needs"
	}
	return ""
}

func layerOf(path string) int {
	return slices.IndexFunc(layers, func(l layer) bool { return slices.Contains(l.packages, place(path)) })
}

// place is the listed package to which the path belongs: the longest that it lies in, or its first element.
func place(path string) string {
	for p := path; p != "."; p = slashpath.Dir(p) {
		if slices.ContainsFunc(layers, func(l layer) bool { return slices.Contains(l.packages, p) }) {
			return p
		}
	}
	first, _, _ := strings.Cut(path, "/")
	return first
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("read the list of packages: %v", err)
		}
		packages = append(packages, p)
	}
}
