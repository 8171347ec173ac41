package main

import (
	"context"

	"konklave/app"
	"konklave/config"
)

// LauncherCmd is the launcher as a process of its own, started by systemd.
type LauncherCmd struct {
	config.Flags
}

// Run serves until the context ends.
func (cmd *LauncherCmd) Run(ctx context.Context, std streams) error {
	c, log, err := load(cmd.Flags, std, "launcher")
	if err != nil {
		return err
	}
	return app.Launcher(ctx, c, std.err, log)
}
