// Command stats prints the size budgets of the house and whether each is kept.
//
// It reads what git knows or would add (so no build output), leaves generated code out, and counts tests apart:
// the budgets hold for the code that ships. Lines include blank and comment lines.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	root := flag.String("root", ".", "the repository to measure")
	strict := flag.Bool("strict", false, "exit with status 1 when a budget is exceeded")
	flag.Parse()
	os.Exit(run(*root, *strict, os.Stdout, os.Stderr))
}

func run(root string, strict bool, stdout, stderr io.Writer) int {
	tree, err := readTree(root)
	if err != nil {
		fmt.Fprintln(stderr, "stats:", err)
		return 2
	}
	within := report(stdout, tree)
	if strict && !within {
		return 1
	}
	return 0
}
