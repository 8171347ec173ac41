package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestQuantileTakesTheSmallestValueThatCoversTheShare(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		numbers []int
		q       float64
		want    int
	}{
		{nil, 0.5, 0},
		{[]int{7}, 0.5, 7},
		{[]int{1, 2, 3, 4}, 0.5, 2},
		{[]int{1, 2, 3, 4, 5}, 0.5, 3},
		{[]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0.9, 9},
		{[]int{1, 2, 3}, 1, 3},
	} {
		if got := quantile(c.numbers, c.q); got != c.want {
			t.Errorf("quantile(%v, %v) = %d, want %d", c.numbers, c.q, got, c.want)
		}
	}
}

func TestFunctionsAreMeasuredFromSignatureToBrace(t *testing.T) {
	t.Parallel()
	source := "package p\n\n// A is short.\nfunc A() {\n}\n\n// B has a table.\n//\n// Long: one row per message.\nfunc B() int {\n\treturn 1\n}\n"
	got, err := measureFunctions("p.go", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].lines != 2 || got[0].excused || got[1].lines != 3 || !got[1].excused {
		t.Errorf("measured %+v", got)
	}
}

func TestExceptionsAreCommentsThatStartWithNolint(t *testing.T) {
	t.Parallel()
	mark := "nolint" // put together here, so that this file has none
	source := fmt.Sprintf("x() //%s:noctx // reason\n// about %s\n\"%s\"\n", mark, mark, mark)
	if got := countExceptions([]byte(source)); got != 1 {
		t.Errorf("counted %d exceptions, want 1", got)
	}
}

func TestReportMarksEachBudgetFromBothSides(t *testing.T) {
	t.Parallel()
	at := tree{
		goCode:             []file{{"a.go", maxFileMedian}},
		functions:          []function{{name: "A", lines: maxFunctionP90}},
		directDependencies: maxDirectDependencies,
		chosenDependencies: maxChosenDependencies,
	}
	var out strings.Builder
	if !report(&out, at) {
		t.Errorf("figures on their budgets are reported as over:\n%s", &out)
	}
	for name, over := range map[string]tree{
		"median":       {goCode: []file{{"a.go", maxFileMedian + 1}}},
		"p95":          {tsCode: []file{{"a.ts", maxFileP95 + 1}}},
		"function":     {functions: []function{{name: "A", lines: maxFunctionP90 + 1}}},
		"dependencies": {directDependencies: maxDirectDependencies + 1},
		"chosen":       {chosenDependencies: maxChosenDependencies + 1},
		"exceptions":   {exceptions: 2},
	} {
		if report(&out, over) {
			t.Errorf("%s: one more than the budget is reported as kept", name)
		}
	}
}

func TestALongFunctionNeedsItsReason(t *testing.T) {
	t.Parallel()
	short := make([]function, 99)
	var out strings.Builder
	if report(&out, tree{functions: append(short, function{name: "A", lines: maxFunctionLines + 1})}) {
		t.Error("a function over the limit without a reason is reported as kept")
	}
	if !report(&out, tree{functions: append(short, function{name: "A", lines: maxFunctionLines + 1, excused: true})}) {
		t.Error("a function with a reason is reported as over")
	}
}

func TestADependencyIsChosenWhenNothingElseImportsIt(t *testing.T) {
	t.Parallel()
	in := func(path string) *struct{ Path string } { return &struct{ Path string }{path} }
	packages := []linked{
		{ImportPath: "fmt"},
		{ImportPath: "tree", Module: in("tree"), Imports: []string{"fmt"}},
		{ImportPath: "engine", Module: in("engine"), Imports: []string{"engine/inside", "tree"}},
		{ImportPath: "engine/inside", Module: in("engine")},
		{ImportPath: "deep", Module: in("deep")},
		{ImportPath: "self/a", Module: in("self"), Imports: []string{"engine", "tree", "self/b"}},
		{ImportPath: "self/b", Module: in("self"), Imports: []string{"deep", "fmt"}},
	}
	required := map[string]bool{"engine": true, "tree": true, "tests-only": true}
	if got := countChosen("self", required, packages); got != 1 {
		t.Errorf("counted %d, want the engine alone: the engine imports the tree, and deep is not required directly", got)
	}
}
