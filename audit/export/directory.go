package export

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// SegmentEntries is how many entries a segment of a directory has, before it ends with the next checkpoint.
const SegmentEntries = 10_000

// Suffix is how the names of segments end.
const Suffix = ".ndjson"

// Directory writes an export as segments in a directory, each of which can be verified by itself. Their names carry what is in
// them: the index of the first entry, and that of the first after the last.
type Directory struct {
	path   string
	header Header
	file   *os.File
	out    *Writer
	count  int
	newest []byte // checkpoint, when nothing came after it
	rights func(do func() error) error
	most   int // entries of a segment
}

// NewDirectory returns a Directory for an export that begins after the header's frontier. The directory must exist. Rights runs
// what makes and names files there, for a process that else has others; nil for none.
func NewDirectory(path string, h Header, rights func(do func() error) error) *Directory {
	if rights == nil {
		rights = func(do func() error) error { return do() }
	}
	return &Directory{path: path, header: h, rights: rights, most: EntriesMax}
}

// Entry writes an entry; see Writer.
func (d *Directory) Entry(e Entry) error {
	if d.out != nil && d.count == d.most {
		if err := d.end(d.out.Cut); err != nil {
			return err
		}
	}
	if err := d.begin(); err != nil {
		return err
	}
	d.newest = nil
	d.count++
	return d.out.Entry(e)
}

// Checkpoint writes a signed checkpoint; see Writer. A segment that is long enough ends with it.
func (d *Directory) Checkpoint(signed []byte) error {
	if err := d.begin(); err != nil {
		return err
	}
	if err := d.out.Checkpoint(signed); err != nil {
		return err
	}
	d.newest = signed
	if d.count < SegmentEntries {
		return nil
	}
	return d.end(d.out.Close)
}

// Close ends the export. It fails with ErrNoCheckpoint as Writer does; what was written stays under a name that is not read.
func (d *Directory) Close() error {
	if d.out == nil {
		return nil
	}
	return d.end(d.out.Close)
}

func (d *Directory) begin() error {
	if d.out != nil {
		return nil
	}
	var file *os.File
	err := d.rights(func() (err error) {
		file, err = os.OpenFile(d.part(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		return err
	})
	if err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	if d.out, err = NewWriter(file, d.header); err != nil {
		return errors.Join(err, file.Close())
	}
	d.file, d.count = file, 0
	if d.newest != nil { // ended the segment before, and says that this one goes on from there
		return d.out.Checkpoint(d.newest)
	}
	return nil
}

func (d *Directory) end(end func() error) error {
	if err := end(); err != nil {
		return errors.Join(err, d.file.Close())
	}
	next := d.out.Frontier()
	if err := errors.Join(d.file.Sync(), d.file.Close()); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	name := fmt.Sprintf("audit-%015d-%015d%s", d.header.Start.Size(), next.Size(), Suffix)
	if err := d.rights(func() error { return os.Rename(d.part(), filepath.Join(d.path, name)) }); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	d.header.Start, d.out, d.file = next, nil, nil
	return nil
}

// part is the name of a segment that is not finished.
func (d *Directory) part() string { return filepath.Join(d.path, "audit.part") }
