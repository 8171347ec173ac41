package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"konklave/access"
	"konklave/app"
	"konklave/auth"
	"konklave/fault"
	"konklave/store"
	"konklave/user"
)

// UserCmd manages accounts in the database itself, whether or not the server runs.
type UserCmd struct {
	Add      UserAddCmd      `cmd:"" help:"Create an account."`
	List     UserListCmd     `cmd:"" help:"List the accounts."`
	Roles    UserRolesCmd    `cmd:"" help:"Give an account roles in place of those it has; no second person is asked."`
	Unlock   UserUnlockCmd   `cmd:"" help:"End the locks that failed sign-ins brought upon an account."`
	Factors  UserFactorsCmd  `cmd:"" help:"Remove the second factors of an account, for somebody who has lost them."`
	Erase    UserEraseCmd    `cmd:"" help:"Erase the person behind an account: name, address, ways to sign in, and what the audit log tells about the person. It cannot be undone."`
	Password UserPasswordCmd `cmd:"" help:"Give an account a new password, for somebody who has forgotten it, and sign it out everywhere."`
}

// place says where the database is; it takes the settings of serve that matter.
type place struct {
	File     string  `name:"config" help:"Configuration file (YAML)." placeholder:"FILE" env:"KONKLAVE_CONFIG"`
	Data     *string `help:"Directory of everything that lasts." placeholder:"DIR"`
	Database *string `help:"Database: sqlite:PATH or postgres://…" placeholder:"DSN"`
}

// open opens the database and makes the data directory when it is not there.
func (p place) open(ctx context.Context) (*store.Store, error) {
	c, err := p.load()
	if err != nil {
		return nil, err
	}
	if _, err := app.ActAsOwner(c.Data); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	return store.Open(ctx, c.DSN(), store.Options{})
}

// passwords hashes passwords as the server does, and refuses the same ones.
func (p place) passwords() (*auth.Passwords, error) {
	c, err := p.load()
	if err != nil {
		return nil, err
	}
	return app.Passwords(c, 1)
}

// operator is who acts when a command is typed on the machine itself.
func operator() access.Actor { return access.System("command-line") }

// UserAddCmd creates an account.
type UserAddCmd struct {
	keyPlace
	newPassword
	Email    string   `required:"" help:"E-mail address to sign in with." placeholder:"ADDRESS"`
	Name     string   `required:"" help:"Name that others see."`
	Role     []string `default:"user" enum:"user,meeting_manager,operator,user_admin,security_officer,auditor,admin" help:"What the account may do: user, meeting_manager, operator, user_admin, security_officer, auditor, several with commas; admin is short for the first four."`
	Language string   `default:"de" enum:"de,en" help:"Language of the client: de or en."`
}

// Run creates the account and prints what was made.
func (cmd *UserAddCmd) Run(ctx context.Context, std streams) (err error) {
	password, err := cmd.password(std.in)
	if err != nil {
		return err
	}
	db, _, err := cmd.unlock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	passwords, err := cmd.passwords()
	if err != nil {
		return err
	}
	u, err := user.NewService(db, passwords, time.Now).Create(ctx, operator(), user.New{
		Email: cmd.Email, Name: cmd.Name, Roles: rolesOf(cmd.Role), Language: user.Language(cmd.Language), Password: password,
	})
	if err != nil {
		return readable(err)
	}
	fmt.Fprintf(std.out, "Created the account %s (%s, %s).\n", u.Email, u.Name, commas(u.Roles))
	cmd.print(std.out, password)
	return nil
}

// administrator stands for the roles of whoever sets an installation up.
const administrator = "admin"

// rolesOf are roles as --role takes them.
func rolesOf(words []string) []access.Role {
	var roles []access.Role
	for _, r := range words {
		if r == administrator {
			roles = append(roles, access.Administrator.List()...)
		} else {
			roles = append(roles, access.Role(r))
		}
	}
	return roles
}

// commas lists roles as --role takes them.
func commas(roles access.Roles) string { return strings.ReplaceAll(string(roles), " ", ",") }

