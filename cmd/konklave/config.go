package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"konklave/config"
)

// ConfigCmd checks, shows and explains the configuration.
type ConfigCmd struct {
	Check   ConfigCheckCmd   `cmd:"" help:"Check the configuration and name every mistake."`
	Show    ConfigShowCmd    `cmd:"" help:"Print the effective values and where each came from; secrets are masked."`
	Example ConfigExampleCmd `cmd:"" help:"Print a file that explains every setting."`
}

// ConfigCheckCmd checks what the server would read.
type ConfigCheckCmd struct{ config.Flags }

// Run fails when there is a mistake.
func (cmd *ConfigCheckCmd) Run(std streams) error {
	if _, err := config.Load(cmd.Flags, os.Environ()); err != nil {
		return mistakes(err)
	}
	_, err := fmt.Fprintln(std.out, "The configuration is valid.")
	return err
}

// ConfigShowCmd prints what the server would use.
type ConfigShowCmd struct{ config.Flags }

// Run prints the values also when there is a mistake, and fails then.
func (cmd *ConfigShowCmd) Run(std streams) error {
	loaded, wrong := config.Load(cmd.Flags, os.Environ())
	if err := loaded.WriteShow(std.out); err != nil {
		return err
	}
	if wrong != nil {
		return mistakes(wrong)
	}
	return nil
}

// ConfigExampleCmd prints the example file.
type ConfigExampleCmd struct{}

// Run prints it.
func (*ConfigExampleCmd) Run(std streams) error { return config.WriteExample(std.out) }

// mistakes is the error of a configuration as a list.
func mistakes(err error) error {
	lines := strings.Split(err.Error(), "\n")
	if len(lines) == 1 {
		return fmt.Errorf("the configuration has a mistake: %w", err)
	}
	return errors.New(fmt.Sprintf("the configuration has %d mistakes:\n  - ", len(lines)) + strings.Join(lines, "\n  - "))
}
