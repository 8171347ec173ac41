package backup

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"filippo.io/age"
	"github.com/go-json-experiment/json"

	"konklave/store"
	"konklave/vault"
)

// Instance is what is backed up. It goes on running meanwhile.
type Instance struct {
	Store   *store.Store
	Keys    *vault.Vault
	Data    string   // the data directory
	Without []string // files and directories that are not part of the backup: master key, database, backups
	Program string   // version of this program
	Now     func() time.Time
	// Reading reads the files with more rights than the process has else, if it is there: then only what has one name is
	// read, because whoever may write in the data directory could have given a second one to what he may not read.
	Reading func(do func() error) error
}

// Write writes a backup of one moment to w. It fails with ErrNoRecipient or ErrForeignRecipient; when it fails,
// what was written so far is no backup.
func Write(ctx context.Context, w io.Writer, in Instance) (Summary, error) {
	to, escrow, err := in.recipient(ctx)
	if err != nil {
		return Summary{}, err
	}
	snapshot, err := in.Store.Snapshot(ctx)
	if err != nil {
		return Summary{}, err
	}
	encrypted, err := age.Encrypt(w, to)
	if err != nil {
		return Summary{}, errors.Join(err, snapshot.Close())
	}
	packed, err := gzip.NewWriterLevel(encrypted, gzip.BestSpeed)
	if err != nil {
		return Summary{}, errors.Join(err, snapshot.Close())
	}
	a := &archive{tar: tar.NewWriter(packed), at: in.Now().UTC().Truncate(time.Second), to: to, members: map[string]digest{}}
	a.summary.Header = Header{
		Format: Format, Program: in.Program, CreatedAt: a.at, Schema: snapshot.Schema, Tables: lasting(snapshot.Tables), Escrow: escrow,
	}
	err = a.write(ctx, in, snapshot)
	return a.summary, errors.Join(err, snapshot.Close(), a.tar.Close(), packed.Close(), encrypted.Close())
}

// recipient reads for whom backups are encrypted. The database alone does not decide that: who can write to it could put
// somebody else there, and read the next backup.
func (in Instance) recipient(ctx context.Context) (to *age.X25519Recipient, escrow string, err error) {
	kept, err := in.Keys.Recovery(ctx, in.Store)
	if errors.Is(err, vault.ErrForeignRecovery) {
		return nil, "", ErrForeignRecipient.Because(err)
	}
	if err != nil {
		return nil, "", err
	}
	if kept.Recipient == "" {
		return nil, "", ErrNoRecipient
	}
	to, err = age.ParseX25519Recipient(kept.Recipient)
	return to, kept.Escrow, err
}

func lasting(tables []store.Table) []store.Table {
	var kept []store.Table
	for _, t := range tables {
		if !volatile()[t.Name] {
			kept = append(kept, t)
		}
	}
	return kept
}

// archive is a backup that is being written.
type archive struct {
	tar     *tar.Writer
	at      time.Time
	to      age.Recipient
	members map[string]digest
	summary Summary
}

func (a *archive) write(ctx context.Context, in Instance, snapshot *store.Snapshot) error {
	header, err := json.Marshal(a.summary.Header, json.Deterministic(true))
	if err != nil {
		return err
	}
	if err := a.entry(headerName, header); err != nil {
		return err
	}
	a.summary.Rows = map[string]int64{}
	for _, t := range a.summary.Tables {
		if err := a.table(ctx, snapshot, t); err != nil {
			return err
		}
	}
	if err := a.files(ctx, in); err != nil {
		return err
	}
	closing, err := json.Marshal(manifest{Header: sumOf(header), Members: a.members}, json.Deterministic(true))
	if err != nil {
		return err
	}
	return errors.Join(a.entry(manifestName, closing), a.entry(codeName, in.Keys.Authenticate(codePurpose, closing)))
}

func (a *archive) entry(name string, content []byte) error {
	if err := a.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content)), ModTime: a.at, Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err := a.tar.Write(content)
	return err
}

func (a *archive) table(ctx context.Context, snapshot *store.Snapshot, t store.Table) error {
	m := a.member(tablePrefix + t.Name)
	var line []byte
	err := snapshot.Rows(ctx, t, func(row []any) (err error) {
		if line, err = appendRow(line[:0], row); err != nil {
			return err
		}
		if len(line) > rowMax {
			return fmt.Errorf("a row of %s has %d bytes, more than %d", t.Name, len(line), rowMax)
		}
		m.rows++
		_, err = m.Write(line)
		return err
	})
	a.summary.Rows[t.Name] = m.rows
	return errors.Join(err, m.Close())
}

// member is one table or file: its content goes into entries of partSize.
type member struct {
	archive *archive
	name    string
	part    int
	pending []byte
	hash    hash.Hash
	rows    int64
	bytes   int64
}

func (a *archive) member(name string) *member {
	return &member{archive: a, name: name, pending: make([]byte, 0, partSize), hash: sha256.New()}
}

// Write implements io.Writer.
func (m *member) Write(p []byte) (int, error) {
	m.hash.Write(p)
	m.bytes += int64(len(p))
	for rest := p; len(rest) > 0; {
		n := min(len(rest), partSize-len(m.pending))
		m.pending, rest = append(m.pending, rest[:n]...), rest[n:]
		if len(m.pending) == partSize {
			if err := m.flush(); err != nil {
				return 0, err
			}
		}
	}
	return len(p), nil
}

func (m *member) flush() error {
	m.part++
	err := m.archive.entry(fmt.Sprintf("%s/%08d", m.name, m.part), m.pending)
	m.pending = m.pending[:0]
	return err
}

// Close writes the last part and notes what was written.
func (m *member) Close() error {
	m.archive.members[m.name] = digest{Rows: m.rows, Bytes: m.bytes, SHA256: sum(m.hash)}
	m.archive.summary.Bytes += m.bytes
	if len(m.pending) == 0 {
		return nil
	}
	return m.flush()
}
