// Command specgen writes the OpenAPI document of the REST interface to the file named by its argument.
package main

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"konklave/config"
	"konklave/httpapi"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: specgen FILE")
	}
	api := httpapi.New(httpapi.Options{Limits: config.Default().Limits, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	spec, err := api.Spec()
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], spec, 0o644)
}
