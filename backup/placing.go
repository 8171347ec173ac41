package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"konklave/store"
)

// placing puts files where they belong, in two steps.
type placing struct {
	Target
	staged note // what waits in the directory stage, by where it belongs
	noted  note // what the note on the disk says
}

// at tells that a step is done.
func (p *placing) at(step string) {
	if p.reached != nil {
		p.reached(step)
	}
}

// look makes sure that nothing is at the target but what a restore that was killed has left. It removes nothing.
func (p *placing) look(masterKey []byte) (err error) {
	for _, path := range []*string{&p.Data, &p.MasterKey} {
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(p.Data, 0o700); err != nil {
		return err
	}
	p.noted = readNote(p.Data)
	entries, err := os.ReadDir(p.Data)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(p.Data, e.Name())
		if e.Name() == "lost+found" || path == p.MasterKey || strings.Contains(e.Name(), stage) {
			continue
		}
		if err := p.noted.covers(path); err != nil {
			return err
		}
	}
	_, err = p.hasMasterKey(masterKey)
	if errors.Is(err, ErrNotEmpty) {
		if own, noteErr := p.noted.names(p.MasterKey); own || noteErr != nil {
			return noteErr
		}
	}
	return err
}

// hasMasterKey reports whether the master key is in its place; it fails with ErrNotEmpty when another one is.
func (p *placing) hasMasterKey(masterKey []byte) (bool, error) {
	present, err := os.ReadFile(p.MasterKey)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !bytes.Equal(present, masterKey):
		return false, ErrNotEmpty.Because(fmt.Errorf("there is another master key in %s", p.MasterKey))
	}
	return true, nil
}

// begin removes what a restore that was killed has left, and makes room for files.
func (p *placing) begin() error {
	if err := p.undo(); err != nil {
		return err
	}
	p.noted, p.staged = nil, note{}
	p.at("begun")
	return os.MkdirAll(filepath.Join(p.Data, stage, filesName), 0o700)
}

func (p *placing) table(ctx context.Context, f *store.Filling, t store.Table, rows Rows) error {
	if (t.Name == "api_tokens" || t.Name == "machine_secrets") && !p.KeepTokens {
		return nil
	}
	return f.Table(ctx, t, rows)
}

func (p *placing) file(name string, content io.Reader) (err error) {
	if passing(name) {
		return nil // it would take the place of something that is being made
	}
	root, err := os.OpenRoot(filepath.Join(p.Data, stage, filesName))
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, h), content)
	p.staged[filepath.Join(p.Data, name)] = sum(h)
	err = errors.Join(err, f.Sync(), f.Close())
	p.at("staged " + name)
	return err
}

// place notes what is to be placed, moves the files to their places and writes the master key.
func (p *placing) place(masterKey []byte) error {
	there, err := p.hasMasterKey(masterKey) // somebody may have made one meanwhile
	if err != nil {
		return err
	}
	if !there {
		p.staged[p.MasterKey] = sumOf(masterKey)
		p.staged[p.MasterKey+stage] = sumOf(masterKey)
	}
	p.noted = p.staged
	if err := p.noted.write(p.Data); err != nil {
		return err
	}
	p.at("noted")
	if !there {
		if err := p.placeMasterKey(masterKey); err != nil {
			return err
		}
	}
	waiting := filepath.Join(p.Data, stage, filesName)
	entries, err := os.ReadDir(waiting)
	if err != nil {
		return err
	}
	for _, e := range entries {
		to := filepath.Join(p.Data, e.Name())
		if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(ErrNotEmpty.Because(fmt.Errorf("there is %s", to)), err)
		}
		if err := os.Rename(filepath.Join(waiting, e.Name()), to); err != nil {
			return err
		}
		p.at("placed " + e.Name())
	}
	return syncDir(p.Data)
}

func (p *placing) placeMasterKey(text []byte) error {
	if err := putFile(p.MasterKey+stage, text); err != nil {
		return err
	}
	p.at("master key written")
	if err := os.Link(p.MasterKey+stage, p.MasterKey); errors.Is(err, fs.ErrExist) {
		return ErrNotEmpty.Because(err)
	} else if err != nil {
		return err
	}
	p.at("master key placed")
	return errors.Join(os.Remove(p.MasterKey+stage), syncDir(filepath.Dir(p.MasterKey)))
}

// undo removes what was placed, and then the note about it.
func (p *placing) undo() error {
	if err := p.noted.remove(p.Data, p.at); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(p.Data, stage))
}

// tidy removes the note when everything is in its place. One that stays does no harm: a restore to this place is refused,
// because there is something in the database.
func (p *placing) tidy() {
	_ = os.RemoveAll(filepath.Join(p.Data, stage))
	p.at("tidied")
}
