package backup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"filippo.io/age"
	"github.com/go-json-experiment/json"

	"konklave/store"
	"konklave/vault"
)

// Reader reads a backup, once from the beginning to the end.
type Reader struct {
	Header Header

	identity  *age.X25519Identity
	keys      *vault.Vault
	masterKey []byte // text of its file
	decrypted io.Reader
	packed    *gzip.Reader
	tar       *tar.Reader
	header    string // its hash
	next      *tar.Header
	members   map[string]digest
	summary   Summary
}

// Open begins to read a backup with the recovery key. It fails with ErrWrongKey, vault.ErrRecoveryKey, ErrFormat or
// ErrBroken. What a Reader gives is to be believed only after Each has succeeded.
func Open(r io.Reader, recoveryKey string) (*Reader, error) {
	b := &Reader{members: map[string]digest{}}
	var err error
	if b.identity, err = age.ParseX25519Identity(strings.TrimSpace(recoveryKey)); err != nil {
		return nil, vault.ErrRecoveryKey // the cause repeats what was given
	}
	if b.decrypted, err = age.Decrypt(r, b.identity); err != nil {
		if errors.As(err, new(*age.NoIdentityMatchError)) {
			return nil, ErrWrongKey.Because(err)
		}
		return nil, broken(err)
	}
	b.decrypted = bufio.NewReader(b.decrypted) // so that gzip reads no further than its end
	if b.packed, err = gzip.NewReader(b.decrypted); err != nil {
		return nil, broken(err)
	}
	b.packed.Multistream(false)
	b.tar = tar.NewReader(b.packed)
	if err := b.open(); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *Reader) open() error {
	text, err := b.entry(headerName, headerMax)
	if err != nil {
		return err
	}
	b.header = sumOf(text)
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return broken(err)
	}
	if version.Format != Format {
		return ErrFormat
	}
	if err := json.Unmarshal(text, &b.Header, json.RejectUnknownMembers(true)); err != nil {
		return broken(err)
	}
	if b.keys, b.masterKey, err = vault.OpenEscrow(b.identity.String(), b.Header.Escrow); err != nil {
		return broken(err)
	}
	b.summary = Summary{Header: b.Header, Rows: map[string]int64{}}
	return nil
}

func broken(err error) error { return ErrBroken.Because(err) }

// advance looks at the next entry; next is nil at the end.
func (b *Reader) advance() (err error) {
	if b.next, err = b.tar.Next(); errors.Is(err, io.EOF) {
		b.next = nil
		return nil
	}
	if err != nil {
		return broken(err)
	}
	if b.next.Typeflag != tar.TypeReg {
		return broken(fmt.Errorf("entry %q is not a file", b.next.Name))
	}
	return nil
}

// entry reads a whole small entry, which is the next one.
func (b *Reader) entry(name string, most int64) ([]byte, error) {
	if b.next == nil {
		if err := b.advance(); err != nil {
			return nil, err
		}
	}
	if b.next == nil || b.next.Name != name || b.next.Size > most {
		return nil, broken(fmt.Errorf("%s is not where it belongs", name))
	}
	content, err := io.ReadAll(b.tar)
	if err != nil {
		return nil, broken(err)
	}
	return content, b.advance()
}

// Rows returns the next row of a table, and io.EOF after the last.
type Rows func() ([]any, error)

// Each calls table for each table and file for each file, in their order, and then checks that everything was there and
// nothing was changed. What table and file leave unread is read for them. It fails with ErrBroken or what they fail with.
func (b *Reader) Each(table func(store.Table, Rows) error, file func(name string, content io.Reader) error) (Summary, error) {
	for _, t := range b.Header.Tables {
		if err := b.table(t, table); err != nil {
			return b.summary, err
		}
	}
	for b.next != nil && strings.HasPrefix(b.next.Name, filePrefix) {
		if err := b.file(file); err != nil {
			return b.summary, err
		}
	}
	return b.summary, b.finish()
}

func (b *Reader) table(t store.Table, do func(store.Table, Rows) error) error {
	c := b.content(tablePrefix + t.Name)
	lines := bufio.NewReaderSize(c, partSize)
	rows := func() ([]any, error) {
		line, err := readLine(lines)
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil, io.EOF
		}
		if err != nil {
			return nil, broken(err)
		}
		row, err := parseRow(line, t.Columns)
		if err != nil {
			return nil, broken(err)
		}
		c.rows++
		return row, nil
	}
	if err := do(t, rows); err != nil {
		return err
	}
	for {
		if _, err := rows(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
	}
	b.summary.Rows[t.Name] = c.rows
	return c.done()
}

