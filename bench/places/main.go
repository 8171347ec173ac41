// Command places compares the two ways to keep the rooms of one conference apart: places in one SFU room, and an SFU room for each.
//
// The same people, in groups of four who all send sound and a video to their group, are put on each in turn, in a server process
// of its own on loopback. Then one of them is moved to the next group, over and over: by a change of place, or by a new connection.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/livekit/protocol/livekit"

	"konklave/bench/load"
	"konklave/client"
	"konklave/media"
)

const (
	groups    = 6
	groupSize = 4
	moves     = 20
	// What each one gets a second from the others of the group: 180 packets of video and 50 of sound each.
	perReceiver = (groupSize - 1) * 230
	runLimit    = 2 * time.Minute
)

// greeting tells where each group is; in one room the addresses are all the same.
type greeting struct {
	Bases  []string
	Tokens []string // group after group; the last is the one who moves, who has a token for each group in Mover
	Mover  []string
}

func main() {
	window := flag.Duration("window", 8*time.Second, "length of one measurement")
	serve := flag.String("serve", "", "run this server, places or rooms, and nothing else")
	flag.Parse()
	var err error
	if *serve != "" {
		err = runServer(*serve == "rooms")
	} else {
		for _, name := range []string{"places", "rooms", "rooms", "places"} {
			if err = measure(name, *window); err != nil {
				break
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "places:", err)
		os.Exit(1)
	}
}

func measure(name string, window time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), runLimit)
	defer cancel()
	var g greeting
	server, err := load.Start(ctx, &g, "-serve", name)
	if err != nil {
		return err
	}
	defer server.Stop()
	var peers []load.Peer
	for i, token := range g.Tokens {
		peers = append(peers, load.Peer{Base: g.Bases[i/groupSize], Token: token, Video: true, Audio: true, Receives: true})
	}
	crowd, err := load.Join(ctx, peers)
	if err != nil {
		return err
	}
	defer crowd.Close()
	const almost = 0.95
	if err := crowd.WaitRate(ctx, almost*perReceiver*float64(len(peers))); err != nil {
		return err
	}
	packets, cpu, err := crowd.Measure(ctx, server.PID(), window)
	if err != nil {
		return err
	}
	memory, err := load.Memory(server.PID())
	if err != nil {
		return err
	}
	took, err := move(ctx, name == "rooms", g)
	if err != nil {
		return err
	}
	fmt.Printf("%-6s %5.1f k packets/s  %4.2f cores  %5.1f k packets/CPU-s  %3d MB  move to first picture: median %v, worst %v\n", name,
		float64(packets)/window.Seconds()/1000, cpu.Seconds()/window.Seconds(), float64(packets)/cpu.Seconds()/1000, memory>>20,
		took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
	return nil
}

// move sends one participant from group to group and returns, sorted, how long it took each time until a picture from there was complete.
func move(ctx context.Context, rejoin bool, g greeting) ([]time.Duration, error) {
	var took []time.Duration
	p, err := client.JoinMedia(ctx, g.Bases[0], g.Mover[0], client.ParticipantOptions{})
	if err != nil {
		return nil, err
	}
	defer func() { p.Close() }()
	for i := range moves {
		group := (i + 1) % groups
		who := identity(group * groupSize)
		before := p.Stream(who, livekit.TrackSource_CAMERA).Frames
		started := time.Now()
		if rejoin {
			p.Close()
			before = 0
			if p, err = client.JoinMedia(ctx, g.Bases[group], g.Mover[group], client.ParticipantOptions{}); err != nil {
				return nil, err
			}
		} else if err := setPlace(ctx, g.Bases[0], group); err != nil {
			return nil, err
		}
		_, err := p.WaitStream(ctx, who, livekit.TrackSource_CAMERA, func(s client.Stream) bool { return s.Frames > before })
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(started))
	}
	slices.Sort(took)
	return took, nil
}

func setPlace(ctx context.Context, base string, group int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/place?"+url.Values{"group": {strconv.Itoa(group)}}.Encode(), nil)
	if err != nil {
		return fmt.Errorf("move: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("move: %w", err)
	}
	return resp.Body.Close()
}

func identity(i int) string { return "peer-" + strconv.Itoa(i) }

func place(group int) media.Place {
	name := []string{"room-" + strconv.Itoa(group)}
	return media.Place{Speaks: name, Hears: name}
}

// runServer is the server process: it greets and serves until it is killed.
func runServer(separate bool) error {
	var g greeting
	everything := media.Permission{Publish: media.Sources(), Subscribe: true}
	var room *media.Room
	for group := range groups {
		if room == nil || separate {
			opened, base, err := open()
			if err != nil {
				return err
			}
			room = opened
			g.Bases = append(g.Bases, base)
			g.Mover = append(g.Mover, room.Admit("mover", everything))
		} else {
			g.Bases = append(g.Bases, g.Bases[0])
		}
		for i := range groupSize {
			id := identity(group*groupSize + i)
			g.Tokens = append(g.Tokens, room.Admit(id, everything))
			if !separate {
				room.SetPlace(id, place(group))
			}
		}
	}
	if !separate {
		room.SetPlace("mover", place(0))
	}
	if err := load.Greet(g); err != nil {
		return err
	}
	select {}
}

// open makes an SFU room with a listener of its own.
func open() (*media.Room, string, error) {
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, "", fmt.Errorf("open socket: %w", err)
	}
	room, err := media.Open(media.Options{Conns: []net.PacketConn{socket}})
	if err != nil {
		return nil, "", err
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", fmt.Errorf("listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", room.Handler())
	mux.HandleFunc("POST /place", func(_ http.ResponseWriter, r *http.Request) {
		if group, err := strconv.Atoi(r.FormValue("group")); err == nil {
			room.SetPlace("mover", place(group))
		}
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	return room, "http://" + listener.Addr().String(), nil
}
