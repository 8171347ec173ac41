package app

import (
	"fmt"
	"os"

	"konklave/auth"
	"konklave/config"
)

// Passwords hashes so many passwords at a time, and refuses those that the operator has listed.
func Passwords(c config.Config, parallel int) (*auth.Passwords, error) {
	if c.Passwords.RefusedFile == "" {
		return auth.NewPasswords(parallel), nil
	}
	f, err := os.Open(c.Passwords.RefusedFile)
	if err != nil {
		return nil, fmt.Errorf("passwords.refused-file: %w", err)
	}
	defer f.Close()
	refused, err := auth.ReadRefused(f)
	if err != nil {
		return nil, fmt.Errorf("passwords.refused-file %s: %w", c.Passwords.RefusedFile, err)
	}
	return auth.NewPasswords(parallel, refused...), nil
}
