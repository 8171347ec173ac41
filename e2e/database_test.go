//go:build !race

package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"konklave/client"
	"konklave/store/postgrestest"
)

// command runs a verb of the program on the server's data and returns what it prints.
func command(ctx context.Context, t *testing.T, input string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin = strings.NewReader(input)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("konklave %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}

// outageShort is how long the database is gone. E2E_OUTAGE makes it longer, such as 30s.
const outageShort = time.Second

// recovered bounds what passes until what waited is stored when the database is back: the pause between two attempts is one
// second at most.
const recovered = 10 * time.Second

func outage() time.Duration {
	d, err := time.ParseDuration(os.Getenv("E2E_OUTAGE"))
	if err != nil || d <= 0 {
		return outageShort
	}
	return d
}

// soundsFor waits for so long while p hears other all the time.
func soundsFor(ctx context.Context, t *testing.T, p *client.Participant, other *client.Conference, span time.Duration) {
	t.Helper()
	const second = 50 // packets of sound
	heard := func() uint64 { return p.Stream(other.Self(), microphone).Packets }
	for left := span; left > 0; left -= time.Second {
		part := min(left, time.Second)
		before, began := heard(), time.Now()
		if err := p.Wait(ctx, func() bool { return time.Since(began) >= part }); err != nil {
			t.Fatalf("nothing was heard: %v", err)
		}
		if got, want := heard()-before, uint64(part.Seconds()*second/2); got < want {
			t.Errorf("%d packets of sound in %v, want at least %d", got, part, want)
		}
	}
}

func TestADatabaseMayBeGoneDuringACall(t *testing.T) {
	t.Parallel()
	ctx := within(t, patience+outage())
	database, err := postgrestest.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = database.Close() })
	dsn, err := database.Create(ctx, "konklave", "template0")
	if err != nil {
		t.Fatal(err)
	}
	s := start(ctx, t, t.TempDir(), "--database", dsn)
	if _, err := os.Stat(filepath.Join(s.dir, "konklave.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is an SQLite database beside PostgreSQL: %v", err)
	}
	admin, link := s.meeting(ctx)
	host, _ := enter(ctx, t, admin, link, "")
	anna, annaMedia := enter(ctx, t, s.client(), link, "Anna")
	receives(ctx, t, annaMedia, host)
	if err := host.Chat(ctx, "before"); err != nil {
		t.Fatal(err)
	}
	database.Stop()
	chatted := make(chan error, 1)
	go func() { chatted <- host.Chat(ctx, "meanwhile") }()
	var problem *client.Problem
	if _, err := admin.Meetings(ctx); !errors.As(err, &problem) || problem.Code != "server.unavailable" {
		t.Errorf("a request while the database is gone: %v", err)
	}
	if _, err := s.client().Join(ctx, link, client.JoinRequest{Name: "Ben"}); !errors.As(err, &problem) || problem.Code != "server.unavailable" {
		t.Errorf("a join while the database is gone: %v", err)
	}
	s.log.await(ctx, t, `the database does not work`, 1)
	soundsFor(ctx, t, annaMedia, host, outage())
	if _, err := admin.Meetings(ctx); !errors.As(err, &problem) || problem.Code != "server.unavailable" {
		t.Errorf("a request at the end of the outage: %v", err)
	}
	select {
	case err := <-chatted:
		t.Errorf("a message was acknowledged while the database is gone: %v", err)
	default:
	}
	if err := database.Resume(); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	if err := <-chatted; err != nil {
		t.Errorf("the message sent meanwhile: %v", err)
	}
	if took := time.Since(back); took > recovered {
		t.Errorf("it was stored %v after the database came back", took)
	}
	if err := anna.Chat(ctx, "after"); err != nil {
		t.Errorf("a message afterwards: %v", err)
	}
	said(ctx, t, anna, "before", "meanwhile", "after")
	if log := s.log.String(); strings.Contains(log, "process has ended") {
		t.Errorf("a process did not outlast the outage:\n%s", log)
	}
	for name, session := range map[string]*client.Conference{"host": host, "anna": anna} {
		select {
		case <-session.Lost():
			t.Errorf("%s lost the connection: %v", name, session.Err())
		default:
		}
	}
	late := join(ctx, t, s.client(), link, "Ben")
	if chat := late.Welcome().State.Chat; len(chat) != 3 {
		t.Errorf("the newcomer sees %+v", chat)
	}
}

func TestABackupBringsACallBack(t *testing.T) {
	t.Parallel()
	ctx := within(t, patience)
	s := start(ctx, t, t.TempDir())
	admin, link := s.meeting(ctx)
	host := join(ctx, t, admin, link, "")
	for _, text := range []string{"one", "two"} {
		if err := host.Chat(ctx, text); err != nil {
			t.Fatal(err)
		}
	}
	key := regexp.MustCompile("AGE-SECRET-KEY-1[A-Z0-9]+").FindString(command(ctx, t, "", "recovery-key", "new", "--replace", "--data", s.dir))
	file := filepath.Join(t.TempDir(), "backup")
	command(ctx, t, "", "backup", "--data", s.dir, "--output", file)
	if err := host.Chat(ctx, "three, after the backup"); err != nil {
		t.Fatal(err)
	}
	if out := command(ctx, t, key+"\n", "restore", "--verify", file); !strings.Contains(out, "The backup is good") {
		t.Errorf("verify said %q", out)
	}
	database, err := postgrestest.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = database.Close() })
	dsn, err := database.Create(ctx, "konklave", "template0")
	if err != nil {
		t.Fatal(err)
	}
	for name, flags := range map[string][]string{"SQLite": nil, "PostgreSQL": {"--database", dsn}} {
		dir := filepath.Join(t.TempDir(), "again")
		command(ctx, t, key+"\n", append([]string{"restore", "--data", dir, file}, flags...)...)
		again := start(ctx, t, dir, flags...)
		if again.setup != "" {
			t.Errorf("%s: the restored server wants to be set up", name)
		}
		back := again.client()
		if _, err := back.SignIn(ctx, "admin@example.org", password); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var chat []string
		for _, message := range join(ctx, t, back, link, "").Welcome().State.Chat {
			chat = append(chat, message.Text)
		}
		if strings.Join(chat, ",") != "one,two" {
			t.Errorf("%s: the conference comes back with %q", name, chat)
		}
	}
}

func TestBackupsAreMadeByThemselves(t *testing.T) {
	t.Parallel()
	ctx := within(t, patience)
	dir := t.TempDir()
	first := start(ctx, t, dir)
	first.admin(ctx) // which makes a recovery key
	first.stop()
	again := start(ctx, t, dir)
	name := again.log.await(ctx, t, `msg="backup made" .*name=(\S+)`, 1)[1]
	if info, err := os.Stat(filepath.Join(dir, "backups", name)); err != nil || info.Mode().Perm() != 0o600 || time.Since(info.ModTime()) > patience {
		t.Errorf("the backup %s: %v, %v", name, info, err)
	}
}
