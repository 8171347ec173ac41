package verifier

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"konklave/audit/export"
	"konklave/audit/leaf"
)

// CertificatesMax is how many certificates an export may have.
const CertificatesMax = 10_000

// certificate is one that stands somewhere in the export. It counts when the line was seen to be the log's.
type certificate struct {
	leaf.Certificate

	index     int64
	body      [sha256.Size]byte
	used      bool
	confirmed bool
}

// certificates are those of an export. They stand after what they concern, so they are looked for before anything is verified.
type certificates struct {
	all  []*certificate
	last map[leaf.Scope]*certificate // that fitted, which most often fits again
}

// certificateMark is in every line of a certificate, and in few others.
var certificateMark = []byte(`"certificate":{`)

// find looks for certificates in a segment, at the speed of the disk; the buffer must be of export.LineMax. It fails when there
// are too many.
func (c *certificates) find(ctx context.Context, lines *bufio.Reader) error {
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
		if err != nil || body.Certificate == nil || body.Certificate.End > e.Index {
			continue
		}
		if len(c.all) == CertificatesMax {
			return errTooManyCertificates
		}
		c.all = append(c.all, &certificate{Certificate: *body.Certificate, index: e.Index, body: sha256.Sum256(e.Body)})
	}
	return ctx.Err()
}

var errTooManyCertificates = fmt.Errorf("there are more than %d certificates", CertificatesMax)

// cover reports whether the content of a leaf may be missing.
func (c *certificates) cover(index int64, l leaf.Leaf, scope leaf.Scope) bool {
	if last := c.last[scope]; last != nil && last.Covers(index, l, scope) {
		return true
	}
	for _, one := range c.all {
		if one.Covers(index, l, scope) {
			one.used = true
			if c.last == nil {
				c.last = map[leaf.Scope]*certificate{}
			}
			c.last[scope] = one
			return true
		}
	}
	return false
}

// confirm says that the line with this index and body was seen to be the log's.
func (c *certificates) confirm(index int64, body [sha256.Size]byte) {
	for _, one := range c.all {
		if one.index == index && one.body == body {
			one.confirmed = true
		}
	}
}
