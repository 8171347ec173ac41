// Command gotest runs `go test` and prints one line per package as it ends, everything a failed test said, each test that was
// skipped and why, and a count at the end.
//
// All arguments go to `go test`. The exit status is that of `go test`.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		return 2
	}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "gotest: start go:", err)
		return 2
	}
	counted := follow(os.Stdout, events)
	err = cmd.Wait()
	fmt.Println(counted)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case err != nil:
		fmt.Fprintln(os.Stderr, "gotest:", err)
		return 2
	}
	return 0
}
