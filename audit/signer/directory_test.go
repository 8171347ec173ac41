package signer_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"konklave/audit/checkpoint"
	"konklave/audit/signer"
)

const host = "meet.example.org"

func today() time.Time { return time.Date(2026, 11, 22, 23, 59, 59, 0, time.UTC) }

// opened opens a directory until the test ends, or until it is closed.
func opened(t *testing.T, dir string) *signer.Directory {
	t.Helper()
	d, err := signer.OpenDirectory(dir, host, today)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() }) // once more does no harm
	return d
}

// signs signs the tree of n leaves from nothing.
func signs(t *testing.T, d *signer.Directory, n int64) error {
	t.Helper()
	last, err := d.Signer().Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	note, err := d.Signer().Sign(t.Context(), request(t, grown(t, n, 0), n, min(n, last.Size)))
	if err != nil {
		return err
	}
	trust, err := checkpoint.NewTrust([]string{d.Log.Key}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := trust.Open(note); err != nil || c.Size != n || c.Origin != d.Log.Origin {
		t.Errorf("signed %+v, %v", c, err)
	}
	return nil
}

func TestALogBeginsOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "signer")
	d := opened(t, dir)
	first := d.Log
	if !regexp.MustCompile(`^meet\.example\.org/audit/2026-11-22-[a-z2-7]{6}$`).MatchString(first.Origin) || first.Begun != signer.ByStart || len(first.Earlier) != 0 {
		t.Errorf("%+v", first)
	}
	if err := signs(t, d, 3); err != nil {
		t.Fatal(err)
	}
	if _, err := signer.OpenDirectory(dir, host, today); !errors.Is(err, signer.ErrInUse) {
		t.Errorf("opened twice: %v", err)
	}
	if _, err := signer.NewLog(dir, host, today); !errors.Is(err, signer.ErrInUse) {
		t.Errorf("a new log while the signer runs: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = opened(t, dir)
	if d.Log.Origin != first.Origin || d.Log.Key != first.Key {
		t.Errorf("again %+v, was %+v", d.Log, first)
	}
	if err := signs(t, d, 2); !errors.Is(err, signer.ErrRollback) {
		t.Errorf("a shorter log: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", e.Name(), info.Mode(), err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory: %v, %v", info.Mode(), err)
	}
}

func TestAnOperatorMayBeginAnotherLog(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "signer")
	d := opened(t, dir)
	var keys []string
	for n := int64(5); n > 1; n-- { // each a log that is shorter than the one before
		if err := signs(t, d, n); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, d.Log.Key)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		log, err := signer.NewLog(dir, host, today)
		if err != nil {
			t.Fatal(err)
		}
		d = opened(t, dir)
		if d.Log.Key != log.Key || log.Begun != signer.ByOperator || d.Log.Begun != signer.ByOperator || !slices.Equal(d.Log.Earlier, keys) || slices.Contains(keys, log.Key) {
			t.Errorf("%+v, then %+v after %v", log, d.Log, keys)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "log.json"))
	if err != nil || strings.Count(string(text), "PRIVATE+KEY") != 1 {
		t.Errorf("old secret keys are kept, or none: %v", err)
	}
	for range signer.EarlierMax {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := signer.NewLog(dir, host, today); err != nil {
			t.Fatal(err)
		}
		d = opened(t, dir)
	}
	if len(d.Log.Earlier) != signer.EarlierMax || slices.Contains(d.Log.Earlier, keys[0]) {
		t.Errorf("%d earlier keys", len(d.Log.Earlier))
	}
}

func TestWhatWasLostIsNoBeginning(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lose func(t *testing.T, dir, state string) error
		want error
	}{
		"the key":           {func(_ *testing.T, dir, _ string) error { return os.Remove(filepath.Join(dir, "log.json")) }, signer.ErrKeyLost},
		"what was signed":   {func(_ *testing.T, _, state string) error { return os.Remove(state) }, signer.ErrLost},
		"the whole content": {func(_ *testing.T, _, state string) error { return os.WriteFile(state, nil, 0o600) }, checkpoint.ErrMalformed},
		"a part of the key": {func(_ *testing.T, dir, _ string) error {
			return os.Truncate(filepath.Join(dir, "log.json"), 20)
		}, checkpoint.ErrKey},
		"the time of the key": {func(_ *testing.T, dir, _ string) error {
			text, err := os.ReadFile(filepath.Join(dir, "log.json"))
			return errors.Join(err, os.WriteFile(filepath.Join(dir, "log.json"), []byte(strings.Replace(string(text), `"v":1`, `"v":2`, 1)), 0o600))
		}, checkpoint.ErrKey},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "signer")
			d := opened(t, dir)
			if err := signs(t, d, 3); err != nil {
				t.Fatal(err)
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			state := filepath.Join(dir, "signed-"+strings.Split(d.Log.Key, "+")[1])
			if err := test.lose(t, dir, state); err != nil {
				t.Fatal(err)
			}
			again, err := signer.OpenDirectory(dir, host, today)
			if err == nil {
				_, err = again.Signer().Last(t.Context())
				_ = again.Close() // the error is what counts
			}
			if !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}

// A start that is killed between the file of what was signed and the key is made up for by the next one.
func TestAnInterruptedBeginningIsNoLoss(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "signer")
	if err := errors.Join(os.Mkdir(dir, 0o700), signer.CreateFile(filepath.Join(dir, "signed-00000000"))); err != nil {
		t.Fatal(err)
	}
	if err := signs(t, opened(t, dir), 1); err != nil {
		t.Error(err)
	}
}

func TestALogIsNamedAfterAHost(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"", "a b", "a+b", "a\nb", strings.Repeat("x", checkpoint.OriginMax)} {
		dir := filepath.Join(t.TempDir(), "signer")
		if _, err := signer.OpenDirectory(dir, host, today); !errors.Is(err, signer.ErrHost) {
			t.Errorf("%q: %v", host, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "log.json")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: there is a key: %v", host, err)
		}
	}
}
