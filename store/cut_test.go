package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"konklave/access"
	"konklave/store/postgrestest"
	"konklave/store/storetest"
)

// disk4 is an ext4 file system of its own, on a file, whose power can be cut: what was not brought to the disk is lost.
type disk4 struct{ image, dir string }

func newDisk4(t *testing.T) disk4 {
	t.Helper()
	base, err := os.MkdirTemp("", "konklave-cut-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	d := disk4{filepath.Join(base, "image"), filepath.Join(base, "disk")}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(d.image, nil, 0o600), os.Truncate(d.image, 512<<20), os.Mkdir(d.dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.ext4", "-q", d.image)
	d.mount(t)
	t.Cleanup(func() { _ = syscall.Unmount(d.dir, syscall.MNT_DETACH) })
	if err := errors.Join(os.Chmod(base, 0o755), os.Chmod(d.dir, 0o777)); err != nil { // the server is another user
		t.Fatal(err)
	}
	return d
}

func (d disk4) mount(t *testing.T) {
	t.Helper()
	run(t, "mount", "-o", "loop", d.image, d.dir)
}

// settle brings everything to the disk that was written so far: initdb does not wait for it.
func (d disk4) settle(t *testing.T) {
	t.Helper()
	root, err := os.Open(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(unix.Syncfs(int(root.Fd())), root.Close()); err != nil {
		t.Fatal(err)
	}
}

// cut cuts the power: the file system forgets what it has not written, also of its own log, and does nothing more.
func (d disk4) cut(t *testing.T) {
	t.Helper()
	const shutdown, withoutLog = 0x8004587d, 2 // EXT4_IOC_SHUTDOWN and EXT4_GOING_FLAGS_NOLOGFLUSH, linux/fs/ext4/ext4.h
	root, err := os.Open(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(unix.IoctlSetPointerInt(int(root.Fd()), shutdown, withoutLog), root.Close()); err != nil {
		t.Fatalf("cut the power: %v", err)
	}
}

// again brings the disk back, as after a start of the machine.
func (d disk4) again(t *testing.T) {
	t.Helper()
	if err := syscall.Unmount(d.dir, 0); err != nil {
		t.Fatal(err)
	}
	d.mount(t)
}

func (d disk4) startPostgres(t *testing.T, settings ...string) *postgrestest.Server {
	t.Helper()
	server, err := postgrestest.StartIn(t.Context(), d.dir, settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server
}

func create(t *testing.T, server *postgrestest.Server) (dsn string) {
	t.Helper()
	dsn, err := server.Create(t.Context(), "k", "template0")
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// onCutDisk does something with a server that has these settings and an empty database, and with the disk that its data are
// on. It takes a file system of its own on a loop device, which root alone can have.
func onCutDisk(t *testing.T, do func(t *testing.T, d disk4, server *postgrestest.Server, dsn string), settings ...string) {
	t.Helper()
	if _, err := os.Stat("/dev/loop-control"); os.Getuid() != 0 || err != nil {
		t.Skip("only root can cut the power of a disk, and only where there are loop devices")
	}
	storetest.Confined(t, func(t *testing.T) {
		d := newDisk4(t)
		server := d.startPostgres(t, settings...)
		dsn := create(t, server)
		if err := open(t, dsn).Close(); err != nil {
			t.Fatal(err)
		}
		d.settle(t)
		do(t, d, server, dsn)
	})
}

// TestPostgreSQLLosesNothingAcknowledgedWithThePower cuts the power of the disk that the server's data are on, while users are
// stored, and starts the server again on what is left.
func TestPostgreSQLLosesNothingAcknowledgedWithThePower(t *testing.T) {
	t.Parallel()
	onCutDisk(t, func(t *testing.T, d disk4, server *postgrestest.Server, dsn string) {
		var acknowledged []string
		for i := range 6 {
			acknowledged = append(acknowledged, untilThePowerGoes(t, d, server, dsn, fmt.Sprint("c", i))...)
			if err := server.Resume(); err != nil {
				t.Fatalf("after cut %d: %v", i+1, err)
			}
			if missing := missingUsers(t, dsn, acknowledged); len(missing) != 0 {
				t.Fatalf("cut %d: of %d acknowledged users these are missing: %v", i+1, len(acknowledged), missing)
			}
		}
	}, "fsync=on", "full_page_writes=on", "synchronous_commit=on")
}

// TestThePowerCutHasTeeth shows that the test above would notice: a server that does not wait for the disk forgets.
func TestThePowerCutHasTeeth(t *testing.T) {
	t.Parallel()
	onCutDisk(t, func(t *testing.T, d disk4, server *postgrestest.Server, dsn string) {
		acknowledged := untilThePowerGoes(t, d, server, dsn, "u")
		if err := server.Resume(); err != nil {
			return // the whole database is lost
		}
		if missing := missingUsers(t, dsn, acknowledged); len(missing) == 0 {
			t.Errorf("a server that does not wait lost none of %d users", len(acknowledged))
		}
	}, "fsync=off", "full_page_writes=on", "synchronous_commit=off")
}

// untilThePowerGoes stores users side by side, cuts the power at a random moment, and returns those that were acknowledged.
func untilThePowerGoes(t *testing.T, d disk4, server *postgrestest.Server, dsn, prefix string) []string {
	t.Helper()
	const writers = 4
	s := open(t, dsn)
	defer s.Close()
	var mu sync.Mutex
	var acknowledged []string
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	enough := make(chan struct{})
	goal := 20 + rand.IntN(100)
	for w := range writers {
		all.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%s-w%d-%d", prefix, w, i)
				if insert(ctx, s, id) != nil {
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, id)
				if len(acknowledged) == goal {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	d.cut(t)
	mu.Lock()
	safe := append([]string{}, acknowledged...) // acknowledged before the cut was over, at the latest
	mu.Unlock()
	server.Stop()
	cancel()
	all.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	d.again(t)
	return safe
}

func missingUsers(t *testing.T, dsn string, want []string) []string {
	t.Helper()
	s := open(t, dsn)
	users, err := s.Users(t.Context(), access.DefaultTenant, "", 100_000)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, u := range users {
		there[u.ID] = true
	}
	var missing []string
	for _, id := range want {
		if !there[id] {
			missing = append(missing, id)
		}
	}
	return missing
}
