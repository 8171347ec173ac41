package verifier

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"konklave/audit/export"
)

// FilesMax is how many segments an export may have.
const FilesMax = 100_000

// Errors of opening.
var (
	ErrNoSegments   = errors.New("there is no export here: no file whose name ends in " + export.Suffix)
	ErrManySegments = fmt.Errorf("there are more than %d files here", FilesMax)
)

// Files are the segments of an export.
type Files struct {
	FS    fs.FS
	Names []string
}

// Open returns the segments at path: the file itself, or all segments in the directory. It fails with ErrNoSegments,
// ErrManySegments, and when the path cannot be read.
func Open(path string) (Files, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Files{}, err
	}
	if !info.IsDir() {
		return Files{os.DirFS(filepath.Dir(path)), []string{filepath.Base(path)}}, nil
	}
	return List(os.DirFS(path))
}

// List returns the segments in the root of a file system.
func List(fsys fs.FS) (Files, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return Files{}, err
	}
	f := Files{FS: fsys}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), export.Suffix) && !e.IsDir() {
			f.Names = append(f.Names, e.Name())
		}
	}
	switch {
	case len(f.Names) == 0:
		return Files{}, ErrNoSegments
	case len(f.Names) > FilesMax:
		return Files{}, ErrManySegments
	}
	return f, nil
}

// segment is a file and where it begins.
type segment struct {
	name   string
	header export.Header
}

// segments reads the headers and returns the files in the order of the log; refused is called for one that has none.
func (f Files) segments(in *export.Reader, refused func(name string, err error)) ([]segment, error) {
	var found []segment
	for _, name := range f.Names {
		file, err := f.FS.Open(name)
		if err != nil {
			return nil, err
		}
		in.Reset(file)
		line, err := in.Next()
		if closed := file.Close(); closed != nil {
			return nil, closed
		}
		var wrong *export.LineError
		switch {
		case errors.As(err, &wrong):
			refused(name, err)
			continue
		case err != nil:
			return nil, err
		}
		found = append(found, segment{name, *line.Header})
	}
	slices.SortStableFunc(found, func(a, b segment) int {
		return cmp.Or(cmp.Compare(a.header.Start.Size(), b.header.Start.Size()), cmp.Compare(a.name, b.name))
	})
	return found, nil
}
