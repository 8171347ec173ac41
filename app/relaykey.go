package app

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"konklave/activation"
)

const (
	relayKeySize = 32 // bytes; relay credentials are made and checked with it
	relayKeyMode = 0o640
	relayKeyWait = 30 * time.Second // for a controller that makes the key at its first start
	relayKeyLook = 100 * time.Millisecond
)

// relayKeyFile is where the front finds the key when no other process hands it over.
func relayKeyFile(dir string) string { return filepath.Join(dir, "relay.key") }

// relayKey is the key that controller and front share, and workers do not.
func relayKey(dir string) ([]byte, error) {
	key, err := instanceKey(dir)
	if err != nil {
		return nil, fmt.Errorf("instance key: %w", err)
	}
	return hkdf.Key(sha256.New, key, nil, "konklave relay", relayKeySize)
}

// keepRelayKey writes the key for a front that systemd starts, readable for the group of the two.
func keepRelayKey(dir string) ([]byte, error) {
	key, err := relayKey(dir)
	if err != nil {
		return nil, err
	}
	path := relayKeyFile(dir)
	if kept, err := os.ReadFile(path); err == nil && bytes.Equal(kept, key) {
		return key, nil
	}
	next := path + ".new"
	if err := os.WriteFile(next, key, relayKeyMode); err != nil {
		return nil, err
	}
	return key, os.Rename(next, path)
}

// takeRelayKey returns the key that was handed over, or waits for the controller to keep it.
func takeRelayKey(ctx context.Context, dir string, handed *activation.Set) ([]byte, error) {
	if keys := handed.File(nameKeys); keys != nil {
		defer keys.Close()
		key := make([]byte, relayKeySize)
		_, err := io.ReadFull(keys, key)
		return key, err
	}
	limit := time.Now().Add(relayKeyWait)
	for {
		key, err := os.ReadFile(relayKeyFile(dir))
		if err == nil && len(key) != relayKeySize {
			return nil, fmt.Errorf("the key of the relay in %s has %d bytes instead of %d; remove it and restart the controller", relayKeyFile(dir), len(key), relayKeySize)
		}
		if err == nil || !errors.Is(err, fs.ErrNotExist) || time.Now().After(limit) {
			return key, err
		}
		select {
		case <-time.After(relayKeyLook):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
