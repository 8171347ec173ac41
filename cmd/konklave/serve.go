package main

import (
	"context"
	"log/slog"
	"os"

	"konklave/app"
	"konklave/config"
	"konklave/telemetry"
)

// arguments are the words of the command line, without the program's name.
type arguments []string

// afterVerb returns the flags that follow the verb, for processes that read the same configuration.
func (a arguments) afterVerb(verb string) []string {
	rest := make([]string, 0, len(a))
	skipped := false
	for _, word := range a {
		if word == verb && !skipped {
			skipped = true
			continue
		}
		rest = append(rest, word)
	}
	return rest
}

// ServeCmd runs everything.
type ServeCmd struct {
	config.Flags
}

// Run serves until the context ends.
func (cmd *ServeCmd) Run(ctx context.Context, std streams, args arguments) error {
	c, log, err := load(cmd.Flags, std, "launcher")
	if err != nil {
		return err
	}
	return app.Serve(ctx, c, args.afterVerb("serve"), std.out, std.err, log)
}

// FrontCmd is the public listener, a child of serve.
type FrontCmd struct {
	config.Flags
}

// Run serves until the context ends.
func (cmd *FrontCmd) Run(ctx context.Context, std streams) error {
	c, log, err := load(cmd.Flags, std, "front")
	if err != nil {
		return err
	}
	return app.Front(ctx, c, log)
}

// ControllerCmd is the controller, a child of serve.
type ControllerCmd struct {
	config.Flags
}

// Run serves until the context ends.
func (cmd *ControllerCmd) Run(ctx context.Context, std streams) error {
	c, log, err := load(cmd.Flags, std, "controller")
	if err != nil {
		return err
	}
	return app.Controller(ctx, c, version(), std.out, log)
}

// ConferenceCmd is one conference, a child of the launcher.
type ConferenceCmd struct{}

// Run serves until the conference ends.
func (*ConferenceCmd) Run(ctx context.Context, std streams) error {
	return app.Conference(ctx, std.err)
}

func load(flags config.Flags, std streams, process string) (config.Config, *slog.Logger, error) {
	loaded, err := config.Load(flags, os.Environ())
	if err != nil {
		return config.Config{}, nil, err
	}
	return loaded.Config, telemetry.New(std.err, loaded.Log).With("process", process), nil
}
