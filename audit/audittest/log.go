// Package audittest makes small audit logs for tests and measurements: real entries, sealed, in a real tree, with signed and
// cosigned checkpoints. Only the storage is in memory.
package audittest

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"testing/fstest"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/checkpoint"
	"konklave/audit/export"
	"konklave/audit/leaf"
	"konklave/audit/seal"
	"konklave/audit/signer"
	"konklave/audit/tree"
)

// Origin is the name of the logs.
const Origin = "meet.example.org/audit"

// Start is when the first entry of a log is written; each is one minute after the one before it.
func Start() time.Time { return time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC) }

// Log is an audit log in memory.
type Log struct {
	Key, WitnessKey string // public
	Sealer          *seal.Sealer
	Keys            *Keys
	Tree            *tree.Memory
	Entries         []export.Entry
	Notes           map[int64][]byte // signed checkpoints by size

	key, witnessKey note.Signer
	signer          *signer.Signer
	witness         *signer.Witness
}

// New returns an empty log whose personal data the vault seals.
func New(vault seal.Vault) (*Log, error) {
	l := &Log{Keys: &Keys{rows: map[string]seal.Key{}}, Tree: &tree.Memory{}, Notes: map[int64][]byte{}}
	l.Sealer = seal.New(vault, l.Keys)
	return l, l.NewKeys()
}

// NewKeys gives the log new keys, with which nothing was signed yet, as somebody has who forges a log.
func (l *Log) NewKeys() error {
	secret, public, err := checkpoint.NewLogKey(rand.Reader, Origin)
	if err != nil {
		return err
	}
	key, err := checkpoint.LogSigner(secret)
	if err != nil {
		return err
	}
	watcher, watched, err := checkpoint.NewWitnessKey(rand.Reader, "witness.example.net/1")
	if err != nil {
		return err
	}
	cosigner, err := checkpoint.WitnessSigner(watcher, func() time.Time { return Start().Add(time.Hour) })
	if err != nil {
		return err
	}
	trust, err := checkpoint.NewTrust([]string{public}, nil, 0)
	if err != nil {
		return err
	}
	l.Key, l.WitnessKey, l.key, l.witnessKey = public, watched, key, cosigner
	l.signer, l.witness = signer.New(key, &State{}), signer.NewWitness(trust, cosigner, &State{})
	return nil
}

// Forget makes the log and its witness forget what they signed, as somebody can who has their keys.
func (l *Log) Forget() {
	l.signer, l.witness = signer.New(l.key, &State{}), signer.NewWitness(*l.Trust().Log(), l.witnessKey, &State{})
}

// Trust is the trust in the log and its witness.
func (l *Log) Trust() *checkpoint.Trust {
	trust, err := checkpoint.NewTrust([]string{l.Key}, []string{l.WitnessKey}, 1)
	if err != nil {
		panic("audittest: " + err.Error()) // the keys were made here
	}
	return &trust
}

// Add logs n entries of different kinds, about several people.
func (l *Log) Add(ctx context.Context, n int) error {
	for range n {
		if err := l.Record(ctx, Entry(len(l.Entries))); err != nil {
			return err
		}
	}
	return nil
}

// Record logs an entry.
func (l *Log) Record(ctx context.Context, e audit.Entry) error {
	sealed, err := l.Sealer.Entry(ctx, e)
	if err != nil {
		return err
	}
	return l.append(ctx, sealed.Leaf, sealed.Body, sealed.Personal)
}

// Cut cuts the log off after n entries, with the checkpoints beyond.
func (l *Log) Cut(ctx context.Context, n int) error {
	l.Tree, l.Entries = &tree.Memory{}, slices.Clone(l.Entries[:n])
	for _, e := range l.Entries {
		if _, err := tree.Append(ctx, l.Tree, e.Index, []tlog.Hash{e.Hash}); err != nil {
			return err
		}
	}
	maps.DeleteFunc(l.Notes, func(size int64, _ []byte) bool { return size > int64(n) })
	return nil
}

// CertifiedAt is when the certificates of a log are made: half a year after its first entry.
func CertifiedAt() time.Time { return Start().AddDate(0, 6, 0) }

// Certify logs a certificate that the signer of the log has signed, and lets go what it covers.
func (l *Log) Certify(ctx context.Context, c leaf.Certificate) error {
	signed, err := l.Certified(c)
	if err != nil {
		return err
	}
	return l.Prune(ctx, signed)
}

// Certified returns a certificate that the signer of the log has signed; at CertifiedAt, unless it says when.
func (l *Log) Certified(c leaf.Certificate) (leaf.Certificate, error) {
	if c.At.IsZero() {
		c.At = CertifiedAt()
	}
	return l.signer.Certify(c)
}

