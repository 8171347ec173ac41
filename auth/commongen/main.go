// Command commongen makes the filter of common passwords out of a list of them: a JSON array of texts.
package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"konklave/auth"
)

// shortest is the length in characters of the shortest password that is worth a place: shorter ones are no part of any that may
// be chosen.
const shortest = 4

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: commongen LIST FILTER")
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var list []string
	if err := json.Unmarshal(text, &list); err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	var digests []string
	for _, password := range list {
		if utf8.RuneCountInString(password) >= shortest {
			digest := auth.CommonDigest(strings.ToLower(password))
			digests = append(digests, string(digest[:]))
		}
	}
	slices.Sort(digests)
	return os.WriteFile(args[1], []byte(strings.Join(slices.Compact(digests), "")), 0o644)
}
