package main

import (
	"context"

	"konklave/app"
	"konklave/config"
)

// SignerCmd is the signer of the audit log, a child of serve.
type SignerCmd struct {
	config.Flags
}

// Run serves until the context ends.
func (cmd *SignerCmd) Run(ctx context.Context, std streams) error {
	c, log, err := load(cmd.Flags, std, "signer")
	if err != nil {
		return err
	}
	return app.Signer(ctx, c, log)
}