// Prune logs a certificate as it is, and lets go what it covers.
func (l *Log) Prune(ctx context.Context, c leaf.Certificate) error {
	text, body, err := leaf.NewCertificate(c)
	if err != nil {
		return err
	}
	for i := range l.Entries {
		e := &l.Entries[i]
		decoded, err := leaf.Decode(e.Leaf)
		if err != nil {
			return err
		}
		if !c.Covers(e.Index, decoded, c.Scope) {
			continue
		}
		if e.Personal = nil; c.Scope == leaf.ScopeEntry {
			e.Body = nil
		}
	}
	return l.append(ctx, text.Encode(), body, nil)
}

func (l *Log) append(ctx context.Context, text, body []byte, personal [][]byte) error {
	e := export.Entry{Index: int64(len(l.Entries)), Hash: leaf.Hash(text), Leaf: text, Body: body, Personal: personal}
	if _, err := tree.Append(ctx, l.Tree, e.Index, []tlog.Hash{e.Hash}); err != nil {
		return err
	}
	l.Entries = append(l.Entries, e)
	return nil
}

// Sign signs and cosigns a checkpoint of everything so far.
func (l *Log) Sign(ctx context.Context) error {
	size := int64(len(l.Entries))
	last, err := l.signer.Last(ctx)
	if err != nil {
		return err
	}
	root, err := tree.Root(ctx, l.Tree, size)
	if err != nil {
		return err
	}
	proof, err := tree.ProveGrowth(ctx, l.Tree, size, last.Size)
	if err != nil {
		return err
	}
	signed, err := l.signer.Sign(ctx, signer.Request{Size: size, Root: root, Proof: proof})
	if err != nil {
		return err
	}
	l.Notes[size], err = l.witness.Cosign(ctx, signed, proof)
	return err
}

// Export writes the entries from start to end, and the checkpoints between, as one segment.
func (l *Log) Export(ctx context.Context, content export.Content, start, end int64) (*fstest.MapFile, error) {
	frontier, err := tree.Load(ctx, l.Tree, start)
	if err != nil {
		return nil, err
	}
	file := &fstest.MapFile{}
	w, err := export.NewWriter(appender{file}, export.Header{Origin: Origin, Content: content, Start: frontier})
	if err != nil {
		return nil, err
	}
	for size := start; ; size++ {
		if note, signed := l.Notes[size]; signed {
			if err := w.Checkpoint(note); err != nil {
				return nil, err
			}
		}
		if size == end {
			return file, w.Close()
		}
		e := l.Entries[size]
		if content == export.ContentOpened && len(e.Personal) > 0 {
			body, err := leaf.DecodeBody(e.Body)
			if err != nil {
				return nil, err
			}
			if e.Opened, err = l.Sealer.Open(ctx, body, e.Personal); err != nil {
				return nil, err
			}
		}
		if err := w.Entry(e); err != nil {
			return nil, err
		}
	}
}

type appender struct{ file *fstest.MapFile }

func (a appender) Write(p []byte) (int, error) {
	a.file.Data = append(a.file.Data, p...)
	return len(p), nil
}

// Entry returns an entry that belongs to number i.
func Entry(i int) audit.Entry {
	user := fmt.Sprintf("user%d", i%3)
	at := Start().Add(time.Duration(i) * time.Minute)
	account := access.Actor{Kind: access.KindAccount, ID: user, UserID: user, Tenant: access.DefaultTenant}
	by := audit.Origin{At: at, Actor: account}
	nobody := audit.Origin{At: at, Actor: access.Nobody()}
	conference := fmt.Sprintf("conference%d", i/10)
	guest := audit.Report{At: at, Actor: access.Guest("guest" + user), Conference: conference}
	switch i % 6 {
	case 0:
		return audit.SessionStarted(by, fmt.Sprintf("session%d", i), "192.0.2.0/24")
	case 1:
		return audit.SessionFailed(nobody, user, audit.FailurePassword, "198.51.100.0/24")
	case 2:
		return audit.ParticipantAdmitted(by, conference, "meeting1", access.RoleHost, false)
	case 3:
		return audit.ParticipantJoined(guest, fmt.Sprintf("participant%d", i), access.RoleParticipant)
	case 4:
		return audit.UserCreated(by, "new"+user, access.Ordinary)
	default:
		return audit.ConferenceEnded(audit.Report{At: at, Actor: access.Worker(conference, access.DefaultTenant), Conference: conference}, "empty")
	}
}
