package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/config"
	"konklave/doctor"
)

// DoctorCmd examines the instance and its machine.
type DoctorCmd struct {
	config.Flags

	JSON bool `name:"json" help:"Print one JSON object for each finding."`
}

// errUnwell ends the command with status 1.
var errUnwell = errors.New("something has to be mended, see above")

// Run prints what is found and fails when something has to be mended.
func (cmd *DoctorCmd) Run(ctx context.Context, std streams) error {
	c, _, err := load(cmd.Flags, std, "doctor")
	if err != nil {
		return err
	}
	executable, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own executable: %w", err)
	}
	worker := func() *exec.Cmd { // with nothing of the operator's environment
		return &exec.Cmd{Path: executable, Args: []string{"konklave", "conference"}, Env: []string{}}
	}
	unwell := false
	doctor.Examine(ctx, doctor.Checks(c, time.Now, worker), func(f doctor.Finding) {
		unwell = unwell || f.Level == doctor.Failed
		if cmd.JSON {
			if raw, err := json.Marshal(f); err == nil {
				fmt.Fprintf(std.out, "%s\n", raw)
			}
			return
		}
		fmt.Fprintf(std.out, "%-8s %s: %s\n", mark(f.Level), f.Check, f.Text)
		if f.Fix != "" && f.Level != doctor.Good {
			fmt.Fprintf(std.out, "%-8s   %s\n", "", f.Fix)
		}
	})
	if unwell {
		return errUnwell
	}
	return nil
}

// mark is a level in one word.
func mark(l doctor.Level) string {
	switch l {
	case doctor.Good:
		return "ok"
	case doctor.Advice:
		return "advice"
	case doctor.Failed:
		return "FAILED"
	case doctor.Unknown:
	}
	return "unknown"
}
