package sandbox

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Rights on files by the version of Landlock's interface that brought them (linux/landlock.h).
const (
	accessExecute  = 1 << 0
	accessRead     = 1<<2 | 1<<3 // a file, a directory
	accessWrite    = 1 << 1
	accessChange   = 1<<4 | 1<<5 | 1<<7 | 1<<8 | 1<<9 | 1<<10 | 1<<12 // remove, make directories, files, sockets, pipes, links
	accessDevices  = 1<<6 | 1<<11                                     // make character and block devices
	accessFirst    = accessExecute | accessRead | accessWrite | accessChange | accessDevices
	accessRefer    = 1 << 13 // version 2
	accessTruncate = 1 << 14 // version 3
	accessIoctl    = 1 << 15 // version 5
	accessOfFile   = accessExecute | accessWrite | 1<<2 | accessTruncate | accessIoctl
)

// Rights on the network (version 4), and what is kept inside (version 6).
const (
	accessNet = 1<<0 | 1<<1 // bind and connect TCP
	scopedAll = 1<<0 | 1<<1 // abstract unix sockets, signals
)

const (
	landlockVersion   = 1 // flag of create_ruleset
	landlockPathRule  = 1
	versionRefer      = 2
	versionTruncate   = 3
	versionNet        = 4
	versionIoctl      = 5
	versionScoped     = 6
	errNoLandlockText = "this kernel has no Landlock, or it is turned off"
)

// errNoLandlock says that the kernel lacks it.
var errNoLandlock = errors.New(errNoLandlockText)

type landlockRuleset struct{ fs, net, scoped uint64 }

type landlockPath struct {
	allowed uint64
	fd      int32
}

// landlockABI is the version of Landlock's interface; 0 when there is none.
func landlockABI() int {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, landlockVersion)
	if errno != 0 {
		return 0
	}
	return int(v)
}

// reach is what stays within reach of a process under Landlock.
type reach struct {
	read, write []string // paths, with everything below
	network     bool     // TCP stays free
	others      bool     // signals and abstract sockets to others stay free
}

// landlockRules makes the rules, ready to be put on every thread.
func landlockRules(r reach) (ruleset int, err error) {
	abi := landlockABI()
	if abi == 0 {
		return -1, errNoLandlock
	}
	attr := landlockRuleset{fs: accessFirst}
	size := unsafe.Sizeof(attr.fs)
	for version, right := range map[int]uint64{versionRefer: accessRefer, versionTruncate: accessTruncate, versionIoctl: accessIoctl} {
		if abi >= version {
			attr.fs |= right
		}
	}
	if abi >= versionNet {
		size += unsafe.Sizeof(attr.net)
		if !r.network {
			attr.net = accessNet
		}
	}
	if abi >= versionScoped {
		size += unsafe.Sizeof(attr.scoped)
		if !r.others {
			attr.scoped = scopedAll
		}
	}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return -1, fmt.Errorf("landlock: %w", errno)
	}
	if err := landlockPaths(int(fd), attr.fs, r); err != nil {
		_ = unix.Close(int(fd)) // the other error is the one that matters
		return -1, err
	}
	return int(fd), nil
}

func landlockPaths(ruleset int, handled uint64, r reach) error {
	for _, p := range r.read {
		if err := landlockPathRuleOf(ruleset, p, handled&accessRead); err != nil {
			return err
		}
	}
	for _, p := range r.write {
		if err := landlockPathRuleOf(ruleset, p, handled&(accessRead|accessWrite|accessChange|accessRefer|accessTruncate)); err != nil {
			return err
		}
	}
	return nil
}

func landlockPathRuleOf(ruleset int, path string, allowed uint64) error {
	f, err := os.OpenFile(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil // what is not there needs no rule
	}
	if err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	if !info.IsDir() {
		allowed &= accessOfFile
	}
	attr := landlockPath{allowed, int32(f.Fd())}
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), landlockPathRule, uintptr(unsafe.Pointer(&attr)), 0, 0, 0); errno != 0 {
		return fmt.Errorf("landlock: allow %s: %w", path, errno)
	}
	return nil
}

// enterLandlock puts the rules on all threads. no_new_privs must be in force on each.
func enterLandlock(r reach) error {
	ruleset, err := landlockRules(r)
	if err != nil {
		return err
	}
	defer unix.Close(ruleset)
	if _, _, errno := syscall.AllThreadsSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(ruleset), 0, 0); errno != 0 {
		return fmt.Errorf("landlock: %w", threadsError(errno))
	}
	return nil
}

// errCgo says that a build with cgo cannot change all of its threads.
var errCgo = errors.New("this program was built with cgo, which cannot change all of its threads")

func threadsError(errno syscall.Errno) error {
	if errno == syscall.ENOTSUP {
		return errCgo
	}
	return errno
}
