package verifier

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"konklave/audit/checkpoint"
	"konklave/audit/export"
	"konklave/audit/leaf"
)

const (
	// CertificatesMax is how many certificates an export may have: three a day and one for each thousand entries that lose their
	// content are far fewer in any life of a log.
	CertificatesMax = 1 << 18
	// ClockTolerance is how far the clock of a signer may be ahead of the auditor's.
	ClockTolerance = 24 * time.Hour
)

// certificate is one that stands somewhere in the export. It counts when the line was seen to be the log's.
type certificate struct {
	start, end int64
	before     time.Time
	index      int64
	body       [sha256.Size]byte
	used       bool
	confirmed  bool
}

// group is what one certificate must have in common with another, to let the same things go.
type group struct {
	category string
	scope    leaf.Scope
}

// certificates are those of an export that the signer has signed. They stand after what they concern, so they are looked for before
// anything is verified.
type certificates struct {
	count   int
	byGroup map[group][]*certificate // by where they begin, once all are there
	reach   map[group][]int64        // how far those up to one reach
	byIndex map[int64]*certificate
}

// judge says what is wrong with a certificate; nil when nothing is.
func (o Options) judge(c leaf.Certificate) error {
	if !o.Now.IsZero() && c.At.After(o.Now.Add(ClockTolerance)) {
		return fmt.Errorf("it says that it was made on %s, which is still to come", c.At.Format(time.RFC3339))
	}
	if o.Trust == nil {
		return nil
	}
	text, err := c.Text()
	if err != nil {
		return err
	}
	if err := o.Trust.CheckStatement(c.Log, text, c.Signature); errors.Is(err, checkpoint.ErrForged) {
		return errors.New("it was not signed with the key of the log")
	} else if err != nil {
		return err
	}
	return nil
}

// certificateMark is in every line of a certificate, and in few others.
var certificateMark = []byte(`"certificate":{`)

// find looks for certificates in a segment, at the speed of the disk; the buffer must be of export.LineMax. It fails when there
// are too many.
func (c *certificates) find(ctx context.Context, lines *bufio.Reader, o Options) error {
	for ctx.Err() == nil {
		text, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, bufio.ErrBufferFull): // who reads it in earnest will say so
			return nil
		case err != nil:
			return fmt.Errorf("read: %w", err)
		}
		if !bytes.Contains(text, certificateMark) {
			continue
		}
		e, err := export.DecodeEntry(bytes.TrimSuffix(text, []byte("\n")))
		if err != nil || len(e.Body) == 0 {
			continue
		}
		body, err := leaf.DecodeBody(e.Body)
		if err != nil || body.Certificate == nil || body.Certificate.End > e.Index || o.judge(*body.Certificate) != nil {
			continue
		}
		if err := c.add(e.Index, sha256.Sum256(e.Body), *body.Certificate); err != nil {
			return err
		}
	}
	return ctx.Err()
}

var errTooManyCertificates = fmt.Errorf("there are more than %d certificates", CertificatesMax)

func (c *certificates) add(index int64, body [sha256.Size]byte, said leaf.Certificate) error {
	if c.knows(index, body) { // the line is in two files
		return nil
	}
	if c.count == CertificatesMax {
		return errTooManyCertificates
	}
	if c.byIndex == nil {
		c.byIndex, c.byGroup, c.reach = map[int64]*certificate{}, map[group][]*certificate{}, map[group][]int64{}
	}
	one := &certificate{start: said.Start, end: said.End, before: said.Before, index: index, body: body}
	g := group{string(said.Category), said.Scope}
	c.byGroup[g] = append(c.byGroup[g], one)
	c.byIndex[index] = one
	c.count++
	return nil
}

// knows reports whether the certificate that stands here was found and judged.
func (c *certificates) knows(index int64, body [sha256.Size]byte) bool {
	one := c.byIndex[index]
	return one != nil && one.body == body
}

// arrange puts the certificates in order, when all are there.
func (c *certificates) arrange() {
	for g, all := range c.byGroup {
		slices.SortFunc(all, func(a, b *certificate) int {
			return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.index, b.index))
		})
		reach, furthest := make([]int64, len(all)), int64(0)
		for i, one := range all {
			furthest = max(furthest, one.end)
			reach[i] = furthest
		}
		c.reach[g] = reach
	}
}

// cover reports whether the content of a leaf may be missing.
func (c *certificates) cover(index int64, l leaf.Leaf, scope leaf.Scope) bool {
	if c.covers(group{string(l.Category), leaf.ScopeEntry}, index, l.At) {
		return true
	}
	return scope == leaf.ScopePersonal && c.covers(group{string(l.Category), leaf.ScopePersonal}, index, l.At)
}

func (c *certificates) covers(g group, index int64, at time.Time) bool {
	all, reach := c.byGroup[g], c.reach[g]
	past, _ := slices.BinarySearchFunc(all, index+1, func(one *certificate, start int64) int { return cmp.Compare(one.start, start) })
	for i := past - 1; i >= 0 && reach[i] > index; i-- {
		if one := all[i]; index < one.end && at.Before(one.before) {
			one.used = true
			return true
		}
	}
	return false
}

// confirm says that the line with this index and body was seen to be the log's.
func (c *certificates) confirm(index int64, body [sha256.Size]byte) {
	if c.knows(index, body) {
		c.byIndex[index].confirmed = true
	}
}

// unconfirmed are those that were relied on, and that are not the log's.
func (c *certificates) unconfirmed(each func(index int64)) {
	for _, all := range c.byGroup {
		for _, one := range all {
			if one.used && !one.confirmed {
				each(one.index)
			}
		}
	}
}
