package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"konklave/access"
	"konklave/auth"
)

// MachineCmd manages programs that get in with a secret of their own, in the database itself, whether or not the server runs.
type MachineCmd struct {
	Add    MachineAddCmd    `cmd:"" help:"Add a machine, and print its secret."`
	List   MachineListCmd   `cmd:"" help:"List the machines."`
	Secret MachineSecretCmd `cmd:"" help:"Give a machine another secret; the one before stays good for a while."`
	Remove MachineRemoveCmd `cmd:"" help:"Remove a machine; what it was given ends at once."`
}

// secretOutput says where the secret of a machine goes.
type secretOutput struct {
	Output string `help:"New file for client_id and client_secret, for konklave witness --machine; without it they are printed." placeholder:"FILE"`
}

// give hands out the secret. A file is made before the machine is, so that no secret is lost for want of a place.
func (o secretOutput) give(out io.Writer, make func() (auth.Machine, string, error)) (err error) {
	var f *os.File
	if o.Output != "" {
		if f, err = os.OpenFile(o.Output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			return err
		}
	}
	m, secret, err := make()
	switch {
	case err != nil && f != nil:
		return errors.Join(readable(err), f.Close(), os.Remove(o.Output))
	case err != nil:
		return readable(err)
	case f == nil:
		_, err = fmt.Fprintf(out, "client_id: %s\nclient_secret, shown only now: %s\n", m.ID, secret)
		return err
	}
	_, err = fmt.Fprintf(f, "%s\n%s\n", m.ID, secret)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "client_id: %s\nThe client_secret is in %s.\n", m.ID, o.Output)
	return err
}

// MachineAddCmd adds a machine.
type MachineAddCmd struct {
	keyPlace
	secretOutput
	Name    string        `required:"" help:"What it is, for those who read the list."`
	Scope   []string      `required:"" help:"What it may do, several with commas: meetings.read, meetings.write, conferences.read, users.read, findings.read, audit.read, audit.cosign."`
	Network []string      `help:"Networks that it comes from, such as 192.0.2.0/24, several with commas; without one it may come from everywhere." placeholder:"NETWORK"`
	Expires time.Duration `help:"After how long it ends, such as 8760h; without it, it does not." placeholder:"DURATION"`
}

// Run adds the machine and hands out its secret.
func (cmd *MachineAddCmd) Run(ctx context.Context, std streams) (err error) {
	db, _, err := cmd.unlock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	n := auth.NewMachine{Name: cmd.Name, Networks: cmd.Network}
	for _, s := range cmd.Scope {
		n.Scopes = append(n.Scopes, access.Scope(strings.TrimSpace(s)))
	}
	if cmd.Expires != 0 {
		n.ExpiresAt = time.Now().Add(cmd.Expires)
	}
	machines := auth.NewMachines(db, 0, time.Now)
	return cmd.give(std.out, func() (auth.Machine, string, error) { return machines.Add(ctx, operator(), n) })
}

// MachineSecretCmd changes the secret of a machine.
type MachineSecretCmd struct {
	keyPlace
	secretOutput
	ID      string        `arg:"" help:"client_id of the machine." placeholder:"ID"`
	Overlap time.Duration `help:"How long the secret before stays good; 0s ends it and what it brought at once." default:"24h"`
}

// Run hands out the new secret.
func (cmd *MachineSecretCmd) Run(ctx context.Context, std streams) (err error) {
	db, _, err := cmd.unlock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	machines := auth.NewMachines(db, 0, time.Now)
	return cmd.give(std.out, func() (auth.Machine, string, error) { return machines.Rotate(ctx, operator(), cmd.ID, cmd.Overlap) })
}

// MachineListCmd lists the machines.
type MachineListCmd struct{ place }

// Run prints a table, the newest first.
func (cmd *MachineListCmd) Run(ctx context.Context, std streams) (err error) {
	db, err := cmd.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	list, err := auth.NewMachines(db, 0, time.Now).List(ctx, operator())
	if err != nil {
		return readable(err)
	}
	table := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CLIENT_ID\tNAME\tSCOPES\tNETWORKS\tEXPIRES\tUSED")
	for _, m := range list {
		networks, scopes := make([]string, len(m.Networks)), make([]string, len(m.Scopes))
		for i, n := range m.Networks {
			networks[i] = n.String()
		}
		for i, s := range m.Scopes {
			scopes[i] = string(s)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n",
			m.ID, m.Name, orNone(strings.Join(scopes, ",")), orNone(strings.Join(networks, ",")), dateOrNone(m.ExpiresAt), dateOrNone(m.UsedAt))
	}
	return table.Flush()
}

func orNone(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func dateOrNone(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.DateOnly)
}

// MachineRemoveCmd removes a machine.
type MachineRemoveCmd struct {
	keyPlace
	ID string `arg:"" help:"client_id of the machine." placeholder:"ID"`
}

// Run removes the machine.
func (cmd *MachineRemoveCmd) Run(ctx context.Context, std streams) (err error) {
	db, _, err := cmd.unlock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := auth.NewMachines(db, 0, time.Now).Remove(ctx, operator(), cmd.ID); err != nil {
		return readable(err)
	}
	_, err = fmt.Fprintln(std.out, "The machine is removed, and what it was given has ended.")
	return err
}
