package verifier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit/checkpoint"
	"konklave/audit/export"
)

// Since is what somebody has seen of the log before: an export, which shows exactly what was changed since, or a checkpoint, from
// the file of a witness or from paper, which shows that something was.
type Since struct {
	Export     Files  // without names when there is none
	Checkpoint []byte // a signed note
}

// ReadSince returns the checkpoint in the file at path, or the export in the file or directory there.
func ReadSince(path string) (*Since, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(io.LimitReader(f, checkpoint.NoteMax+1))
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		if !bytes.HasPrefix(text, []byte("{")) {
			return &Since{Checkpoint: text}, nil
		}
	}
	files, err := Open(path)
	return &Since{Export: files}, err
}

// diff is an entry that was another one earlier.
type diff struct {
	index   int64
	was, is tlog.Hash
	missing bool // there is none now
}

// diffsMax is how many are remembered, to say what happened.
const diffsMax = 4096

// comparison compares with what was seen earlier, while the present log goes by. A nil comparison does nothing.
type comparison struct {
	start, end int64 // what was seen
	checkpoint *checkpoint.Checkpoint
	equal      bool // the root was the same

	earlier *hashes
	current tlog.Hash // of the entry at index
	index   int64
	done    bool
	seen    int64 // entries that were compared
	diffs   []diff
	more    bool // there are diffs that are not remembered
}

// compare begins a comparison. What was seen earlier must itself be sound.
func (s *Since) compare(ctx context.Context, trust *checkpoint.Trust, report *Report) (*comparison, error) {
	if s == nil {
		return nil, nil
	}
	refuse := func(why string) { report.add(Finding{Code: NotCompared, Detail: why}) }
	if len(s.Export.Names) == 0 {
		c, err := openEarlier(trust, s.Checkpoint)
		if err != nil {
			refuse(err.Error())
			return nil, nil
		}
		return &comparison{end: c.Size, checkpoint: &c}, nil
	}
	// Witnesses need not have cosigned what somebody has kept himself.
	sound, err := Verify(ctx, s.Export, Options{Trust: trust.Log()})
	if err != nil {
		return nil, fmt.Errorf("earlier export: %w", err)
	}
	for _, f := range sound.Findings {
		if f.Tampered() && f.Code != WronglyOpened && f.Code != Removed && f.Code != Uncertified || f.Code == Gap || f.Code == Overlap {
			refuse("it is not sound itself: " + f.String())
			return nil, nil
		}
	}
	if sound.Trusted <= sound.Start {
		refuse("no checkpoint covers it")
		return nil, nil
	}
	segments, err := s.Export.segments(export.NewReader(nil), func(string, error) {})
	if err != nil {
		return nil, err
	}
	return &comparison{
		start: sound.Start, end: sound.Trusted, index: -1,
		earlier: &hashes{files: s.Export.FS, segments: segments, end: sound.Trusted},
	}, nil
}

func openEarlier(trust *checkpoint.Trust, text []byte) (checkpoint.Checkpoint, error) {
	if trust == nil {
		return checkpoint.Unverified(text)
	}
	signed, err := trust.Open(text)
	return signed.Checkpoint, err
}

// root compares the root, when the log has the size of the earlier checkpoint.
func (c *comparison) root(v *run) error {
	if c == nil || c.checkpoint == nil || v.lost || v.stated.Size() != c.checkpoint.Size {
		return nil
	}
	tree := &v.stated
	if v.computed != nil && v.computed.Root() == c.checkpoint.Root {
		tree = v.computed
	}
	if c.equal = tree.Root() == c.checkpoint.Root; !c.equal {
		v.find(Forked, v.report.Start, c.checkpoint.Size, "the root is not that of the earlier checkpoint")
		c.checkpoint = nil
	}
	return nil
}

// leaf compares one entry.
func (c *comparison) leaf(index int64, hash tlog.Hash) error {
	if c == nil || c.earlier == nil || index < c.start || index >= c.end {
		return nil
	}
	for !c.done && c.index < index {
		if err := c.step(); err != nil {
			return err
		}
	}
	if c.done || c.index != index {
		return nil
	}
	c.seen++
	if c.current != hash {
		c.differ(diff{index: index, was: c.current, is: hash})
	}
	return nil
}

func (c *comparison) step() error {
	var err error
	c.index, c.current, err = c.earlier.next()
	if errors.Is(err, io.EOF) {
		c.done = true
		return nil
	}
	return err
}

func (c *comparison) differ(d diff) {
	if len(c.diffs) == diffsMax {
		c.more = true
		return
	}
	c.diffs = append(c.diffs, d)
}

// finish says how the log differs from what was seen earlier.
func (c *comparison) finish(v *run) error {
	if c == nil {
		return nil
	}
	r := v.report
	if c.earlier == nil {
		switch {
		case c.equal:
			r.Compared = true
		case c.checkpoint != nil && c.end > r.End:
			v.find(Truncated, r.End, c.end, fmt.Sprintf("an earlier checkpoint has %d entries", c.end))
		case c.checkpoint != nil:
			v.find(NotCompared, c.end, c.end, "this export does not have the entries up to the earlier checkpoint")
		}
		return nil
	}
	for !c.done && c.end > r.End { // what is there no more
		if err := c.step(); err != nil {
			return err
		}
		if !c.done && c.index >= r.End {
			c.differ(diff{index: c.index, was: c.current, missing: true})
		}
	}
	if c.seen == 0 && r.End >= c.end {
		v.find(NotCompared, r.Start, r.End, "the two exports have no entry in common")
		return nil
	}
	r.Compared = len(c.diffs) == 0
	c.explain(v)
	return nil
}

func (c *comparison) close() {
	if c != nil && c.earlier != nil {
		c.earlier.close()
	}
}

// hashes goes through the entries of an export that was verified.
type hashes struct {
	files    fs.FS
	segments []segment
	end      int64
	file     fs.File
	in       *export.Reader
}

// next returns the next entry; io.EOF after the last that a checkpoint covers.
func (h *hashes) next() (int64, tlog.Hash, error) {
	for {
		if h.in == nil {
			if len(h.segments) == 0 {
				return 0, tlog.Hash{}, io.EOF
			}
			var err error
			if h.file, err = h.files.Open(h.segments[0].name); err != nil {
				return 0, tlog.Hash{}, err
			}
			h.in, h.segments = export.NewReader(h.file), h.segments[1:]
		}
		switch l, err := h.in.Next(); {
		case errors.Is(err, io.EOF), errors.Is(err, export.ErrCutOff): // what is before it was proven
			h.close()
		case err != nil:
			return 0, tlog.Hash{}, err
		case l.Entry != nil && l.Entry.Index >= h.end:
			h.close()
			h.segments = nil
		case l.Entry != nil:
			return l.Entry.Index, l.Entry.Hash, nil
		}
	}
}

func (h *hashes) close() {
	if h.file != nil {
		h.file.Close()
	}
	h.file, h.in = nil, nil
}
