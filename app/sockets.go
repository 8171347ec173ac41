package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"konklave/activation"
	"konklave/config"
)

// sockets are what Serve opens, or was handed, for the processes that it keeps. They outlive each of them.
type sockets struct {
	address          string   // of public, as it was really bound
	public           *os.File // the front's listener
	redirect         *os.File // the front's plain HTTP listener; nil for none
	turn             *os.File // the front's datagram socket; nil for none
	frontSocket      *os.File
	controllerSocket *os.File
	signerSocket     *os.File
}

// openSockets opens what the network reaches.
func openSockets(ctx context.Context, c config.Config, handed *activation.Set) (s sockets, err error) {
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.public, s.address, err = openTCP(ctx, handed, namePublic, c.Listen); err != nil {
		return s, err
	}
	if c.TLS.On() && c.TLS.Redirect != "" {
		if s.redirect, _, err = openTCP(ctx, handed, nameRedirect, c.TLS.Redirect); err != nil {
			return s, err
		}
	}
	if c.TURN.Listen != "" {
		if s.turn, err = openUDP(ctx, handed, nameTURN, c.TURN.Listen); err != nil {
			return s, err
		}
	}
	return s, nil
}

// openPrivate opens the sockets between front, controller and signer. The signer is for the controller alone.
func (s *sockets) openPrivate(c config.Config, m modes) (err error) {
	if s.frontSocket, err = listenUnix(FrontSocket(c), m.socket); err != nil {
		return err
	}
	if s.controllerSocket, err = listenUnix(ControllerSocket(c), m.socket); err != nil {
		return err
	}
	s.signerSocket, err = listenUnixAs("unixpacket", SignerSocket(c), 0o600)
	return err
}

// openTCP takes a listener that was handed over, or opens one.
func openTCP(ctx context.Context, handed *activation.Set, name, address string) (*os.File, string, error) {
	l, err := handed.Listener(name)
	if errors.Is(err, activation.ErrMissing) {
		var lc net.ListenConfig
		if l, err = lc.Listen(ctx, "tcp", address); err != nil {
			return nil, "", fmt.Errorf("listen on %s: %w (is another server running? another address: --listen)", address, err)
		}
	}
	if err != nil {
		return nil, "", err
	}
	defer l.Close()
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil, "", fmt.Errorf("the socket %q is not a TCP listener", name)
	}
	f, err := tcp.File()
	return f, actualAddress(address, l.Addr()), err
}

// openUDP takes a datagram socket that was handed over, or opens one.
func openUDP(ctx context.Context, handed *activation.Set, name, address string) (*os.File, error) {
	c, err := handed.Packets(name)
	if errors.Is(err, activation.ErrMissing) {
		var lc net.ListenConfig
		if c, err = lc.ListenPacket(ctx, "udp", address); err != nil {
			return nil, fmt.Errorf("listen on %s for the relay: %w (is another relay running? another address: --turn-listen)", address, err)
		}
	}
	if err != nil {
		return nil, err
	}
	defer c.Close()
	udp, ok := c.(*net.UDPConn)
	if !ok {
		return nil, fmt.Errorf("the socket %q is not a UDP socket", name)
	}
	return udp.File()
}

// actualAddress is the configured address with the port that was really bound.
func actualAddress(configured string, bound net.Addr) string {
	host, _, err := net.SplitHostPort(configured)
	if err != nil {
		return bound.String()
	}
	_, port, err := net.SplitHostPort(bound.String())
	if err != nil {
		return bound.String()
	}
	return net.JoinHostPort(host, port)
}

// ofFront are the sockets that the front inherits.
func (s *sockets) ofFront() []activation.Named {
	return []activation.Named{
		{Name: namePublic, File: s.public}, {Name: nameRedirect, File: s.redirect}, {Name: nameTURN, File: s.turn},
		{Name: nameFront, File: s.frontSocket},
	}
}

// Close gives the sockets up; the processes that inherited them have their own.
func (s *sockets) Close() {
	for _, f := range []*os.File{s.public, s.redirect, s.turn, s.frontSocket, s.controllerSocket, s.signerSocket} {
		if f != nil {
			_ = f.Close() // the process ends
		}
	}
}

// pipeOf returns the end of a pipe from which a child reads some few bytes.
func pipeOf(content []byte) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	if _, err := w.Write(content); err != nil { // far less than a pipe holds
		_ = r.Close() // the other error is the one that matters
		return nil, err
	}
	return r, nil
}

// ControllerSocket is where the controller answers the front.
func ControllerSocket(c config.Config) string { return filepath.Join(c.RunDir(), "controller.sock") }

// SignerSocket is where the signer answers the controller.
func SignerSocket(c config.Config) string { return filepath.Join(c.RunDir(), "signer.sock") }

// FrontSocket is where the front hears from the controller.
func FrontSocket(c config.Config) string { return filepath.Join(c.RunDir(), "front.sock") }

// ConferenceDir is where the workers' sockets lie.
func ConferenceDir(c config.Config) string { return filepath.Join(c.RunDir(), "c") }
