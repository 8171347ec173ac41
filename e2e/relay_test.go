//go:build !race

package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/livekit/protocol/livekit"

	"konklave/client"
	"konklave/client/clip"
)

// freeUDP is a UDP address that is free right now.
func freeUDP(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().String()
}

// relayed enters with a microphone, all media through the relay.
func relayed(ctx context.Context, t *testing.T, c *client.Client, link, name string) (*client.Conference, *client.Participant) {
	t.Helper()
	session := join(ctx, t, c, link, name)
	p, err := session.JoinMedia(ctx, client.ParticipantOptions{RelayOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	tone, err := clip.Tone()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Publish(ctx, livekit.TrackSource_MICROPHONE, tone); err != nil {
		t.Fatal(err)
	}
	return session, p
}

// more waits until p has received many more packets from other than before.
func more(ctx context.Context, t *testing.T, p *client.Participant, other *client.Conference) {
	t.Helper()
	before := p.Stream(other.Self(), livekit.TrackSource_MICROPHONE).Packets
	if _, err := p.WaitStream(ctx, other.Self(), livekit.TrackSource_MICROPHONE, func(s client.Stream) bool { return s.Packets > before+100 }); err != nil {
		t.Fatalf("no packets from %s: %v", other.Self(), err)
	}
}

// datagramSockets counts the UDP sockets of a process.
func datagramSockets(t *testing.T, pid int) int {
	t.Helper()
	var inodes []string
	for _, file := range []string{"udp", "udp6"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, file))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) > 9 {
				inodes = append(inodes, "socket:["+fields[9]+"]")
			}
		}
	}
	open := map[string]bool{}
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		target, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, e.Name())) // one that was closed meanwhile is none
		open[target] = true
	}
	count := 0
	for _, inode := range inodes {
		if open[inode] {
			count++
		}
	}
	return count
}

func TestMediaThroughTheRelay(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s := start(ctx, t, t.TempDir(), "--turn-listen", freeUDP(t), "--media-addresses", "127.0.0.1")
	admin := s.admin(ctx)
	m, err := admin.CreateMeeting(ctx, client.MeetingChange{})
	if err != nil {
		t.Fatal(err)
	}
	anna, annaMedia := enter(ctx, t, admin, m.Link, "")
	ben, benMedia := relayed(ctx, t, s.client(), m.Link, "Ben")
	more(ctx, t, annaMedia, ben)
	more(ctx, t, benMedia, anna)

	front := s.pids("front")[0]
	if datagramSockets(t, front) < 2 {
		t.Fatal("nothing is relayed")
	}
	if err := syscall.Kill(s.pids("controller")[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	more(ctx, t, annaMedia, ben)
	more(ctx, t, benMedia, anna)

	if err := ben.Leave(ctx); err != nil {
		t.Fatal(err)
	}
	for datagramSockets(t, front) > 1 { // the one where clients are heard
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("the relay goes on after the session")
		}
	}
}
