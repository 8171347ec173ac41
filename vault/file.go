package vault

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// keysMax is how many master keys a file may hold, and fileMax how many bytes.
const (
	keysMax = 16
	fileMax = 16 << 10
)

const (
	fileHead   = "# Master key of a Konklave instance: the first key is in use, later ones open what is older.\n# Keep this file secret, and apart from the database and its backups.\n"
	linePrefix = "konklave-master-key-1 "
)

// Settings keeps named texts in the database.
type Settings interface {
	// Setting returns a text, or nothing when there is none.
	Setting(ctx context.Context, name string) (string, error)
	// AddSetting stores a text unless there is one, and returns the one that is there now.
	AddSetting(ctx context.Context, name, value string) (string, error)
}

// settingProof is the name of something wrapped by the master key: who cannot unwrap it has another key.
const settingProof = "vault.proof"

// proofPurpose binds the proof.
const proofPurpose = "konklave proof of the master key"

// Open reads the master key of the instance whose settings are given. At the very first start it makes one; a database that
// was sealed before never gets another key: Open then fails and says what to do.
func Open(ctx context.Context, path string, settings Settings) (*Vault, error) {
	proof, err := settings.Setting(ctx, settingProof)
	if err != nil {
		return nil, err
	}
	text, err := read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && proof == "":
		if text, err = create(path); err != nil {
			return nil, fmt.Errorf("make master key: %w", err)
		}
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the master key %s is missing, and the database cannot be read without it; put the file back, or get it back with `konklave recovery-key restore`", path)
	case err != nil:
		return nil, err
	}
	v, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("the master key %s is damaged: %w; put the file back, or get it back with `konklave recovery-key restore`", path, err)
	}
	if proof == "" {
		made := base64.StdEncoding.EncodeToString(v.Wrap(v.NewKey(), []byte(proofPurpose)))
		if proof, err = settings.AddSetting(ctx, settingProof, made); err != nil {
			return nil, err
		}
	}
	if err := v.proves(proof); err != nil {
		return nil, fmt.Errorf("the master key %s is not the one of this database (%w); put the right file back, or get it back with `konklave recovery-key restore`", path, err)
	}
	return v, nil
}

func (v *Vault) proves(proof string) error {
	blob, err := base64.StdEncoding.DecodeString(proof)
	if err != nil {
		return ErrDamaged
	}
	_, err = v.Unwrap(blob, []byte(proofPurpose))
	return err
}

// read returns what is in the file of the master key, which nobody but its owner and group may read.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o027 != 0 {
		return nil, fmt.Errorf("the master key %s can be read by others (mode %o); please run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	if info.Size() > fileMax {
		return nil, fmt.Errorf("the master key %s has %d bytes; it is not one", path, info.Size())
	}
	return os.ReadFile(path)
}

// create writes a new master key to path and returns what stands there: of several who do it at once, all return one.
func create(path string) ([]byte, error) {
	text := encode([][]byte{(*Vault)(nil).NewKey()})
	if err := WriteNew(path, text); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return read(path)
}

// WriteNew makes a file with this secret, complete or not at all; it fails with fs.ErrExist when there is one. What root makes
// belongs to the owner of the directory, so that the server, which runs as that user, can read it.
func WriteNew(path string, text []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".secret-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.Write(text)
	if err = errors.Join(err, giveToOwner(f, dir), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func giveToOwner(f *os.File, dir string) error {
	info, err := os.Stat(dir)
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("the owner of %s is not known", dir)
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}

func encode(keys [][]byte) []byte {
	text := []byte(fileHead)
	for _, k := range keys {
		text = append(text, linePrefix...)
		text = base64.StdEncoding.AppendEncode(text, k)
		text = append(text, '\n')
	}
	return text
}

// parse reads a file of master keys.
func parse(text []byte) (*Vault, error) {
	v := &Vault{}
	for line := range bytes.Lines(text) {
		s := strings.TrimSpace(string(line))
		if s == "" || strings.HasPrefix(s, "#") {
			continue
		}
		rest, ok := strings.CutPrefix(s, linePrefix)
		if !ok {
			return nil, errors.New("a line is not a key")
		}
		key, err := base64.StdEncoding.Strict().DecodeString(rest)
		if err != nil || len(key) != KeySize {
			return nil, fmt.Errorf("a key does not have %d bytes", KeySize)
		}
		if v.keys = append(v.keys, key); len(v.keys) > keysMax {
			return nil, fmt.Errorf("there are more than %d keys", keysMax)
		}
	}
	if len(v.keys) == 0 {
		return nil, errors.New("there is no key in it")
	}
	return v, nil
}
