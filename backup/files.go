package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"
)

// passing are names in the data directory that mean nothing after a stop: sockets, the lock, files that are being written.
func passing(name string) bool {
	return name == "run" || name == "lock" || name == "lost+found" || strings.HasPrefix(name, ".")
}

// files puts the files of the data directory into the archive, each encrypted once more. Those that this process may not
// read, because they are another one's, are left out and named.
func (a *archive) files(ctx context.Context, in Instance) error {
	without := make([]string, 0, len(in.Without))
	for _, path := range in.Without {
		abs, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		without = append(without, abs)
	}
	base, err := filepath.Abs(in.Data)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(base)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // deleted meanwhile
			return nil
		case errors.Is(err, fs.ErrPermission):
			a.summary.Unread = append(a.summary.Unread, name)
			return nil
		case err != nil:
			return err
		case name != "." && (passing(name) || slices.Contains(without, filepath.Join(base, name))):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !entry.Type().IsRegular():
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return a.file(root, name)
	})
}

func (a *archive) file(root *os.Root, name string) (err error) {
	f, err := root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if errors.Is(err, fs.ErrPermission) {
		a.summary.Unread = append(a.summary.Unread, name)
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	m := a.member(filePrefix + name)
	sealed, err := age.Encrypt(m, a.to)
	if err != nil {
		return err
	}
	n, err := io.Copy(sealed, io.LimitReader(f, fileMax+1))
	if err == nil && n > fileMax {
		err = fmt.Errorf("the file %s has more than %d bytes", name, int64(fileMax))
	}
	a.summary.Files = append(a.summary.Files, name)
	return errors.Join(err, sealed.Close(), m.Close())
}
