package client

import (
	"fmt"
	"net"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
)

// silentNet is the host's network whose UDP sockets swallow what they are given once silent reports true.
type silentNet struct {
	*stdnet.Net
	silent func() bool
}

func newSilentNet(silent func() bool) (*silentNet, error) {
	n, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("look at the network: %w", err)
	}
	return &silentNet{Net: n, silent: silent}, nil
}

// ListenUDP opens a socket.
func (n *silentNet) ListenUDP(network string, local *net.UDPAddr) (transport.UDPConn, error) {
	c, err := n.Net.ListenUDP(network, local)
	if err != nil {
		return nil, err
	}
	return &silentConn{UDPConn: c, silent: n.silent}, nil
}

type silentConn struct {
	transport.UDPConn
	silent func() bool
}

// WriteTo sends unless the network is silent.
func (c *silentConn) WriteTo(b []byte, to net.Addr) (int, error) {
	if c.silent() {
		return len(b), nil
	}
	return c.UDPConn.WriteTo(b, to)
}
