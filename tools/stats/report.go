package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// The budgets; a figure above one is marked "over".
const (
	maxFileMedian         = 150  // lines
	maxFileP95            = 500  // lines
	maxFunctionP90        = 40   // lines
	maxFunctionLines      = 100  // lines; more needs a "Long:" line in the doc comment
	maxDirectDependencies = 33   // Go modules (ADR 15)
	maxChosenDependencies = 20   // Go modules that nothing else in the program imports (ADR 15)
	maxExceptionsPerKLOC  = 1.0  // nolint comments per 1,000 lines of Go
	percentile            = 0.95 // of file lengths
	functionPercentile    = 0.90 // of function lengths
	longest               = 5    // files and functions named at the end
)

// report prints every figure and says whether all budgets are kept.
func report(w io.Writer, t tree) bool {
	within := true
	check := func(name string, value, limit float64, format string) {
		mark := "ok"
		if value > limit {
			mark, within = "over", false
		}
		fmt.Fprintf(w, "  %-36s "+format+"   budget "+format+"   %s\n", name, value, limit, mark)
	}
	for _, language := range []struct {
		name        string
		code, tests []file
	}{{"Go", t.goCode, t.goTests}, {"TypeScript", t.tsCode, t.tsTests}} {
		lengths := fileLengths(language.code)
		fmt.Fprintf(w, "%s: %d files with %d lines; tests: %d files with %d lines\n", language.name,
			len(language.code), sum(lengths), len(language.tests), sum(fileLengths(language.tests)))
		check("file length, median", float64(quantile(lengths, 0.5)), maxFileMedian, "%5.0f")
		check("file length, 95th percentile", float64(quantile(lengths, percentile)), maxFileP95, "%5.0f")
		fmt.Fprintf(w, "  %-36s %5d\n", "file length, longest", quantile(lengths, 1))
	}
	var functions []int
	tooLong := 0
	for _, f := range t.functions {
		functions = append(functions, f.lines)
		if f.lines > maxFunctionLines && !f.excused {
			tooLong++
		}
	}
	slices.Sort(functions)
	fmt.Fprintf(w, "Go functions: %d\n", len(functions))
	check("function length, 90th percentile", float64(quantile(functions, functionPercentile)), maxFunctionP90, "%5.0f")
	check(fmt.Sprintf("functions over %d lines", maxFunctionLines), float64(tooLong), 0, "%5.0f")
	fmt.Fprintln(w, "Go module")
	check("direct dependencies", float64(t.directDependencies), maxDirectDependencies, "%5.0f")
	check("of them imported by us alone", float64(t.chosenDependencies), maxChosenDependencies, "%5.0f")
	kloc := float64(sum(fileLengths(t.goCode))+sum(fileLengths(t.goTests))) / 1000
	check("nolint per 1,000 lines", float64(t.exceptions)/max(kloc, 1), maxExceptionsPerKLOC, "%5.2f")
	nameLongest(w, t)
	return within
}

func nameLongest(w io.Writer, t tree) {
	files := slices.Concat(t.goCode, t.tsCode)
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(b.lines, a.lines) })
	functions := slices.SortedFunc(slices.Values(t.functions), func(a, b function) int { return cmp.Compare(b.lines, a.lines) })
	fmt.Fprintln(w, "Longest files")
	for _, f := range files[:min(longest, len(files))] {
		fmt.Fprintf(w, "  %5d  %s\n", f.lines, f.path)
	}
	fmt.Fprintln(w, "Longest functions")
	for _, f := range functions[:min(longest, len(functions))] {
		fmt.Fprintf(w, "  %5d  %s  %s\n", f.lines, f.name, strings.TrimSuffix(f.position, ":1"))
	}
}

func fileLengths(files []file) []int {
	lengths := make([]int, 0, len(files))
	for _, f := range files {
		lengths = append(lengths, f.lines)
	}
	slices.Sort(lengths)
	return lengths
}

func sum(numbers []int) int {
	total := 0
	for _, n := range numbers {
		total += n
	}
	return total
}

// quantile returns the smallest value that at least the share q of the sorted numbers does not exceed; 0 for none.
func quantile(sorted []int, q float64) int {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(q*float64(len(sorted)) + 0.999999)
	return sorted[min(max(rank, 1), len(sorted))-1]
}
