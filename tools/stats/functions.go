package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// function is one declared Go function or method.
type function struct {
	name     string
	position string
	lines    int
	excused  bool // its doc comment says why it is long, in a line that starts with "Long:"
}

func measureFunctions(path string, source []byte) ([]function, error) {
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, path, source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	var functions []function
	for _, declaration := range parsed.Decls {
		f, ok := declaration.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		start, end := set.Position(f.Pos()), set.Position(f.End())
		functions = append(functions, function{
			name:     f.Name.Name,
			position: start.String(),
			lines:    end.Line - start.Line + 1,
			excused:  strings.Contains("\n"+f.Doc.Text(), "\nLong:"),
		})
	}
	return functions, nil
}
