package backup

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/go-json-experiment/json"
)

// stage is the directory in the data directory where files wait until the backup has proved good, and ends the names of
// other files that wait beside their place.
const stage = ".restoring"

// Names in the directory stage.
const (
	filesName = "files"
	noteName  = "placing.json"
)

// note says what a restore places, by absolute path, with the SHA-256 of each file. A restore writes it before it places the
// first, so that the next one knows what one that was killed has left.
type note map[string]string

// readNote returns the note of a restore that was killed, and an empty one when there is none that can be read.
func readNote(data string) note {
	n := note{}
	text, err := os.ReadFile(filepath.Join(data, stage, noteName))
	if err != nil || json.Unmarshal(text, &n) != nil {
		return note{}
	}
	return n
}

// write puts the note on the disk, complete or not at all.
func (n note) write(data string) error {
	text, err := json.Marshal(n, json.Deterministic(true))
	if err != nil {
		return err
	}
	path := filepath.Join(data, stage, noteName)
	if err := putFile(path+stage, text); err != nil {
		return err
	}
	return errors.Join(os.Rename(path+stage, path), syncDir(filepath.Join(data, stage)), syncDir(data))
}

// names reports whether a path is a file that was placed and holds what was placed.
func (n note) names(path string) (bool, error) {
	want, noted := n[path]
	if !noted {
		return false, nil
	}
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || err == nil && !info.Mode().IsRegular() {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return false, err
	}
	return sum(h) == want, nil
}

// covers fails with ErrNotEmpty when there is something at path, or below it, that was not placed.
func (n note) covers(path string) error {
	return filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fine := entry.IsDir() && slices.Contains(n.directories(), path)
		if !entry.IsDir() {
			if fine, err = n.names(path); err != nil {
				return err
			}
		}
		if !fine {
			return ErrNotEmpty.Because(fmt.Errorf("there is %s", path))
		}
		return nil
	})
}

// directories are those that the files are in, each after those that it is in.
func (n note) directories() []string {
	var all []string
	for path := range n {
		for dir := filepath.Dir(path); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			all = append(all, dir)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// remove removes what was placed, and the directories below data that it leaves empty. What is not as it was placed stays.
func (n note) remove(data string, at func(step string)) error {
	for path := range n {
		own, err := n.names(path)
		if err != nil {
			return err
		}
		if own {
			if err := os.Remove(path); err != nil {
				return err
			}
			at("removed " + filepath.Base(path))
		}
	}
	for _, dir := range slices.Backward(n.directories()) {
		if !strings.HasPrefix(dir, data+string(filepath.Separator)) {
			continue
		}
		err := syscall.Rmdir(dir) // unlike os.Remove, never a file
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) && !errors.Is(err, syscall.ENOTDIR) {
			return &fs.PathError{Op: "rmdir", Path: dir, Err: err}
		}
	}
	return syncDir(data)
}

// putFile makes a file with this content, which is on the disk when it returns, in place of one that may be there.
func putFile(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
