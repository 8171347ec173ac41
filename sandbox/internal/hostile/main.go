// Hostile is a conference worker that has been taken over: it goes behind its walls like every worker, and then does what it
// is told over the control listener. Each line there is an attack with its arguments; the answer is "refused: WHY", or what it
// got. Meanwhile it echoes on its media socket, as a conference that must not be disturbed does.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"konklave/sandbox"
)

// What a worker inherits, as package launch numbers it.
const (
	fileControl = 3
	fileConfig  = 5
	fileSandbox = 6
	fileMedia   = 7
)

func main() {
	if err := run(); err != nil {
		if errors.Is(err, sandbox.ErrProbe) {
			return
		}
		fmt.Fprintln(os.Stderr, "hostile:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) > 1 {
		return confined(os.Args[1], os.Args[2:])
	}
	if os.Getenv("KONKLAVE_TEST_FOREIGN") != "" {
		if err := foreignFilter(); err != nil {
			return err
		}
	}
	if err := sandbox.Enter(fileSandbox); err != nil {
		return err
	}
	if _, err := io.ReadAll(os.NewFile(fileConfig, "configuration")); err != nil {
		return err
	}
	media, err := net.FilePacketConn(os.NewFile(fileMedia, "media"))
	if err != nil {
		return err
	}
	go echo(media)
	control, err := net.FileListener(os.NewFile(fileControl, "control"))
	if err != nil {
		return err
	}
	for {
		conn, err := control.Accept()
		if err != nil {
			return err
		}
		go obey(conn)
	}
}

func echo(media net.PacketConn) {
	buffer := make([]byte, 1500)
	for {
		n, from, err := media.ReadFrom(buffer)
		if err != nil {
			return
		}
		_, _ = media.WriteTo(buffer[:n], from) // a lost one is seen by the test
	}
}

// obey carries out one attack for each line.
func obey(conn net.Conn) {
	defer conn.Close()
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		words := strings.Fields(lines.Text())
		attack, ok := attacks()[words[0]]
		if !ok {
			fmt.Fprintln(conn, "no such attack")
			continue
		}
		got, err := attack(words[1:])
		if err != nil {
			fmt.Fprintln(conn, "refused:", strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		fmt.Fprintln(conn, "got:", got)
	}
}
