package privacy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

const page = "../docs/operate/privacy.md"

// Every table that a migration makes says what it holds, why and for how long.
func TestEveryTableSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../store/migrations/*/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	made := map[string]bool{}
	create := regexp.MustCompile(`(?m)^CREATE TABLE (\w+)`)
	rename := regexp.MustCompile(`(?m)^ALTER TABLE (\w+) RENAME TO (\w+)`) // as SQLite changes a table: by a new one in its place
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range create.FindAllStringSubmatch(string(text), -1) {
			made[m[1]] = true
		}
		for _, m := range rename.FindAllStringSubmatch(string(text), -1) {
			delete(made, m[1])
			made[m[2]] = true
		}
	}
	listed := map[string]bool{}
	for _, row := range Tables() {
		if listed[row.Name] || row.Holds == "" || row.Purpose == "" || row.Kept == "" {
			t.Errorf("the row of %s is there twice, or lacks something: %+v", row.Name, row)
		}
		if !made[row.Name] {
			t.Errorf("no migration makes a table %s", row.Name)
		}
		listed[row.Name] = true
	}
	for name := range made {
		if !listed[name] {
			t.Errorf("table %s has no row in privacy/tables.go: say what it holds, about whom, why and how long, then UPDATE_GOLDEN=1 go test ./privacy", name)
		}
	}
}

func TestThePageIsUpToDate(t *testing.T) {
	t.Parallel()
	want := Page()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil { //nolint:gosec // everybody may read it
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(page); err != nil || string(got) != want {
		t.Errorf("%s is not what privacy.Page says (%v): UPDATE_GOLDEN=1 go test ./privacy", page, err)
	}
}

// Every table that tells about somebody is in the export of one's own data, or says why not; and every part is of some table.
func TestEveryTableAboutSomebodyIsExportedOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	of := map[string]bool{}
	for _, row := range Tables() {
		if about := row.About != ""; about != (row.Given != "" || row.Without != "") {
			t.Errorf("table %s: say in which part of an export it is, or why it is in none, if and only if it tells about somebody", row.Name)
		}
		if row.Given != "" && !slices.Contains(Parts(), row.Given) {
			t.Errorf("table %s: an export has no part %q", row.Name, row.Given)
		}
		of[row.Given] = true
	}
	for _, part := range Parts() {
		if !of[part] {
			t.Errorf("no table says that it is in the part %q of an export", part)
		}
	}
}
