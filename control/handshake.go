package control

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-json-experiment/json"
)

// Errors of the handshake.
var (
	// ErrNotProven is returned when the other side does not hold the key, or speaks of another conference.
	ErrNotProven = errors.New("control: the other side could not prove itself")
	// ErrVersion is returned when the other side speaks no version that this one knows.
	ErrVersion = errors.New("control: the other side speaks another version")
)

const (
	roleController = "controller"
	roleWorker     = "worker"
)

// Dial does the controller's side of the handshake over an open connection. Nothing is read from the other side until Start.
// The limits are those of the worker, the same for each of its connections.
func Dial(nc net.Conn, conferenceID string, key []byte, serve Handler, limits *Limits) (*Conn, error) {
	return dial(nc, conferenceID, key, serve, limits, Version)
}

func dial(nc net.Conn, conferenceID string, key []byte, serve Handler, limits *Limits, highest int) (*Conn, error) {
	c := newConn(nc, serve, limits)
	mine := newNonce()
	err := c.handshake(func() error {
		if err := c.writeLine(hello{Version: highest, Conference: conferenceID, Nonce: mine}); err != nil {
			return err
		}
		var their hello
		if err := c.readLine(&their); err != nil {
			return err
		}
		if their.Conference != conferenceID || !sameProof(their.Proof, proof(key, roleWorker, conferenceID, their.Nonce, mine)) {
			return ErrNotProven
		}
		if err := c.agree(highest, their.Version); err != nil {
			return err
		}
		return c.writeLine(hello{Version: c.version, Conference: conferenceID, Proof: proof(key, roleController, conferenceID, mine, their.Nonce)})
	})
	return c.opened(err)
}

// Accept does the worker's side of the handshake over an accepted connection. Nothing is read from the other side until Start.
func Accept(nc net.Conn, conferenceID string, key []byte, serve Handler) (*Conn, error) {
	return accept(nc, conferenceID, key, serve, Version)
}

func accept(nc net.Conn, conferenceID string, key []byte, serve Handler, highest int) (*Conn, error) {
	c := newConn(nc, serve, unpaced())
	mine := newNonce()
	err := c.handshake(func() error {
		var their hello
		if err := c.readLine(&their); err != nil {
			return err
		}
		if their.Conference != conferenceID {
			return ErrNotProven
		}
		if err := c.agree(highest, their.Version); err != nil {
			return err
		}
		if err := c.writeLine(hello{Version: highest, Conference: conferenceID, Nonce: mine, Proof: proof(key, roleWorker, conferenceID, mine, their.Nonce)}); err != nil {
			return err
		}
		var last hello
		if err := c.readLine(&last); err != nil {
			return err
		}
		if !sameProof(last.Proof, proof(key, roleController, conferenceID, their.Nonce, mine)) {
			return ErrNotProven
		}
		return nil
	})
	return c.opened(err)
}

// agree settles on the lower of both sides' highest versions.
func (c *Conn) agree(mine, theirs int) error {
	if c.version = min(mine, theirs); c.version < VersionMin {
		return ErrVersion
	}
	return nil
}

func newNonce() string {
	b := make([]byte, nonceSize)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b)
}

func newConn(nc net.Conn, serve Handler, limits *Limits) *Conn {
	return &Conn{
		nc:      nc,
		in:      bufio.NewReaderSize(nc, 64<<10),
		serve:   serve,
		waiting: map[int64]chan frame{},
		limits:  limits,
		done:    make(chan struct{}),
	}
}

func (c *Conn) handshake(steps func() error) error {
	if err := c.nc.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return err
	}
	if err := steps(); err != nil {
		return fmt.Errorf("control handshake: %w", err)
	}
	return c.nc.SetDeadline(time.Time{})
}

func (c *Conn) opened(err error) (*Conn, error) {
	if err != nil {
		_ = c.nc.Close() // the handshake's error is the one that matters
		return nil, err
	}
	return c, nil
}

func (c *Conn) readLine(into any) error {
	line, err := c.line()
	if err != nil {
		return err
	}
	return json.Unmarshal(line, into, json.RejectUnknownMembers(true))
}
