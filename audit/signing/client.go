package signing

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"konklave/audit/checkpoint"
	"konklave/audit/leaf"
	"konklave/audit/signer"
)

// Client asks a signer. It may be used by many goroutines at once.
type Client struct{ path string }

// NewClient returns a Client of the signer that listens at this path.
func NewClient(path string) *Client { return &Client{path} }

// Log asks which log is signed. It fails with ErrUnavailable, ErrVersion, ErrMessage, ErrState.
func (c *Client) Log(ctx context.Context) (State, error) {
	a, err := c.exchange(ctx, question{Version: Version, Verb: VerbLog})
	if err != nil {
		return State{}, err
	}
	if a.Problem != "" {
		return State{}, a.error(checkpoint.Checkpoint{})
	}
	s := State{Log: signer.Log{Origin: a.Origin, Key: a.Key, Earlier: a.Earlier, Begun: a.Begun}}
	s.Last, err = a.last(a.Origin)
	return s, err
}

// Sign asks for a signed checkpoint of a log; see signer.Signer.Sign. It fails with *signer.InconsistentError when that is refused,
// and as Log does. Whether the answer is what was asked for is for the caller to check.
func (c *Client) Sign(ctx context.Context, origin string, r signer.Request) ([]byte, error) {
	if len(r.Proof) > ProofMax {
		return nil, fmt.Errorf("%w: a proof of %d hashes", ErrMessage, len(r.Proof))
	}
	a, err := c.exchange(ctx, ask(r))
	if err != nil {
		return nil, err
	}
	if a.Problem != "" {
		return nil, a.error(checkpoint.Checkpoint{Origin: origin, Size: r.Size, Root: r.Root})
	}
	return []byte(a.Note), nil
}

// Certify asks for a certificate of retention over what c says; when, by which log and the signature are the signer's. It fails with
// ErrRetention when that must be kept, with ErrMessage when no certificate may say it, and as Log does.
func (c *Client) Certify(ctx context.Context, wanted leaf.Certificate) (leaf.Certificate, error) {
	a, err := c.exchange(ctx, question{Version: Version, Verb: VerbCertify, Removal: &removal{
		wanted.Start, wanted.End, wanted.Category, wanted.Before.UnixMilli(), wanted.Scope, wanted.Policy, wanted.Reason,
	}})
	if err != nil {
		return leaf.Certificate{}, err
	}
	if a.Problem != "" {
		return leaf.Certificate{}, a.error(checkpoint.Checkpoint{})
	}
	wanted.At, wanted.Log, wanted.Signature = time.UnixMilli(a.At).UTC(), a.Origin, a.Signature
	return wanted, nil
}

// exchange asks one question.
func (c *Client) exchange(ctx context.Context, q question) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, ExchangeMax)
	defer cancel()
	var d net.Dialer
	dialled, err := d.DialContext(ctx, "unixpacket", c.path)
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer dialled.Close()
	conn, ok := dialled.(*net.UnixConn)
	if !ok {
		return answer{}, fmt.Errorf("%w: it is not at a unix socket", ErrUnavailable)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // a use of it says so
	defer stop()
	if err := write(conn, q); err != nil {
		return answer{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	text, err := read(conn)
	if errors.Is(err, ErrMessage) {
		return answer{}, err
	} else if err != nil {
		return answer{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	var a answer
	err = decode(text, &a, &a.Version)
	return a, err
}

// error is what the signer says went wrong.
func (a answer) error(asked checkpoint.Checkpoint) error {
	if a.Problem == problemVersion {
		return ErrVersion
	}
	if a.Problem == problemMessage {
		return ErrMessage
	}
	if a.Problem == problemRetention {
		return ErrRetention
	}
	cause, refused := refusals[a.Problem]
	if !refused {
		return ErrState
	}
	last, err := a.last(asked.Origin)
	if err != nil {
		return err
	}
	return &signer.InconsistentError{Last: last, Asked: asked, Cause: cause}
}

func (a answer) last(origin string) (checkpoint.Checkpoint, error) {
	if a.Last == nil {
		return checkpoint.Checkpoint{}, fmt.Errorf("%w: it does not say what was signed last", ErrMessage)
	}
	root, err := parseHash(a.Last.Root)
	return checkpoint.Checkpoint{Origin: origin, Size: a.Last.Size, Root: root}, err
}
