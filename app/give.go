package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// gift gives files to a user, through descriptors alone: no name that somebody changes meanwhile, and no link, leads to
// anything else.
type gift struct {
	from  int // whose files are given; those of others stay theirs. Files of root are given only in directories of root's,
	to    int // where nobody else can have placed them.
	group int
	other map[string]int // who gets them instead of to, by name in the outermost directory, with everything below
}

// directory gives an open directory with everything in it, itself last.
func (g gift) directory(dir *os.File) error {
	owner, err := statOf(dir)
	if err != nil {
		return err
	}
	entries, err := dir.ReadDir(-1)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := g.entry(dir, e.Name(), int(owner.Uid)); err != nil {
			return err
		}
	}
	return g.take(dir, owner)
}

func (g gift) entry(dir *os.File, name string, above int) error {
	if to, ok := g.other[name]; ok {
		g.to = to
	}
	g.other = nil
	f, err := openIn(dir, name, unix.O_PATH)
	if errors.Is(err, unix.ENOENT) {
		return nil // removed meanwhile
	}
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := statOf(f)
	if err != nil {
		return err
	}
	given := int(st.Uid) == g.from && (g.from != 0 || above == 0)
	switch {
	case st.Mode&unix.S_IFMT == unix.S_IFDIR && (given || int(st.Uid) == g.to):
		return g.below(f)
	case !given:
		return nil
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil // sockets are bound anew, links need no owner, and nothing else belongs here
	case st.Nlink > 1:
		return fmt.Errorf("%s has another name somewhere (a hard link); nobody can know where. Copy it, and put the copy in its place", f.Name())
	}
	return g.take(f, st)
}

// below gives a directory that was opened only as a place.
func (g gift) below(place *os.File) error {
	dir, err := openIn(place, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer dir.Close()
	return g.directory(dir)
}

// take gives one open file.
func (g gift) take(f *os.File, st unix.Stat_t) error {
	if int(st.Uid) != g.from && int(st.Uid) != g.to || int(st.Uid) == g.to && int(st.Gid) == g.group {
		return nil
	}
	if err := unix.Fchownat(int(f.Fd()), "", g.to, g.group, unix.AT_EMPTY_PATH); err != nil {
		return fmt.Errorf("give %s to user %d: %w", f.Name(), g.to, err)
	}
	return nil
}

// openIn opens what lies in an open directory, and no link.
func openIn(dir *os.File, name string, flags int) (*os.File, error) {
	path := filepath.Join(dir.Name(), name)
	fd, err := unix.Openat(int(dir.Fd()), name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) {
		return nil, fmt.Errorf("%s is not the directory that it should be (%w); a link is not followed there. Move it away", path, err)
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

func statOf(f *os.File) (unix.Stat_t, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return st, &os.PathError{Op: "stat", Path: f.Name(), Err: err}
	}
	return st, nil
}

// openPlace opens a directory for root, in which others will work. None of the users, and nobody of the group, may be able to
// put another one in its place.
func openPlace(dir string, users []int, group int) (*os.File, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	resolved, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return nil, err
	}
	for _, path := range append(wayTo(resolved), wayTo(abs)...) {
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return nil, &os.PathError{Op: "stat", Path: path, Err: err}
		}
		link := st.Mode&unix.S_IFMT == unix.S_IFLNK
		if slices.Contains(users, int(st.Uid)) && (link || path != abs) {
			return nil, fmt.Errorf("%s, on the way to the data directory, belongs to user %d, as whom Konklave runs without privileges; "+
				"that user could put another directory in its place. Give it to root, or choose another data directory", path, st.Uid)
		}
		open := st.Mode&unix.S_IWOTH != 0 || st.Mode&unix.S_IWGRP != 0 && int(st.Gid) == group
		if open && !link && path != abs && st.Mode&unix.S_ISVTX == 0 {
			return nil, fmt.Errorf("%s, on the way to the data directory, may be written to by users as whom Konklave runs without privileges; "+
				"they could put another directory in its place. Take that right away, or choose another data directory", path)
		}
	}
	flags := unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC
	if st, err := os.Lstat(abs); err == nil && st.IsDir() {
		flags |= unix.O_NOFOLLOW // it was no link when it was looked at
	}
	fd, err := unix.Open(abs, flags, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: abs, Err: err}
	}
	return os.NewFile(uintptr(fd), abs), nil
}
