package app

import (
	"log/slog"

	"konklave/config"
	"konklave/sandbox"
)

// mebibyte is the unit of the memory limit in the configuration, in bytes.
const mebibyte = 1 << 20

func sandboxOptions(c config.Config, log *slog.Logger) sandbox.Options {
	return sandbox.Options{
		UIDBase: c.Isolation.UIDBase,
		Limits:  sandbox.Limits{Memory: int64(c.Isolation.MemoryMiB) * mebibyte, CPUs: c.Isolation.CPUs, Processes: c.Isolation.Processes},
		Log:     log,
	}
}
