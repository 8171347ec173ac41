package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// tree is what was measured.
type tree struct {
	goCode, goTests, tsCode, tsTests []file
	functions                        []function // of goCode
	directDependencies               int        // modules that go.mod requires directly
	chosenDependencies               int        // those of them that nothing else in the program imports
	exceptions                       int        // nolint comments in goCode and goTests
}

type file struct {
	path  string
	lines int
}

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// readTree measures every file that git tracks or would add below root.
func readTree(root string) (tree, error) {
	var t tree
	paths, err := listFiles(root)
	if err != nil {
		return t, err
	}
	for _, path := range paths {
		if err := t.add(root, path); err != nil {
			return t, err
		}
	}
	self, required, err := direct(root)
	if err != nil {
		return t, err
	}
	packages, err := program(root)
	if err != nil {
		return t, err
	}
	t.directDependencies, t.chosenDependencies = len(required), countChosen(self, required, packages)
	return t, nil
}

func listFiles(root string) ([]string, error) {
	cmd := exec.Command("git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list files with git: %w", err)
	}
	var paths []string
	for path := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if path != "" {
			paths = append(paths, path)
		}
	}
	return paths, nil
}

func (t *tree) add(root, path string) error {
	isGo := strings.HasSuffix(path, ".go")
	isTS := strings.HasSuffix(path, ".ts") || strings.HasSuffix(path, ".tsx")
	if !isGo && !isTS {
		return nil
	}
	source, err := os.ReadFile(filepath.Join(root, path))
	if os.IsNotExist(err) { // deleted and not yet committed
		return nil
	}
	if err != nil {
		return err
	}
	f := file{path: path, lines: bytes.Count(source, []byte("\n"))}
	switch {
	case isTS && (strings.HasSuffix(path, ".d.ts") || strings.Contains(path, "/gen/")):
	case isTS && isTypeScriptTest(path):
		t.tsTests = append(t.tsTests, f)
	case isTS:
		t.tsCode = append(t.tsCode, f)
	case generated.Match(source):
	case strings.HasSuffix(path, "_test.go"):
		t.goTests = append(t.goTests, f)
		t.exceptions += countExceptions(source)
	default:
		functions, err := measureFunctions(path, source)
		if err != nil {
			return err
		}
		t.goCode = append(t.goCode, f)
		t.functions = append(t.functions, functions...)
		t.exceptions += countExceptions(source)
	}
	return nil
}

func isTypeScriptTest(path string) bool {
	return strings.Contains(path, ".test.") || strings.Contains(path, ".spec.") || strings.Contains(path, "/e2e/")
}

func countExceptions(source []byte) int {
	count := 0
	for line := range bytes.Lines(source) {
		if i := bytes.Index(line, []byte("//")); i >= 0 && bytes.HasPrefix(line[i+2:], []byte("nolint")) {
			count++
		}
	}
	return count
}
