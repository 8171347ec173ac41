package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
)

// linked is one package of the program, as `go list -json` prints it.
type linked struct {
	ImportPath string
	Module     *struct{ Path string }
	Imports    []string
}

// module returns the path of the package's module, "" for the standard library.
func (p linked) module() string {
	if p.Module == nil {
		return ""
	}
	return p.Module.Path
}

// direct returns the modules that go.mod requires without the mark "indirect", and the path of the module itself.
func direct(root string) (self string, required map[string]bool, err error) {
	out, err := exec.Command("go", "mod", "edit", "-json", filepath.Join(root, "go.mod")).Output()
	if err != nil {
		return "", nil, fmt.Errorf("read go.mod: %w", err)
	}
	var mod struct {
		Module  struct{ Path string }
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		return "", nil, fmt.Errorf("parse go.mod: %w", err)
	}
	required = map[string]bool{}
	for _, r := range mod.Require {
		if !r.Indirect {
			required[r.Path] = true
		}
	}
	return mod.Module.Path, required, nil
}

// program lists the packages that the program at root consists of.
func program(root string) ([]linked, error) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Module,Imports", "./cmd/konklave")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list the packages of the program: %w", err)
	}
	var packages []linked
	decoder := json.NewDecoder(bytes.NewReader(out))
	for {
		var p linked
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("parse the packages of the program: %w", err)
		}
		packages = append(packages, p)
	}
}

// countChosen counts the required modules that no other module of the program imports:
// what would leave the program if our own code did without it.
func countChosen(self string, required map[string]bool, packages []linked) int {
	moduleOf := make(map[string]string, len(packages))
	for _, p := range packages {
		moduleOf[p.ImportPath] = p.module()
	}
	own, others := map[string]bool{}, map[string]bool{}
	for _, p := range packages {
		for _, path := range p.Imports {
			switch to := moduleOf[path]; {
			case to == p.module() || !required[to]:
			case p.module() == self:
				own[to] = true
			default:
				others[to] = true
			}
		}
	}
	chosen := 0
	for module := range own {
		if !others[module] {
			chosen++
		}
	}
	return chosen
}
