package app

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// as runs do with the rights of a user and group, and of no other group, when this process is root's. Only what do itself
// calls is done with them, not the goroutines that it starts.
func as(uid, gid int, do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this goroutine, and its rights with it
		if err := becomeOnThread(uid, gid); err != nil {
			done <- err
			return
		}
		done <- do()
	}()
	return <-done
}

// becomeOnThread changes the effective user of the calling thread alone. The first call of each thread must come from root.
func becomeOnThread(uid, gid int) error {
	keep := ^uintptr(0)
	for _, call := range []struct {
		number, a, b uintptr
		what         string
	}{
		{unix.SYS_SETRESUID, keep, 0, "become root"}, // where the process acts as another user: its saved one is root
		{unix.SYS_SETGROUPS, 0, 0, "leave all groups"},
		{unix.SYS_SETRESGID, keep, uintptr(gid), "change the group"},
		{unix.SYS_SETRESUID, keep, uintptr(uid), "change the user"},
	} {
		if _, _, errno := unix.RawSyscall(call.number, call.a, call.b, keep); errno != 0 {
			return fmt.Errorf("%s: %w", call.what, errno)
		}
	}
	return nil
}

// Rights tells what this process may do beside what it does as the owner of the data directory.
type Rights struct{ given bool }

// ActAsOwner makes this process act as the owner of a data directory from now on, when it is root's and the directory is not:
// what the owner has placed there then leads to nothing that he could not reach himself. Without a directory nothing changes.
func ActAsOwner(dir string) (Rights, error) {
	if os.Geteuid() != 0 {
		return Rights{}, nil
	}
	owner, err := ownerOnTheWay(dir)
	if err != nil || owner.Uid == 0 {
		return Rights{}, err
	}
	if err := syscall.Setgroups(nil); err != nil {
		return Rights{}, fmt.Errorf("leave all groups: %w", err)
	}
	if err := syscall.Setresgid(-1, int(owner.Gid), -1); err != nil {
		return Rights{}, fmt.Errorf("act as group %d: %w", owner.Gid, err)
	}
	if err := syscall.Setresuid(-1, int(owner.Uid), -1); err != nil {
		return Rights{}, fmt.Errorf("act as user %d: %w", owner.Uid, err)
	}
	return Rights{given: true}, nil
}

// More reports whether Back gives more rights than the process has else.
func (r Rights) More() bool { return r.given }

// Back runs do with the rights that the process had before ActAsOwner. What do itself calls is done with them, and nothing
// else that happens meanwhile.
func (r Rights) Back(do func() error) error {
	if !r.given {
		return do()
	}
	return as(0, 0, do)
}

// ownerOnTheWay is the owner of a directory, or of a link on the way to it that is not root's; root when there is nothing.
func ownerOnTheWay(dir string) (syscall.Stat_t, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return syscall.Stat_t{}, err
	}
	for _, path := range wayTo(abs) {
		var st syscall.Stat_t
		if err := syscall.Lstat(path, &st); err != nil {
			break // Stat says it
		}
		if st.Mode&syscall.S_IFMT == syscall.S_IFLNK && st.Uid != 0 {
			return st, nil
		}
	}
	var st syscall.Stat_t
	if err := syscall.Stat(abs, &st); err != nil && !os.IsNotExist(err) {
		return st, &os.PathError{Op: "stat", Path: abs, Err: err}
	}
	return st, nil
}

// wayTo lists the directories above an absolute path, the outermost first, and the path.
func wayTo(path string) []string {
	if up := filepath.Dir(path); up != path {
		return append(wayTo(up), path)
	}
	return []string{path}
}