// readLine reads up to the end of a line of at most rowMax bytes.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > rowMax {
			return nil, fmt.Errorf("a row has more than %d bytes", rowMax)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

func (b *Reader) file(do func(name string, content io.Reader) error) error {
	name := b.next.Name[:strings.LastIndexByte(b.next.Name, '/')]
	local := strings.TrimPrefix(name, filePrefix)
	if _, twice := b.members[name]; twice || name == strings.TrimSuffix(filePrefix, "/") || !filepath.IsLocal(local) {
		return broken(fmt.Errorf("the file %q is not where it belongs", name))
	}
	c := b.content(name)
	content, err := age.Decrypt(c, b.identity)
	if err != nil {
		return broken(err)
	}
	content = markedReader{content}
	if err := do(local, content); err != nil {
		return err
	}
	for _, rest := range []io.Reader{content, c} {
		if _, err := io.Copy(io.Discard, rest); err != nil {
			return broken(err)
		}
	}
	b.summary.Files = append(b.summary.Files, local)
	return c.done()
}

// markedReader tells errors of the backup from others of who copies from it.
type markedReader struct{ r io.Reader }

func (m markedReader) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = broken(err)
	}
	return n, err
}

// content is a member that is being read, over all its parts.
type content struct {
	b     *Reader
	name  string
	part  int // that is being read, 0 before the first
	hash  hash.Hash
	rows  int64
	bytes int64
	ended bool
}

func (b *Reader) content(name string) *content {
	return &content{b: b, name: name, hash: sha256.New()}
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	for !c.ended {
		if c.part > 0 {
			n, err := c.b.tar.Read(p)
			c.hash.Write(p[:n])
			c.bytes += int64(n)
			if n > 0 {
				return n, nil
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return 0, err
			}
			if err == nil {
				continue
			}
			if err := c.b.advance(); err != nil {
				return 0, err
			}
		}
		c.part++
		number := strconv.Itoa(c.part)
		c.ended = c.b.next == nil || c.b.next.Name != c.name+"/"+strings.Repeat("0", max(0, 8-len(number)))+number
	}
	return 0, io.EOF
}

// done notes what was read.
func (c *content) done() error {
	if !c.ended {
		if _, err := io.Copy(io.Discard, c); err != nil {
			return broken(err)
		}
	}
	c.b.members[c.name] = digest{Rows: c.rows, Bytes: c.bytes, SHA256: sum(c.hash)}
	c.b.summary.Bytes += c.bytes
	return nil
}

// finish compares what was read with what was written, and makes sure that this is the end.
func (b *Reader) finish() error {
	text, err := b.entry(manifestName, manifestMax)
	if err != nil {
		return err
	}
	code, err := b.entry(codeName, sha256.Size)
	if err != nil {
		return err
	}
	if !b.keys.Authentic(codePurpose, text, code) {
		return broken(errors.New("it was not made with the master key of this instance"))
	}
	var m manifest
	if err := json.Unmarshal(text, &m, json.RejectUnknownMembers(true)); err != nil {
		return broken(err)
	}
	if m.Header != b.header || !maps.Equal(m.Members, b.members) {
		return broken(fmt.Errorf("the content is not what was written: %s", strings.Join(b.differences(m), ", ")))
	}
	for _, rest := range []io.Reader{b.packed, b.decrypted} { // the end of each layer is authentic, too
		if n, err := io.Copy(io.Discard, zeros{rest}); err != nil || (n > 0 && rest == b.decrypted) {
			return broken(errors.Join(err, errors.New("something follows the end")))
		}
	}
	if b.next != nil {
		return broken(errors.New("something follows the end"))
	}
	return nil
}

func (b *Reader) differences(m manifest) []string {
	var names []string
	for name, d := range m.Members {
		if b.members[name] != d {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// zeros lets nothing but zeros pass: what tar fills up with.
type zeros struct{ r io.Reader }

func (z zeros) Read(p []byte) (int, error) {
	n, err := z.r.Read(p)
	if len(bytes.Trim(p[:n], "\x00")) > 0 {
		return n, errors.New("something follows the end")
	}
	return n, err
}
