// Package verifier checks an export of the audit log without the instance that made it: every entry, the tree over them, the
// signatures of the log and its witnesses, and that it begins with what was seen earlier. What is wrong is named with the index of
// the entry wherever that can be known.
//
// It reads as a stream; its memory does not grow with the log. No input is trusted but the keys and what the caller calls earlier.
package verifier

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit"
	"konklave/audit/checkpoint"
	"konklave/audit/export"
	"konklave/audit/leaf"
	"konklave/audit/seal"
	"konklave/audit/tree"
)

// Options are what an export is verified against.
type Options struct {
	Trust  *checkpoint.Trust // whose signatures count; without it the verdict is Incomplete at best
	Since  *Since            // what was seen earlier, if anything
	Opener seal.Opener       // opens personal parts that an export shows in clear
	Now    time.Time         // no certificate may be of later; zero when the time is not known
}

// Verify verifies an export. It fails only when it cannot read: whatever it reads, it reports on.
func Verify(ctx context.Context, files Files, o Options) (*Report, error) {
	lines := bufio.NewReaderSize(nil, export.LineMax) // the one buffer, for each reading of the files after the other
	v := &run{options: o, report: &Report{Start: -1}, in: export.NewReader(lines)}
	segments, err := files.segments(v.in, func(name string, err error) {
		v.report.add(Finding{Code: refusal(err), File: name, Detail: err.Error()})
	})
	if err != nil {
		return nil, err
	}
	if err := v.prepare(ctx, lines, files, segments); err != nil {
		return nil, err
	}
	defer v.since.close()
	for _, s := range segments {
		if err := v.segment(ctx, files, s); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	if err := v.finish(); err != nil {
		return nil, err
	}
	return v.report, nil
}

// run is one verification.
type run struct {
	options      Options
	report       *Report
	certificates certificates
	since        *comparison

	in   *export.Reader
	file string
	line int

	begun    bool
	content  export.Content
	next     int64          // the index that the next entry must have
	skipped  bool           // the entry at next-1 stood in a line that could not be read
	stated   tree.Frontier  // over the hashes that the entries are said to have
	computed *tree.Frontier // over the hashes of the leaves, while they differ
	doubts   []doubt        // where they differ, since the last checkpoint
	lost     bool           // the tree does not fit any more, until the next file
	broken   bool           // it did not fit somewhere, or entries lack
	leaf     leaf.Leaf      // of the entry at hand

	proven, witnessed int64 // the sizes of the last true checkpoint, and of the last that enough witnesses have cosigned
}

// doubt is an entry whose leaf does not have the hash that it is said to have.
type doubt struct {
	index            int64
	line             int
	stated, computed tlog.Hash
}

// doubtsMax is how many are remembered.
const doubtsMax = 1000

func (v *run) prepare(ctx context.Context, lines *bufio.Reader, files Files, segments []segment) error {
	for _, s := range segments {
		file, err := files.FS.Open(s.name)
		if err != nil {
			return err
		}
		lines.Reset(file)
		err = v.certificates.find(ctx, lines, v.options)
		if closed := file.Close(); closed != nil {
			return closed
		}
		if errors.Is(err, errTooManyCertificates) {
			v.report.add(Finding{Code: TooMany, File: s.name, Detail: err.Error()})
			break
		}
		if err != nil {
			return err
		}
	}
	v.certificates.arrange()
	var err error
	v.since, err = v.options.Since.compare(ctx, v.options.Trust, v.report)
	return err
}

func (v *run) find(code Code, start, end int64, detail string) {
	v.report.add(Finding{Code: code, Start: start, End: end, File: v.file, Line: v.line, Detail: detail})
}

// refusal is the finding that a line which cannot be read is.
func refusal(err error) Code {
	switch {
	case errors.Is(err, export.ErrVersion), errors.Is(err, leaf.ErrVersion):
		return Later
	case errors.Is(err, export.ErrCutOff):
		return CutOff
	case errors.Is(err, export.ErrTooMany):
		return TooMany
	case errors.Is(err, export.ErrOrder):
		return Misplaced
	default:
		return Unreadable
	}
}

func (v *run) segment(ctx context.Context, files Files, s segment) error {
	file, err := files.FS.Open(s.name)
	if err != nil {
		return err
	}
	defer file.Close()
	in := v.in
	in.Reset(file)
	v.file = s.name
	for ctx.Err() == nil {
		l, err := in.Next()
		v.line = in.Line()
		var wrong *export.LineError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &wrong):
			v.refused(wrong)
			if export.Final(err) {
				return nil
			}
		case err != nil:
			return err
		default:
			if err := v.take(l); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// refused notes a line that cannot be read. Most lines are entries, so it is taken for the one that is due.
func (v *run) refused(wrong *export.LineError) {
	v.find(refusal(wrong), v.next, v.next, wrong.Cause.Error())
	if !errors.Is(wrong, export.ErrCutOff) {
		v.lost, v.skipped = true, true
	}
}

func (v *run) take(l export.Line) error {
	switch {
	case l.Header != nil:
		v.header(*l.Header)
		return v.since.root(v)
	case l.Entry != nil:
		return v.entry(l.Entry)
	case l.Checkpoint != nil:
		v.checkpoint(l.Checkpoint)
	case *l.End != v.next:
		v.find(Misplaced, min(v.next, *l.End), max(v.next, *l.End), fmt.Sprintf("the file says that it ends before entry %d", *l.End))
	}
	return nil
}

// header begins a file: after the one before it, or with a gap.
func (v *run) header(h export.Header) {
	start := h.Start.Size()
	if v.report.Start < 0 {
		v.report.Start, v.report.Origin = start, h.Origin
		if t := v.options.Trust; t != nil && t.Origin() != h.Origin {
			v.find(Unreadable, start, start, fmt.Sprintf("this is the log %s, and the key is one of %s", h.Origin, t.Origin()))
		}
	} else if h.Origin != v.report.Origin {
		v.find(Unreadable, start, start, "this is the log "+h.Origin)
	}
	fits := start == v.next && !v.lost
	switch {
	case !v.begun:
		v.report.Trusted, v.proven, fits = start, start, true
	case start > v.next:
		v.find(Gap, v.next, start, "")
	case start < v.next:
		v.find(Overlap, start, v.next, "")
	case fits && h.Start.Root() != v.stated.Root():
		v.find(Frontier, start, start, "")
		fits = false
	}
	if v.begun {
		v.settle(nil)
		v.report.End = max(v.report.End, v.next)
	}
	v.broken = v.broken || !fits
	if h.Content == export.ContentHashes {
		v.find(HashesOnly, start, start+1, "")
	}
	v.begun, v.content, v.next, v.stated, v.computed, v.lost, v.skipped = true, h.Content, start, h.Start.Clone(), nil, false, false
}

func (v *run) entry(e *export.Entry) error {
	v.report.Entries++
	inPlace := v.place(e.Index)
	computed := v.examine(e)
	if computed != e.Hash && len(v.doubts) < doubtsMax {
		v.doubts = append(v.doubts, doubt{e.Index, v.line, e.Hash, computed})
	}
	if !inPlace {
		return nil
	}
	v.next = e.Index + 1
	if !v.lost {
		if computed != e.Hash && v.computed == nil {
			other := v.stated.Clone()
			v.computed = &other
		}
		if v.computed != nil {
			v.computed.Add(computed)
		}
		v.stated.Add(e.Hash)
	}
	if err := v.since.leaf(e.Index, e.Hash); err != nil {
		return err
	}
	return v.since.root(v)
}

// place compares the index of an entry with the one that is due, and reports whether the entry may stand here or later.
func (v *run) place(index int64) bool {
	switch {
	case index == v.next, v.skipped && index == v.next+1:
	case index > v.next:
		v.find(Removed, v.next, index, "the lines are not there")
		v.lost = true
	default:
		v.find(Misplaced, index, index+1, fmt.Sprintf("entry %d is due here", v.next))
		v.lost = true
		return false
	}
	v.skipped = false
	return true
}

// examine checks that the parts of an entry belong together, and returns the hash of its leaf.
func (v *run) examine(e *export.Entry) tlog.Hash {
	if len(e.Leaf) == 0 {
		if v.content != export.ContentHashes {
			v.find(Removed, e.Index, e.Index+1, "")
		}
		return e.Hash
	}
	hash := leaf.Hash(e.Leaf)
	if err := leaf.DecodeInto(&v.leaf, e.Leaf); err != nil {
		v.find(refusal(err), e.Index, e.Index+1, err.Error())
		return hash
	}
	body := sha256.Sum256(e.Body)
	switch {
	case len(e.Body) == 0 && v.certificates.cover(e.Index, v.leaf, leaf.ScopeEntry):
		v.report.Pruned++
		return hash
	case len(e.Body) == 0:
		v.find(Removed, e.Index, e.Index+1, "what happened is not there")
		return hash
	case body != v.leaf.Body:
		v.find(Changed, e.Index, e.Index+1, "what happened is not what was logged")
	}
	v.personal(e)
	if e.Opened != nil {
		v.opened(e)
	}
	if v.leaf.Category == audit.CategoryLog && body == v.leaf.Body && hash == e.Hash {
		v.certificate(e, body)
	}
	return hash
}

func (v *run) personal(e *export.Entry) {
	pruned := false
	for i, want := range v.leaf.Personal {
		switch {
		case i >= len(e.Personal) || len(e.Personal[i]) == 0:
			if pruned = v.certificates.cover(e.Index, v.leaf, leaf.ScopePersonal); !pruned {
				v.find(Removed, e.Index, e.Index+1, "personal data are not there")
			}
		case sha256.Sum256(e.Personal[i]) != want:
			v.find(Changed, e.Index, e.Index+1, "personal data are not what was logged")
		}
	}
	if len(e.Personal) > len(v.leaf.Personal) {
		v.find(Changed, e.Index, e.Index+1, "there are more personal data than were logged")
	}
	if pruned {
		v.report.PersonalPruned++
	}
}

// opened checks that what is shown in clear is what was sealed.
func (v *run) opened(e *export.Entry) {
	body, err := leaf.DecodeBody(e.Body)
	if err != nil || len(body.Keys) != len(e.Opened) || v.options.Opener == nil {
		v.find(WronglyOpened, e.Index, e.Index+1, "")
		return
	}
	for i, o := range e.Opened {
		if len(o.Key) == 0 && len(o.Fields) == 0 {
			continue // erased
		}
		fields, err := seal.OpenPart(v.options.Opener, o.Key, body.Entry.ID, body.Keys[i], e.Personal[i])
		if err != nil || !maps.Equal(fields, o.Fields) {
			v.find(WronglyOpened, e.Index, e.Index+1, "")
		}
	}
}

// certificate confirms one that was found before.
func (v *run) certificate(e *export.Entry, body [sha256.Size]byte) {
	switch b, err := leaf.DecodeBody(e.Body); {
	case err != nil:
		v.find(refusal(err), e.Index, e.Index+1, err.Error())
	case b.Certificate != nil:
		if !v.certificates.knows(e.Index, body) {
			if err := v.options.judge(*b.Certificate); err != nil {
				v.find(Uncertified, e.Index, e.Index+1, err.Error())
				return
			}
		}
		v.report.Certificates++
		v.certificates.confirm(e.Index, body)
	}
}