// UserPasswordCmd gives an account a new password.
type UserPasswordCmd struct {
	keyPlace
	newPassword
	Email string `required:"" help:"E-mail address of the account." placeholder:"ADDRESS"`
}

// Run stores the password; all sessions of the account end.
func (cmd *UserPasswordCmd) Run(ctx context.Context, std streams) (err error) {
	password, err := cmd.password(std.in)
	if err != nil {
		return err
	}
	db, _, err := cmd.unlock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	passwords, err := cmd.passwords()
	if err != nil {
		return err
	}
	signIn := auth.NewSignIn(db, auth.NewSessions(db, auth.SessionOptions{Now: time.Now}), passwords)
	if err := signIn.ResetPassword(ctx, operator(), cmd.Email, password); err != nil {
		return readable(err)
	}
	fmt.Fprintln(std.out, "The account has a new password and is signed out everywhere.")
	cmd.print(std.out, password)
	return nil
}

// UserUnlockCmd ends the locks of an account.
type UserUnlockCmd struct {
	keyPlace
	Email string `required:"" help:"E-mail address of the account." placeholder:"ADDRESS"`
}

// Run forgets the failed sign-ins of the account.
func (cmd *UserUnlockCmd) Run(ctx context.Context, std streams) (err error) {
	db, _, err := cmd.unlock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	signIn := auth.NewSignIn(db, auth.NewSessions(db, auth.SessionOptions{Now: time.Now}), auth.NewPasswords(1))
	if err := signIn.UnlockAddress(ctx, operator(), cmd.Email); err != nil {
		return readable(err)
	}
	fmt.Fprintln(std.out, "The account is not locked any more.")
	return nil
}

// UserFactorsCmd removes the second factors of an account.
type UserFactorsCmd struct {
	keyPlace
	Email  string `required:"" help:"E-mail address of the account." placeholder:"ADDRESS"`
	Remove bool   `required:"" help:"Remove all second factors and recovery codes; the password is what is left."`
}

// Run removes the factors.
func (cmd *UserFactorsCmd) Run(ctx context.Context, std streams) (err error) {
	db, _, err := cmd.unlock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	signIn := auth.NewSignIn(db, auth.NewSessions(db, auth.SessionOptions{Now: time.Now}), auth.NewPasswords(1))
	if err := signIn.ResetFactors(ctx, operator(), cmd.Email); err != nil {
		return readable(err)
	}
	fmt.Fprintln(std.out, "The account has no second factor any more.")
	return nil
}

// newPassword is a password that somebody brings, or that is made here.
type newPassword struct {
	PasswordStdin bool `help:"Read the password from the first line of standard input; without it one is made and printed."`
}

func (p newPassword) password(in io.Reader) (string, error) {
	if p.PasswordStdin {
		return firstLine(in)
	}
	return strings.ToLower(rand.Text()), nil
}

// print shows the password when it was made here.
func (p newPassword) print(out io.Writer, password string) {
	if !p.PasswordStdin {
		fmt.Fprintf(out, "Password, shown only now: %s\n", password)
	}
}

// firstLine reads a password; what follows the first line is not looked at.
func firstLine(in io.Reader) (string, error) {
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// UserListCmd lists the accounts.
type UserListCmd struct{ place }

// Run prints a table in the order of the addresses.
func (cmd *UserListCmd) Run(ctx context.Context, std streams) (err error) {
	db, err := cmd.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	users := user.NewService(db, auth.NewPasswords(1), time.Now)
	table := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "EMAIL\tNAME\tROLES\tLANGUAGE\tCREATED")
	for after := ""; ; {
		page, err := users.List(ctx, operator(), after, user.MaxPage)
		if err != nil {
			return readable(err)
		}
		for _, u := range page {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", u.Email, u.Name, commas(u.Roles), u.Language, u.CreatedAt.Format(time.DateOnly))
			after = u.Email
		}
		if len(page) < user.MaxPage {
			return table.Flush()
		}
	}
}

// readable is the text of a fault without code and cause; other errors stay as they are, for the operator to see.
func readable(err error) error {
	var f *fault.Fault
	if errors.As(err, &f) && f.Kind != fault.KindInternal {
		return errors.New(f.Message)
	}
	return err
}
