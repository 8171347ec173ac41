package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"

	"github.com/go-json-experiment/json"

	"konklave/config"
	"konklave/launch"
	"konklave/sandbox"
	"konklave/telemetry"
	"konklave/worker"
)

// Conference is a conference worker: it goes behind its walls, reads its configuration from an inherited pipe and serves on
// inherited sockets.
func Conference(ctx context.Context, stderr io.Writer) error {
	if err := sandbox.Enter(launch.FileSandbox); err != nil {
		if errors.Is(err, sandbox.ErrProbe) {
			return nil
		}
		return err
	}
	c, err := workerConfig()
	if err != nil {
		return err
	}
	sockets, err := workerSockets(c.MediaSockets)
	if err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return fmt.Errorf("log level: %w", err)
	}
	log := telemetry.New(stderr, config.Log{Level: level, Format: config.LogFormat(c.LogFormat)}).With("process", "worker", "conference", c.Conference)
	return worker.Run(ctx, sockets, c, log)
}

func workerConfig() (launch.WorkerConfig, error) {
	f := os.NewFile(launch.FileConfig, "configuration")
	defer f.Close()
	var c launch.WorkerConfig
	if err := json.UnmarshalRead(f, &c, json.RejectUnknownMembers(true)); err != nil {
		return c, fmt.Errorf("read worker configuration (this command is started by `konklave serve`): %w", err)
	}
	return c, nil
}

func workerSockets(media int) (worker.Sockets, error) {
	var s worker.Sockets
	var err error
	if s.Control, err = inherited(launch.FileControl, "the control listener"); err != nil {
		return s, err
	}
	if s.Signalling, err = inherited(launch.FileSignalling, "the signalling listener"); err != nil {
		return s, err
	}
	for i := range media {
		f := os.NewFile(launch.FileMedia+uintptr(i), "media")
		conn, err := net.FilePacketConn(f)
		_ = f.Close() // conn is a copy
		if err != nil {
			return s, fmt.Errorf("media socket: %w", err)
		}
		s.Media = append(s.Media, conn)
	}
	return s, nil
}
