// Package signing is how others ask the signer, which is a process of its own: one message each way over a unix socket that
// keeps the borders of messages (SOCK_SEQPACKET), in strict JSON. The signer has no other way in.
package signing

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit"
	"konklave/audit/checkpoint"
	"konklave/audit/leaf"
	"konklave/audit/signer"
)

// Version is that of the messages. Each of them says it; one that says another is refused.
const Version = 1

// Limits of what travels.
const (
	MessageMax   = 32 << 10        // bytes of a message
	ProofMax     = 128             // hashes of a proof; no tree needs more
	ExchangeMax  = 5 * time.Second // for a question and its answer
	ExchangesMax = 16              // at once
)

// Verb says what is asked for.
type Verb string

// The verbs.
const (
	VerbLog  Verb = "log"  // which log is signed, and what was signed last
	VerbSign Verb = "sign" // sign a checkpoint
	// VerbCertify is to sign a certificate of retention, which lets content go.
	VerbCertify Verb = "certify"
)

// Errors of an exchange.
var (
	ErrUnavailable = errors.New("the signer does not answer")
	ErrMessage     = errors.New("this is not a message of the signer's protocol")
	ErrVersion     = errors.New("the signer speaks another version of its protocol")
	ErrRetention   = errors.New("the signer lets nothing go that its own settings keep (audit.keep-…); after they were changed it has to be started again")
	ErrState       = errors.New("the signer cannot read or write what it signed last; its log says why")
)

// State is what the signer tells of itself.
type State struct {
	signer.Log

	Last checkpoint.Checkpoint // signed last; the empty log before that
}

type question struct {
	Version int      `json:"v"`
	Verb    Verb     `json:"verb"`
	Size    int64    `json:"size,omitzero"`
	Root    string   `json:"root,omitzero"`
	Proof   []string `json:"proof,omitzero"`
	Removal *removal `json:"removal,omitzero"`
}

// removal is what a certificate is to let go; see leaf.Certificate.
type removal struct {
	Start    int64          `json:"start"`
	End      int64          `json:"end"`
	Category audit.Category `json:"category"`
	Before   int64          `json:"before"` // milliseconds since 1970
	Scope    leaf.Scope     `json:"scope"`
	Policy   string         `json:"policy"`
	Reason   string         `json:"reason"`
}

func (r removal) certificate() leaf.Certificate {
	return leaf.Certificate{
		Start: r.Start, End: r.End, Category: r.Category, Before: time.UnixMilli(r.Before).UTC(), Scope: r.Scope, Policy: r.Policy, Reason: r.Reason,
	}
}

// problem is why there is no other answer.
type problem string

const (
	problemMessage  problem = "message"
	problemVersion  problem = "version"
	problemState    problem = "state"
	problemRollback problem = "rollback"
	problemFork     problem = "fork"
	problemGrowth   problem = "growth"
	// problemRetention is that something was to be let go that must be kept.
	problemRetention problem = "retention"
)

// refusals are the problems that are reasons for alarm.
var refusals = map[problem]error{
	problemRollback: signer.ErrRollback, problemFork: signer.ErrFork, problemGrowth: signer.ErrGrowth,
}

type answer struct {
	Version int              `json:"v"`
	Problem problem          `json:"problem,omitzero"`
	Origin  string           `json:"origin,omitzero"`
	Key     string           `json:"key,omitzero"`
	Earlier []string         `json:"earlier,omitzero"`
	Begun   signer.Beginning `json:"begun,omitzero"`
	Last    *sizeAndRoot     `json:"last,omitzero"` // signed last, with the verb log and where it is refused
	Note    string           `json:"note,omitzero"`
	At      int64            `json:"at,omitzero"` // when the certificate was made, in milliseconds since 1970
	// Signature is that of the certificate.
	Signature string `json:"signature,omitzero"`
}

type sizeAndRoot struct {
	Size int64  `json:"size"`
	Root string `json:"root"`
}

func show(c checkpoint.Checkpoint) *sizeAndRoot { return &sizeAndRoot{c.Size, c.Root.String()} }

// decode reads a message of this version.
func decode(text []byte, message any, version *int) error {
	if err := json.Unmarshal(text, message, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("%w: %w", ErrMessage, err)
	}
	if *version != Version {
		return fmt.Errorf("%w (%d)", ErrVersion, *version)
	}
	return nil
}

// read reads one message. It fails with ErrMessage for one that is larger than any may be.
func read(c *net.UnixConn) ([]byte, error) {
	buffer := make([]byte, MessageMax+1)
	n, err := c.Read(buffer)
	switch {
	case err != nil:
		return nil, err
	case n > MessageMax:
		return nil, fmt.Errorf("%w: it is larger than %d bytes", ErrMessage, MessageMax)
	}
	return buffer[:n], nil
}

func write(c *net.UnixConn, message any) error {
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	if len(text) > MessageMax {
		return fmt.Errorf("%w: it would be larger than %d bytes", ErrMessage, MessageMax)
	}
	_, err = c.Write(text)
	return err
}

func parseHash(text string) (tlog.Hash, error) {
	hash, err := tlog.ParseHash(text)
	if err != nil || hash.String() != text {
		return tlog.Hash{}, fmt.Errorf("%w: a hash", ErrMessage)
	}
	return hash, nil
}
