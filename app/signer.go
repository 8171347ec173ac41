package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"syscall"
	"time"

	"konklave/activation"
	"konklave/audit/signer"
	"konklave/audit/signing"
	"konklave/config"
)

// signerSettings are the settings that the signer reads.
func signerSettings() []string {
	return []string{"listen", "data", "public-url", "tls.", "log.", "audit.keep-security-days", "audit.keep-administration-days", "audit.keep-conference-days"}
}

// signerEnvironment names the variables that the signer is left: what Go's runtime reads.
func signerEnvironment() []string {
	return []string{"PATH", "LANG", "TZ", "GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GOTRACEBACK", "GOCOVERDIR"}
}

// signerArguments is the part of a configuration that the signer reads, as flags.
func signerArguments(c config.Config) []string { return argumentsOf(c, signerSettings()) }

// Signer is the process that signs the audit log, and the only one that can read its key. It has no network and sees no file but
// its own, and answers nobody but the user who owns the inherited socket, and root. It serves until ctx ends or the process that
// started it is gone.
func Signer(ctx context.Context, c config.Config, log *slog.Logger) error {
	handed, err := activation.Take()
	if err != nil {
		return err
	}
	ctx, cancel := withLifeline(ctx, &handed)
	defer cancel()
	listener, owner, err := ownedListener(&handed, nameSigner)
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := enterSignerDir(c.SignerDir()); err != nil {
		return err
	}
	confineSigner(log)
	dir, err := signer.OpenDirectory(".", logHost(c), time.Now)
	if err != nil {
		return fmt.Errorf("the signer of the audit log: %w", err)
	}
	defer dir.Close()
	s := &signing.Server{
		Signer: dir.Signer(), Log: dir.Log, Retention: c.Audit.Keep, Now: time.Now, Logger: log,
		Admit: func(conn *net.UnixConn) error { return admit(conn, owner) },
	}
	if err := handed.Ready(); err != nil {
		return err
	}
	log.Info("signs the audit log", "log", dir.Log.Origin)
	go stayAlive(ctx, signerGoesOn(s.Signer), handed.Alive, log)
	return s.Serve(ctx, listener)
}

// enterSignerDir makes the signer's directory that of this process, and refuses one that others may use. From then on nobody can
// put another one in its place, as who owns the data directory could.
func enterSignerDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the directory of the signer: %w", err)
	}
	if err := os.Chdir(dir); err != nil {
		return fmt.Errorf("enter the directory of the signer: %w", err)
	}
	info, err := os.Stat(".")
	if err != nil {
		return err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !ok || int(owner.Uid) != os.Geteuid() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s must belong to the user of the signer (%d), and be closed to all others (mode 700): somebody else could have put the key there", dir, os.Geteuid())
	}
	return nil
}

// signerGoesOn has a signer prove that it returns when it is asked. That its disk fails is told to whoever asks; to be started
// again would not help.
func signerGoesOn(s *signer.Signer) func(context.Context) error {
	return func(ctx context.Context) error {
		_, _ = s.Last(ctx) // see above
		return nil
	}
}

// logHost is what the log of a new instance is named after.
func logHost(c config.Config) string {
	u, err := url.Parse(c.Address())
	if err != nil || u.Hostname() == "" {
		return "localhost"
	}
	return u.Hostname()
}
