package export

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"konklave/audit/checkpoint"
	"konklave/audit/leaf"
	"konklave/audit/tree"
)

// Errors of writing.
var (
	ErrSequence     = errors.New("this does not follow what was written")
	ErrNoCheckpoint = errors.New("an export ends with a checkpoint")
)

// Writer writes one segment.
type Writer struct {
	out     *bufio.Writer
	content Content
	tree    tree.Frontier
	proven  int64 // up to where there is a checkpoint
}

// NewWriter returns a Writer that has written the header.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	out := &Writer{out: bufio.NewWriterSize(w, LineMax), content: h.Content, tree: h.Start.Clone(), proven: h.Start.Size()}
	frontier := make([]string, 0)
	for _, hash := range h.Start.Hashes() {
		frontier = append(frontier, hash.String())
	}
	return out, out.write(headerText{"segment", Version, h.Origin, h.Content, h.Start.Size(), frontier})
}

// Entry writes an entry, as much of it as the content of the segment is. A text that no export can hold, because somebody damaged
// it in the database, is left out like one that was removed. It fails with ErrSequence when the index does not follow.
func (w *Writer) Entry(e Entry) error {
	if e.Index != w.tree.Size() {
		return fmt.Errorf("%w: entry %d after %d", ErrSequence, e.Index, w.tree.Size())
	}
	t := entryText{Type: "entry", Index: e.Index, Hash: e.Hash.String()}
	if w.content != ContentHashes && writable(e.Leaf, leaf.LeafMax) {
		t.Leaf = e.Leaf
	}
	if t.Leaf != nil && writable(e.Body, leaf.BodyMax) {
		t.Body = e.Body
		for _, sealed := range e.Personal {
			if len(sealed) > PartMax {
				sealed = nil
			}
			t.Personal = append(t.Personal, base64.StdEncoding.EncodeToString(sealed))
		}
	}
	if w.content == ContentOpened && len(e.Opened) == len(t.Personal) {
		for _, o := range e.Opened {
			t.Opened = append(t.Opened, openedText{base64.StdEncoding.EncodeToString(o.Key), o.Fields})
		}
	}
	w.tree.Add(e.Hash)
	return w.write(t)
}

func writable(text []byte, limit int) bool {
	return len(text) > 0 && text[0] == '{' && len(text) <= limit && jsontext.Value(text).IsValid()
}

// Checkpoint writes a signed checkpoint of the size that the log has here; it fails with ErrSequence for one of another size. Its
// root is not compared: an export of a damaged log says so to whoever verifies it.
func (w *Writer) Checkpoint(signed []byte) error {
	c, err := checkpoint.Unverified(signed)
	if err != nil {
		return err
	}
	if c.Size != w.tree.Size() {
		return fmt.Errorf("%w: the checkpoint of %d entries after %d", ErrSequence, c.Size, w.tree.Size())
	}
	w.proven = c.Size
	return w.write(checkpointText{"checkpoint", string(signed)})
}

// Close writes the end. It fails with ErrNoCheckpoint when entries came after the last checkpoint.
func (w *Writer) Close() error {
	if w.proven != w.tree.Size() {
		return ErrNoCheckpoint
	}
	return w.Cut()
}

// Cut ends the file where no checkpoint is, because it has as many entries as a file may: those that follow have the checkpoint,
// without which these are not proven.
func (w *Writer) Cut() error {
	return errors.Join(w.write(endText{"end", w.tree.Size()}), w.out.Flush())
}

// Frontier returns that of what was written.
func (w *Writer) Frontier() tree.Frontier { return w.tree.Clone() }

func (w *Writer) write(t any) error {
	text, err := json.Marshal(t, json.Deterministic(true), jsontext.PreserveRawStrings(true))
	if err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	if len(text)+1 > LineMax {
		return ErrTooLong
	}
	_, err = w.out.Write(append(text, '\n'))
	return err
}
