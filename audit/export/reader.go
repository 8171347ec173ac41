package export

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// LineError says which line is refused, and why.
type LineError struct {
	Line  int // from 1
	Cause error
}

// Error implements error.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Cause) }

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Cause }

// Reader reads one segment line by line, in memory that does not grow with it.
type Reader struct {
	in          *bufio.Reader
	line        int
	entries     int
	checkpoints int
	ended       bool
	entry       Entry
}

// NewReader returns a Reader. It uses a bufio.Reader of LineMax as it is.
func NewReader(r io.Reader) *Reader { return &Reader{in: bufio.NewReaderSize(r, LineMax)} }

// Reset makes the Reader read another segment, with the memory that it has.
func (r *Reader) Reset(in io.Reader) {
	r.in.Reset(in)
	*r = Reader{in: r.in, entry: r.entry}
}

// Line returns the number of the line that Next returned last, from 1.
func (r *Reader) Line() int { return r.line }

// Next returns the next line: first a header, then entries and checkpoints, at last an end. After the end it fails with io.EOF,
// in all other cases with a *LineError or what reading failed with. After an error about one line the next can be read, so that
// all damage can be named; with ErrTooLong, ErrTooMany and ErrCutOff it is over.
func (r *Reader) Next() (Line, error) {
	text, err := r.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return Line{}, r.refuse(ErrTooLong)
	case errors.Is(err, io.EOF) && len(text) == 0 && r.ended:
		return Line{}, io.EOF
	case errors.Is(err, io.EOF):
		return Line{}, r.refuse(ErrCutOff)
	case err != nil:
		return Line{}, fmt.Errorf("read: %w", err)
	}
	l, err := decode(bytes.TrimSuffix(text, []byte("\n")), &r.entry)
	if err == nil {
		err = r.place(l)
	}
	if err != nil {
		return Line{}, r.refuse(err)
	}
	r.line++
	return l, nil
}

// place checks that a line may stand where it does.
func (r *Reader) place(l Line) error {
	if r.ended || (r.line == 0) != (l.Header != nil) {
		return ErrOrder
	}
	switch {
	case l.Entry != nil:
		r.entries++
	case l.Checkpoint != nil:
		r.checkpoints++
	}
	if r.entries > EntriesMax || r.checkpoints > CheckpointsMax {
		return ErrTooMany
	}
	r.ended = l.End != nil
	return nil
}

func (r *Reader) refuse(cause error) error {
	r.line++
	return &LineError{r.line, cause}
}

// Final reports whether nothing can be read after this error.
func Final(err error) bool {
	var line *LineError
	return !errors.As(err, &line) || errors.Is(err, ErrTooLong) || errors.Is(err, ErrTooMany) || errors.Is(err, ErrCutOff)
}
