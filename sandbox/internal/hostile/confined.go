package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"

	"konklave/sandbox"
)

// confined is a front or controller that was taken over: it may write below dir and read the paths, and tries what it reads
// from its standard input, one attack for each line. When one of them is the word alone, it is a signer, without the network.
func confined(dir string, paths []string) error {
	profile := sandbox.Profile{Read: paths, Write: []string{dir}, Alone: slices.Contains(paths, "alone")}
	for _, f := range sandbox.Confine(profile) {
		fmt.Println("layer", f.Layer, f.InForce, f.Detail)
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if got, err := attacks()[words[0]](words[1:]); err != nil {
			fmt.Printf("%s: refused: %v\n", lines.Text(), err)
		} else {
			fmt.Printf("%s: got: %s\n", lines.Text(), got)
		}
	}
	return nil
}
