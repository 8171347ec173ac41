package backup_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"filippo.io/age"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/backup"
	"konklave/store"
	"konklave/vault"
)

// part is an entry of the archive in a backup.
type part struct {
	name    string
	content []byte
}

// parts returns what is in a backup.
func parts(t *testing.T, b []byte, secret string) []part {
	t.Helper()
	identity, err := age.ParseX25519Identity(secret)
	if err != nil {
		t.Fatal(err)
	}
	clear, err := age.Decrypt(bytes.NewReader(b), identity)
	if err != nil {
		t.Fatal(err)
	}
	unzipped, err := gzip.NewReader(clear)
	if err != nil {
		t.Fatal(err)
	}
	var all []part
	for archive := tar.NewReader(unzipped); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, part{h.Name, content})
	}
}

func unpack(t *testing.T, b []byte, secret string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, p := range parts(t, b, secret) {
		all[p.name] = p.content
	}
	return all
}

// packed makes a backup of parts, as somebody can who knows the public recipient alone.
func packed(t *testing.T, all []part, secret string, trailer string) []byte {
	t.Helper()
	identity, err := age.ParseX25519Identity(secret)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	sealed, err := age.Encrypt(&b, identity.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	zipped := gzip.NewWriter(sealed)
	archive := tar.NewWriter(zipped)
	for _, p := range all {
		if err := archive.WriteHeader(&tar.Header{Name: p.name, Mode: 0o600, Size: int64(len(p.content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(p.content); err != nil {
			t.Fatal(err)
		}
	}
	err = errors.Join(archive.Close(), zipped.Close())
	_, errTrailer := io.WriteString(sealed, trailer)
	if err := errors.Join(err, errTrailer, sealed.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// replaced is a copy of parts in which one is changed.
func replaced(all []part, name string, change func(string) string) []part {
	changed := append([]part{}, all...)
	for i, p := range changed {
		if strings.HasPrefix(p.name, name) {
			changed[i].content = []byte(change(string(p.content)))
		}
	}
	return changed
}

func TestA86ATamperedBackupIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.furnish(t)
	b, _ := h.backup(t)
	all := parts(t, b, h.secret)
	without := func(prefix string) []part {
		var kept []part
		for _, p := range all {
			if !strings.HasPrefix(p.name, prefix) {
				kept = append(kept, p)
			}
		}
		return kept
	}
	extra := func(at int, p part) []part { return append(append(append([]part{}, all[:at]...), p), all[at:]...) }
	if _, err := backup.Verify(bytes.NewReader(packed(t, all, h.secret, "")), h.secret); err != nil {
		t.Fatalf("what these tests build on: %v", err)
	}
	for name, forged := range map[string][]byte{
		"a changed row":         packed(t, replaced(all, "tables/users/", func(s string) string { return strings.Replace(s, "anna", "mall", 1) }), h.secret, ""),
		"a row more":            packed(t, replaced(all, "tables/users/", func(s string) string { return s + s }), h.secret, ""),
		"no rows":               packed(t, without("tables/users/"), h.secret, ""),
		"a file less":           packed(t, without("files/instance.key"), h.secret, ""),
		"a part twice":          packed(t, extra(2, all[1]), h.secret, ""),
		"a file outside":        packed(t, extra(len(all)-2, part{"files/../../etc/passwd/00000001", all[len(all)-3].content}), h.secret, ""),
		"a file without age":    packed(t, replaced(all, "files/instance.key", func(string) string { return "instance secret" }), h.secret, ""),
		"another table":         packed(t, extra(1, part{"tables/goose_db_version/00000001", []byte("[1,2]\n")}), h.secret, ""),
		"not a row":             packed(t, replaced(all, "tables/users/", func(string) string { return "{}\n" }), h.secret, ""),
		"a row too short":       packed(t, replaced(all, "tables/users/", func(string) string { return "[1]\n" }), h.secret, ""),
		"another header":        packed(t, replaced(all, "backup.json", func(s string) string { return strings.Replace(s, `"program":"test"`, `"program":"tset"`, 1) }), h.secret, ""),
		"no manifest":           packed(t, without("manifest"), h.secret, ""),
		"no code":               packed(t, without("manifest.hmac"), h.secret, ""),
		"another code":          packed(t, replaced(all, "manifest.hmac", func(s string) string { return strings.Repeat("x", len(s)) }), h.secret, ""),
		"a changed manifest":    packed(t, replaced(all, "manifest.json", func(s string) string { return s + " " }), h.secret, ""),
		"something after it":    packed(t, append(append([]part{}, all...), part{"x", nil}), h.secret, ""),
		"something after gzip":  packed(t, all, h.secret, "x"),
		"a second gzip":         packed(t, all, h.secret, string(gzipped(t, "x"))),
		"nothing":               {},
		"not an archive":        packed(t, nil, h.secret, ""),
		"a backup of elsewhere": foreign(t, h),
	} {
		if _, err := backup.Verify(bytes.NewReader(forged), h.secret); !errors.Is(err, backup.ErrBroken) {
			t.Errorf("%s: %v", name, err)
		}
		to := sqliteTarget(t)
		if _, err := backup.Restore(t.Context(), bytes.NewReader(forged), h.secret, to); err == nil {
			t.Errorf("%s is restored", name)
		}
		if left, err := os.ReadDir(to.Data); len(left) != 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s leaves %v, %v", name, left, err)
		}
	}
	if _, err := backup.Verify(bytes.NewReader(packed(t, replaced(all, "backup.json", func(s string) string { return strings.Replace(s, `"format":1`, `"format":2`, 1) }), h.secret, "")), h.secret); !errors.Is(err, backup.ErrFormat) {
		t.Errorf("another format: %v", err)
	}
	newer := packed(t, replaced(all, "backup.json", func(s string) string { return strings.Replace(s, `"schema":`, `"schema":9`, 1) }), h.secret, "")
	if _, err := backup.Verify(bytes.NewReader(newer), h.secret); !errors.As(err, new(*store.SchemaTooNewError)) {
		t.Errorf("a newer schema: %v", err)
	}
	if _, err := backup.Restore(t.Context(), bytes.NewReader(newer), h.secret, sqliteTarget(t)); !errors.As(err, new(*store.SchemaTooNewError)) {
		t.Errorf("restore a newer schema: %v", err)
	}
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// foreign is a perfect backup of an attacker's own instance, encrypted for this one's recovery key.
func foreign(t *testing.T, h *house) []byte {
	t.Helper()
	attacker := newHouse(t)
	attacker.furnish(t)
	b, _ := attacker.backup(t)
	all := parts(t, b, attacker.secret)
	identity, err := age.ParseX25519Identity(h.secret)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range all {
		if strings.HasPrefix(p.name, "files/") {
			clear, err := age.Decrypt(bytes.NewReader(p.content), mustIdentity(t, attacker.secret))
			if err != nil {
				t.Fatal(err)
			}
			var again bytes.Buffer
			w, err := age.Encrypt(&again, identity.Recipient())
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.Copy(w, clear)
			if err := errors.Join(err, w.Close()); err != nil {
				t.Fatal(err)
			}
			all[i].content = again.Bytes()
		}
	}
	return packed(t, all, h.secret, "")
}

func TestA86WhoCanWriteTheDatabaseDoesNotReadTheNextBackup(t *testing.T) {
	t.Parallel()
	h, attacker := newHouse(t), newHouse(t)
	system := access.System("test")
	system.Tenant = access.DefaultTenant
	_, theirs, err := attacker.Keys.NewRecovery()
	if err != nil {
		t.Fatal(err)
	}
	put := func(kept auth.Recovery) {
		t.Helper()
		if err := h.Store.PutRecovery(t.Context(), kept, true, audit.RecoveryKeyMade(audit.Origin{At: noon, Actor: system}, kept.Recipient)); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(when string) {
		t.Helper()
		var b bytes.Buffer
		if _, err := backup.Write(t.Context(), &b, h.Instance); !errors.Is(err, backup.ErrForeignRecipient) || b.Len() != 0 {
			t.Errorf("%s: %d bytes, %v", when, b.Len(), err)
		}
	}
	put(theirs)
	refused("before there is a recovery key")
	put(auth.Recovery{Recipient: theirs.Recipient, Escrow: theirs.Escrow})
	refused("without a code")
	secret, own, err := h.Keys.NewRecovery()
	if err != nil {
		t.Fatal(err)
	}
	put(own)
	b, _ := h.backup(t)
	if _, err := backup.Verify(bytes.NewReader(b), secret); err != nil {
		t.Errorf("with a recovery key of its own: %v", err)
	}
	put(auth.Recovery{Recipient: theirs.Recipient, Escrow: own.Escrow, Code: own.Code})
	refused("with another recipient")
}

func mustIdentity(t *testing.T, secret string) *age.X25519Identity {
	t.Helper()
	identity, err := age.ParseX25519Identity(secret)
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

func TestA86ADamagedBackupIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.furnish(t)
	b, _ := h.backup(t)
	for at := 0; at < len(b); at += 1 + len(b)/200 {
		damaged := bytes.Clone(b)
		damaged[at] ^= 0x10
		if _, err := backup.Verify(bytes.NewReader(damaged), h.secret); err == nil {
			t.Errorf("verified with a flipped bit in byte %d of %d", at, len(b))
		}
		if _, err := backup.Verify(bytes.NewReader(b[:at]), h.secret); !errors.Is(err, backup.ErrBroken) {
			t.Errorf("cut after byte %d of %d: %v", at, len(b), err)
		}
	}
	for _, more := range []string{"\x00", "x", string(b)} {
		if _, err := backup.Verify(io.MultiReader(bytes.NewReader(b), strings.NewReader(more)), h.secret); !errors.Is(err, backup.ErrBroken) {
			t.Errorf("with %d bytes more: %v", len(more), err)
		}
	}
	other := newHouse(t)
	other.furnish(t)
	if _, err := backup.Verify(bytes.NewReader(b), other.secret); !errors.Is(err, backup.ErrWrongKey) {
		t.Errorf("another recovery key: %v", err)
	}
	if _, err := backup.Verify(bytes.NewReader(b), "AGE-SECRET-KEY-1"); !errors.Is(err, vault.ErrRecoveryKey) {
		t.Errorf("no recovery key: %v", err)
	}
}
