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
	"syscall"

	"filippo.io/age"
)

// passing are names in the data directory that mean nothing after a stop: sockets, the lock, files that are being written,
// what a restore that was killed has left.
func passing(name string) bool {
	return name == "run" || name == "lock" || name == "lost+found" || strings.HasPrefix(name, ".") || strings.Contains(name, stage)
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
	walk := func() error { return a.walk(ctx, in, root, base, without) }
	if in.Reading != nil {
		return in.Reading(walk)
	}
	return walk()
}

func (a *archive) walk(ctx context.Context, in Instance, root *os.Root, base string, without []string) error {
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
		return a.file(root, name, in.Reading != nil)
	})
}

func (a *archive) file(root *os.Root, name string, one bool) (err error) {
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // it may have become a pipe meanwhile
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
	if fine, err := readable(f, one); err != nil || !fine {
		a.summary.Unread = append(a.summary.Unread, name)
		return err
	}
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

// readable reports whether an open file is a regular one, and the only name of what it holds where that is asked for.
func readable(f *os.File, one bool) (bool, error) {
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return info.Mode().IsRegular() && (!one || ok && st.Nlink == 1), nil
}
