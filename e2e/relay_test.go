//go:build !race

package e2e

import (
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
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
	ctx := within(t, patience)
	s := start(ctx, t, t.TempDir(), "--turn-listen", freeUDP(t), "--media-addresses", "127.0.0.1")
	admin, link := s.meeting(ctx)
	anna, annaMedia := enter(ctx, t, admin, link, "")
	ben, benMedia := relayed(ctx, t, s.client(), link, "Ben")
	receivesMore(ctx, t, annaMedia, ben, microphone, 100)
	receivesMore(ctx, t, benMedia, anna, microphone, 100)

	front := s.pids("front")[0]
	if datagramSockets(t, front) < 2 {
		t.Fatal("nothing is relayed")
	}
	if err := syscall.Kill(s.pids("controller")[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	receivesMore(ctx, t, annaMedia, ben, microphone, 100)
	receivesMore(ctx, t, benMedia, anna, microphone, 100)

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
