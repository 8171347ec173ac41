// Package backup writes everything that lasts into one encrypted file and brings it back, into either database.
//
// A backup is an age file for the recovery key's public half. In it lies a compressed tar archive: first backup.json, which
// says what follows, then the rows of each table as lines of JSON and the files of the data directory, all in numbered
// parts, then manifest.json with the counts and hashes of all that, and last a code over it by the master key. The files are
// encrypted once more each, because they are keys. The master key itself is in backup.json, encrypted to the recovery key.
//
// So with the recovery key, age, gzip and tar, everything can be read without this program; and nobody without the recovery
// key or the master key can make a backup that is believed.
package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"time"

	"konklave/fault"
	"konklave/store"
)

// Format is the version of the format that this program writes. It reads no other.
const Format = 1

// Names of the entries.
const (
	headerName   = "backup.json"
	tablePrefix  = "tables/"
	filePrefix   = "files/"
	manifestName = "manifest.json"
	codeName     = "manifest.hmac"
)

// codePurpose binds the code at the end.
const codePurpose = "konklave backup 1"

// Bounds, in bytes. A backup over one of them is not written, and refused when it is read.
const (
	partSize    = 1 << 20  // of an entry; larger content is in several
	headerMax   = 4 << 20  // of backup.json
	manifestMax = 16 << 20 // of manifest.json
	rowMax      = 64 << 20 // of a row, as a line
	fileMax     = 1 << 30  // of a file of the data directory
)

// Faults of making and reading a backup.
var (
	ErrNoRecipient      = fault.New(fault.KindConflict, "backup.no_recipient", "There is no recovery key to encrypt a backup for, so none is made. Make one with `konklave recovery-key new`.")
	ErrForeignRecipient = fault.New(fault.KindConflict, "backup.foreign_recipient", "The recovery key in the database does not fit the master key, so no backup is made for it. When the master key was changed, make a new one with `konklave recovery-key new --replace`; when nobody changed it, somebody has tampered with the database: find out who before you make one.")
	ErrBroken           = fault.New(fault.KindInvalid, "backup.broken", "This backup is damaged, incomplete or was tampered with, and is refused. Use another one.")
	ErrFormat           = fault.Newf(fault.KindInvalid, "backup.format", "This backup was written by another version of the program, in a format other than %d; use the program that wrote it.", Format)
	ErrWrongKey         = fault.New(fault.KindDenied, "backup.wrong_key", "This recovery key does not open this backup.")
	ErrNotEmpty         = fault.New(fault.KindConflict, "backup.not_empty", "There is something at the place to restore to. Restore into an empty data directory and an empty database.")
)

// Header says what a backup holds.
type Header struct {
	Format    int           `json:"format"`
	Program   string        `json:"program"` // version of the program that wrote it
	CreatedAt time.Time     `json:"createdAt"`
	Schema    int64         `json:"schema"` // of the database
	Tables    []store.Table `json:"tables"` // in their order; each after those that it refers to
	Escrow    string        `json:"escrow"` // the master key encrypted to the recovery key
}

// digest tells whether a table or file is complete and unchanged.
type digest struct {
	Rows   int64  `json:"rows"` // 0 for a file
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// manifest closes a backup.
type manifest struct {
	Header  string            `json:"header"`  // SHA-256 of backup.json
	Members map[string]digest `json:"members"` // by the name without the part
}

// Summary is what a backup holds, in figures.
type Summary struct {
	Header
	Rows   map[string]int64 // by table
	Files  []string         // in the data directory
	Unread []string         // files and directories that were left out, because the program that wrote it may not read them
	Bytes  int64            // of the content, before compression
	Erased int              // how many people a restore has erased again
}

func sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

func sumOf(content []byte) string {
	h := sha256.Sum256(content)
	return hex.EncodeToString(h[:])
}

// left out of a backup: what would let in again who was put out, or means nothing later. After a restore people sign in
// anew. The list names tables of every schema that there was.
func volatile() map[string]bool {
	return map[string]bool{"sessions": true, "devices": true, "setup_tokens": true, "sign_in_failures": true, "tickets": true, "used_challenges": true, "leases": true,
		"provider_sessions": true, "access_tokens": true, "mails": true, "lock_mails": true, "unlock_links": true}
}
