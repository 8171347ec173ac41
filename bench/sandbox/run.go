package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"konklave/launch"
	"konklave/launch/process"
	"konklave/sandbox"
)

// patience bounds every wait for a worker.
const patience = 10 * time.Second

// bench starts workers one after another.
type bench struct {
	dir     string
	packets int
	count   int
	command func() *exec.Cmd
}

// run starts a worker with or without walls, sends it the packets, and ends it.
func (b *bench) run(walls *sandbox.Sandbox) (cost, []sandbox.Layer, error) {
	b.count++
	name := "c" + strconv.Itoa(b.count)
	l := process.New(process.Options{Command: b.command, Sandbox: walls, Mode: sandbox.BestEffort, Log: slog.New(slog.DiscardHandler)})
	defer l.Close(patience)
	ours, theirs, err := pair()
	if err != nil {
		return cost{}, nil, err
	}
	go func() { _ = l.Serve(ours) }() // until the client closes
	client := launch.NewClient(theirs)
	defer client.Close()
	files, media, err := b.files(name)
	if err != nil {
		return cost{}, nil, err
	}
	if walls != nil {
		if _, err := l.Probe(); err != nil { // as a launcher does at its start, so that it is not measured
			return cost{}, nil, err
		}
	}
	began := time.Now()
	running, err := client.Start(launch.WorkerConfig{Conference: name, Epoch: 1}, files)
	if err != nil {
		return cost{}, nil, err
	}
	if err := b.awaitReady(name); err != nil {
		return cost{}, nil, err
	}
	c := cost{start: time.Since(began)}
	for _, f := range append([]*os.File{files.Control, files.Signalling}, files.Media...) {
		_ = f.Close() // the worker has its own
	}
	c.packet, err = b.echo(running.PID, media)
	return c, running.Isolation.Missing(), err
}

// awaitReady reads the one byte that a worker says when it serves.
func (b *bench) awaitReady(name string) error {
	conn, err := net.Dial("unix", filepath.Join(b.dir, name+".ctl")) //nolint:noctx // has a deadline
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err = io.ReadFull(conn, make([]byte, 1))
	return err
}

// echo has each packet come back before the next is sent, and returns the worker's processor time for one.
func (b *bench) echo(pid int, media net.Addr) (time.Duration, error) {
	conn, err := net.Dial("udp4", media.String()) //nolint:noctx // has a deadline
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	packet := make([]byte, 1200) // as video has
	before, err := used(pid)
	if err != nil {
		return 0, err
	}
	for range b.packets {
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			return 0, err
		}
		if _, err := conn.Write(packet); err != nil {
			return 0, err
		}
		if _, err := conn.Read(packet); err != nil {
			return 0, err
		}
	}
	after, err := used(pid)
	return (after - before) / time.Duration(b.packets), err
}

// used is the processor time of all threads of a process.
func used(pid int) (time.Duration, error) {
	tasks, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task/*/schedstat"))
	if err != nil || len(tasks) == 0 {
		return 0, fmt.Errorf("processor time of %d: %w", pid, err)
	}
	var sum time.Duration
	for _, t := range tasks {
		raw, err := os.ReadFile(t)
		if err != nil {
			return 0, err
		}
		ns, err := strconv.ParseInt(strings.Fields(string(raw))[0], 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

func (b *bench) files(name string) (launch.Files, net.Addr, error) {
	var f launch.Files
	var err error
	for ending, to := range map[string]**os.File{".ctl": &f.Control, ".web": &f.Signalling} {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(b.dir, name+ending), Net: "unix"})
		if err != nil {
			return f, nil, err
		}
		l.SetUnlinkOnClose(false)
		*to, err = l.File()
		_ = l.Close() // the file is a copy
		if err != nil {
			return f, nil, err
		}
	}
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return f, nil, err
	}
	defer udp.Close()
	media, err := udp.File()
	f.Media = []*os.File{media}
	return f, udp.LocalAddr(), err
}

// pair is a connection between controller and launcher.
func pair() (a, b *net.UnixConn, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	var ends [2]*net.UnixConn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "end")
		c, err := net.FileConn(f)
		_ = f.Close() // c is a copy
		if err != nil {
			return nil, nil, err
		}
		ends[i] = c.(*net.UnixConn) //nolint:forcetypeassert // made above
	}
	return ends[0], ends[1], nil
}

// work is the worker: it says that it is ready, and echoes.
func work() error {
	if err := sandbox.Enter(launch.FileSandbox); err != nil {
		return err
	}
	if _, err := io.ReadAll(os.NewFile(launch.FileConfig, "configuration")); err != nil {
		return err
	}
	control, err := net.FileListener(os.NewFile(launch.FileControl, "control"))
	if err != nil {
		return err
	}
	media, err := net.FilePacketConn(os.NewFile(launch.FileMedia, "media"))
	if err != nil {
		return err
	}
	conn, err := control.Accept()
	if err != nil {
		return err
	}
	if _, err := conn.Write([]byte{1}); err != nil {
		return err
	}
	buffer := make([]byte, 1500)
	for {
		n, from, err := media.ReadFrom(buffer)
		if err != nil {
			return err
		}
		if _, err := media.WriteTo(buffer[:n], from); err != nil {
			return err
		}
	}
}
