package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"konklave/audit/audittest"
	"konklave/audit/export"
	"konklave/vault"
)

// vaultSettings are those of a vault.
type vaultSettings map[string]string

func (s vaultSettings) Setting(_ context.Context, name string) (string, error) { return s[name], nil }

func (s vaultSettings) AddSetting(_ context.Context, name, value string) (string, error) {
	if _, there := s[name]; !there {
		s[name] = value
	}
	return s[name], nil
}

// auditLog writes a log of 30 entries into a directory, and returns it.
func auditLog(t *testing.T) (l *audittest.Log, dir string) {
	t.Helper()
	v, err := vault.Open(t.Context(), filepath.Join(t.TempDir(), "master.key"), vaultSettings{})
	if err != nil {
		t.Fatal(err)
	}
	if l, err = audittest.New(v); err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	out := export.NewDirectory(dir, export.Header{Origin: audittest.Origin, Content: export.ContentSealed}, nil)
	for i := range 3 {
		if err := l.Add(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
		if err := l.Sign(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, e := range l.Entries[10*i:] {
			if err := out.Entry(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := out.Checkpoint(l.Notes[int64(10*i+10)]); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return l, dir
}

func write(t *testing.T, path string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAuditVerifyTellsByItsStatus(t *testing.T) {
	t.Parallel()
	l, dir := auditLog(t)
	other := t.TempDir()
	segment := filepath.Join(dir, "audit-000000000000000-000000000000030.ndjson")
	whole, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	key := write(t, filepath.Join(other, "log.key"), []byte(l.Key+"\n"))
	earlier := write(t, filepath.Join(other, "earlier"), l.Notes[20])
	changed := write(t, filepath.Join(other, "changed.ndjson"), bytes.Replace(whole, []byte("wrong_password"), []byte("wrong_passw0rd"), 1))
	cut := write(t, filepath.Join(other, "cut.ndjson"), whole[:len(whole)/2])
	later := write(t, filepath.Join(other, "later"), l.Notes[30])
	short := t.TempDir()
	l.Entries = l.Entries[:20]
	file, err := l.Export(t.Context(), export.ContentSealed, 0, 20)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(short, "a.ndjson"), file.Data)
	stranger, _ := auditLog(t)
	for name, c := range map[string]struct {
		args []string
		code int
		want string // in what is printed
	}{
		"all keys":                  {[]string{"--key", l.Key, "--witness-key", l.WitnessKey, dir}, 0, "INTACT"},
		"the key in a file":         {[]string{"--key", key, segment}, 0, "30 read"},
		"an earlier checkpoint":     {[]string{"--key", key, "--since", earlier, dir}, 0, "Compared:"},
		"itself as earlier export":  {[]string{"--key", key, "--since", dir, dir}, 0, "Compared:"},
		"an entry changed":          {[]string{"--key", key, changed}, 1, "TAMPERED  Entry 1: changed after it was logged"},
		"cut off since":             {[]string{"--key", key, "--since", later, short}, 1, "Entries 20 to 29: cut off from the end of the log"},
		"another key":               {[]string{"--key", stranger.Key, dir}, 1, "is not a true one of this log"},
		"no key":                    {[]string{dir}, 2, "The key of the log was not given"},
		"half a file":               {[]string{"--key", key, cut}, 2, "the file ends before its end"},
		"too few witnesses":         {[]string{"--key", key, "--witness-key", stranger.WitnessKey, dir}, 2, "not cosigned by enough witnesses"},
		"a witness not asked for":   {[]string{"--key", key, "--witness-key", stranger.WitnessKey, "--witnesses", "0", dir}, 0, "INTACT"},
		"more witnesses than keys":  {[]string{"--key", key, "--witness-key", l.WitnessKey, "--witnesses", "2", dir}, 2, "more witnesses are asked for"},
		"witnesses without the log": {[]string{"--witness-key", l.WitnessKey, dir}, 2, "there is none of the log"},
		"a key that is none":        {[]string{"--key", "a+b+c", dir}, 2, "not a key"},
		"a key file that is none":   {[]string{"--key", segment, dir}, 2, "not a key"},
		"no such key file":          {[]string{"--key", filepath.Join(other, "none"), dir}, 2, "no such file"},
		"no such export":            {[]string{"--key", key, filepath.Join(other, "none")}, 2, "no such file"},
		"no export in there":        {[]string{"--key", key, t.TempDir()}, 2, "there is no export here"},
		"no such earlier one":       {[]string{"--key", key, "--since", filepath.Join(other, "none"), dir}, 2, "--since"},
		"no path":                   {[]string{"--key", key}, 2, "konklave"},
	} {
		code, out, stderr := konklave(t, "", append([]string{"audit", "verify"}, c.args...)...)
		if code != c.code || !strings.Contains(out+stderr, c.want) {
			t.Errorf("%s: exit %d, %q, %q", name, code, out, stderr)
		}
		if (code == 0) != strings.Contains(out, "INTACT") {
			t.Errorf("%s: exit %d, and printed %q", name, code, out)
		}
	}
}

func TestAuditVerifySpeaksJSON(t *testing.T) {
	t.Parallel()
	l, dir := auditLog(t)
	for _, c := range []struct {
		args    []string
		verdict int
	}{{[]string{"--key", l.Key}, 0}, {nil, 2}} {
		code, out, _ := konklave(t, "", append([]string{"audit", "verify", "--json", dir}, c.args...)...)
		var r struct {
			Verdict     int
			Log         string
			End, Proven int64
			Findings    []struct{ Code, Text string }
		}
		if err := json.Unmarshal([]byte(out), &r); err != nil || code != c.verdict || r.Verdict != code || r.Log != audittest.Origin || r.End != 30 || r.Proven != 30 || (len(r.Findings) == 0) != (code == 0) {
			t.Errorf("exit %d, %q, %v", code, out, err)
		}
	}
}

func TestAuditVerifyThatIsInterruptedSaysNothingOfTheLog(t *testing.T) {
	t.Parallel()
	l, dir := auditLog(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out, stderr bytes.Buffer
	if code := run(ctx, []string{"audit", "verify", "--key", l.Key, dir}, strings.NewReader(""), &out, &stderr); code != 2 || out.Len() > 0 || stderr.Len() == 0 {
		t.Errorf("exit %d, %q, %q", code, out.String(), stderr.String())
	}
}
