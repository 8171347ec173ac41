package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/livekit/livekit-server/pkg/config"
	"github.com/livekit/livekit-server/pkg/routing"
	"github.com/livekit/livekit-server/pkg/service"
	"github.com/livekit/livekit-server/pkg/telemetry/prometheus"
	"github.com/livekit/protocol/auth"

	"konklave/bench/load"
	"konklave/media"
)

// The key of the stock server; it listens on loopback for the length of a measurement.
const (
	apiKey    = "benchmark"
	apiSecret = "benchmark-secret-of-at-least-32-characters"
)

// greeting is what a server process prints once it listens.
type greeting struct {
	Base   string
	Tokens []string // publishers first
}

// peers are the publishers, of which the first few have a video, and the receivers.
func (g greeting) peers() []load.Peer {
	var peers []load.Peer
	for i, token := range g.Tokens {
		peers = append(peers, load.Peer{Base: g.Base, Token: token, Video: i < videos, Audio: i < sounds, Receives: i >= sounds})
	}
	return peers
}

// runServer is the server process: it greets and serves until it is killed.
func runServer(name string) error {
	switch name {
	case "konklave":
		return runKonklave()
	case "livekit":
		return runLiveKit()
	}
	return fmt.Errorf("unknown server %q", name)
}

func runKonklave() error {
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return fmt.Errorf("open socket: %w", err)
	}
	room, err := media.Open(media.Options{Conns: []net.PacketConn{socket}})
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	g := greeting{Base: "http://" + listener.Addr().String()}
	for i := range sounds + receivers {
		g.Tokens = append(g.Tokens, room.Admit(identity(i), media.Permission{Publish: media.Sources(), Subscribe: true}))
	}
	if err := load.Greet(g); err != nil {
		return err
	}
	server := &http.Server{Handler: room.Handler(), ReadHeaderTimeout: time.Minute}
	return server.Serve(listener)
}

func identity(i int) string { return "peer-" + strconv.Itoa(i) }

func runLiveKit() error {
	port, err := freePort()
	if err != nil {
		return err
	}
	conf, err := config.NewConfig(fmt.Sprintf(`
port: %d
bind_addresses: [127.0.0.1]
keys: {%s: %s}
logging: {level: error}
rtc:
  udp_port: %d
  tcp_port: 0
  node_ip: 127.0.0.1
  enable_loopback_candidate: true
  interfaces: {includes: [lo]}
`, port, apiKey, apiSecret, port), true, nil, nil)
	if err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	config.InitLoggerFromConfig(&conf.Logging)
	node, err := routing.NewLocalNode(conf)
	if err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	if err := prometheus.Init(string(node.NodeID()), node.NodeType()); err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	stock, err := service.InitializeServer(conf, node)
	if err != nil {
		return fmt.Errorf("initialise: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- stock.Start() }()
	g := greeting{Base: fmt.Sprintf("http://127.0.0.1:%d", port)}
	for i := range sounds + receivers {
		token, err := auth.NewAccessToken(apiKey, apiSecret).SetIdentity(identity(i)).
			SetVideoGrant(&auth.VideoGrant{RoomJoin: true, Room: "benchmark"}).SetValidFor(time.Hour).ToJWT()
		if err != nil {
			return fmt.Errorf("make token: %w", err)
		}
		g.Tokens = append(g.Tokens, token)
	}
	if err := waitListening(strings.TrimPrefix(g.Base, "http://")); err != nil {
		return err
	}
	if err := load.Greet(g); err != nil {
		return err
	}
	return <-done
}

// freePort finds a port that is free for TCP and UDP now.
func freePort() (int, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// waitListening asks until the server answers.
func waitListening(address string) error {
	const attempts, pause = 200, 25 * time.Millisecond
	for range attempts {
		c, err := new(net.Dialer).DialContext(context.Background(), "tcp", address)
		if err == nil {
			return c.Close()
		}
		time.Sleep(pause)
	}
	return fmt.Errorf("the server does not answer at %s", address)
}
