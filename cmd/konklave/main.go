// Konklave is video conferencing for public authorities and regulated organisations, in one program with verbs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() {
	_ = os.WriteFile("/proc/self/comm", []byte("konklave"), 0) // for ps: a process of `konklave serve` is started from a descriptor
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// commands is the command line.
type commands struct {
	Serve       ServeCmd       `cmd:"" help:"Run everything: one command, one machine."`
	User        UserCmd        `cmd:"" help:"Manage accounts."`
	Machine     MachineCmd     `cmd:"" help:"Manage machines: programs that get in with a secret of their own."`
	RecoveryKey RecoveryKeyCmd `cmd:"" help:"Make the key that opens backups, or bring the master key back with it."`
	Backup      BackupCmd      `cmd:"" help:"Make an encrypted backup while everything runs."`
	Restore     RestoreCmd     `cmd:"" help:"Bring a backup back into an empty data directory and database, or verify one."`
	Audit       AuditCmd       `cmd:"" help:"Export the audit log, and verify what it says without the instance."`
	Witness     WitnessCmd     `cmd:"" help:"Watch the audit log of an instance from another machine, and cosign it."`
	Database    DatabaseCmd    `cmd:"" help:"Prepare PostgreSQL for a server that can only add to the audit log."`
	Config      ConfigCmd      `cmd:"" help:"Check and show the configuration."`
	Doctor      DoctorCmd      `cmd:"" help:"Examine this instance and its machine, and say what to mend."`
	Version     VersionCmd     `cmd:"" help:"Print the version."`
	Front       FrontCmd       `cmd:"" hidden:"" help:"The public listener (started by serve)."`
	Controller  ControllerCmd  `cmd:"" hidden:"" help:"The controller (started by serve)."`
	Signer      SignerCmd      `cmd:"" hidden:"" help:"Signs the audit log; the only process that can read its key (started by serve)."`
	Launcher    LauncherCmd    `cmd:"" hidden:"" help:"Starts conferences; the only privileged process (started by serve or systemd)."`
	Conference  ConferenceCmd  `cmd:"" hidden:"" help:"One conference (started by serve)."`
}

// streams are the standard streams, for commands that use them.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// exited is how a request for help leaves the parser.
type exited int

// status is the error of a command whose exit status says more than done or failed.
type status struct {
	code  int
	cause error // nil when everything was said
}

// Error implements error.
func (s status) Error() string { return fmt.Sprintf("exit status %d: %v", s.code, s.cause) }

// run returns the exit status: 0 done, 1 failed, 2 wrong use; a command may give these numbers another meaning.
func run(ctx context.Context, args []string, in io.Reader, out, stderr io.Writer) (code int) {
	defer func() {
		if e := recover(); e != nil {
			status, ok := e.(exited)
			if !ok {
				panic(e)
			}
			code = int(status)
		}
	}()
	var c commands
	parser, err := kong.New(&c, kong.Name("konklave"), kong.Description("Video conferencing for public authorities."),
		kong.Writers(out, stderr), kong.Exit(func(status int) { panic(exited(status)) }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(streams{in, out, stderr}), kong.Bind(arguments(args)))
	if err != nil {
		fmt.Fprintln(stderr, "konklave:", err)
		return 1
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(stderr, "konklave:", err)
		fmt.Fprintln(stderr, "See `konklave --help`.")
		return 2
	}
	err = command.Run()
	if s := (status{}); errors.As(err, &s) {
		if s.cause != nil {
			fmt.Fprintln(stderr, "konklave:", s.cause)
		}
		return s.code
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(stderr, "konklave:", err)
		return 1
	}
	return 0
}
