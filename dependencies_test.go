package konklave_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// entry matches one line of docs/dependencies.md: the name, the licence, what it is for.
var entry = regexp.MustCompile("(?m)^- `([^`]+)` \\(([^)]+)\\): (.+)$")

func TestEveryDirectDependencyIsExplained(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	var explained []string
	for _, match := range entry.FindAllStringSubmatch(string(page), -1) {
		explained = append(explained, match[1])
	}
	if lines := strings.Count(string(page), "\n- "); lines != len(explained) {
		t.Errorf("%d entries, %d of them of the form - `name` (licence): purpose", lines, len(explained))
	}
	used := slices.Concat(
		goRequirements(t, "go.mod"), goTools(t, "tools/go.mod"), goTools(t, "tools/lint/go.mod"),
		npmDependencies(t, "web/package.json"), npmDependencies(t, "web/openapi/package.json"))
	slices.Sort(used)
	for _, name := range slices.Compact(used) {
		if !slices.Contains(explained, name) {
			t.Errorf("docs/dependencies.md lacks %s, which is used", name)
		}
	}
	slices.Sort(explained)
	for i, name := range explained {
		if !slices.Contains(used, name) {
			t.Errorf("docs/dependencies.md has %s, which is not used", name)
		}
		if i > 0 && explained[i-1] == name {
			t.Errorf("docs/dependencies.md has %s twice", name)
		}
	}
}

// module is what `go mod edit -json` tells.
type module struct {
	Require []struct {
		Path     string
		Indirect bool
	}
	Tool []struct{ Path string }
}

func goRequirements(t *testing.T, file string) []string {
	t.Helper()
	var direct []string
	for _, r := range readModule(t, file).Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
	}
	return direct
}

// goTools returns the modules of the tools that file pins.
func goTools(t *testing.T, file string) []string {
	t.Helper()
	m := readModule(t, file)
	var tools []string
	for _, tool := range m.Tool {
		for _, r := range m.Require {
			if strings.HasPrefix(tool.Path, r.Path+"/") {
				tools = append(tools, r.Path)
			}
		}
	}
	return tools
}

func readModule(t *testing.T, file string) module {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json", file).Output()
	if err != nil {
		t.Fatalf("read %s: %v", file, err)
	}
	var m module
	if err := json.Unmarshal(out, &m); err != nil {
		t.Fatalf("parse %s: %v", file, err)
	}
	return m
}

func npmDependencies(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Dependencies, DevDependencies map[string]string
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatalf("parse %s: %v", file, err)
	}
	var names []string
	for name := range manifest.Dependencies {
		names = append(names, name)
	}
	for name := range manifest.DevDependencies {
		names = append(names, name)
	}
	return names
}
