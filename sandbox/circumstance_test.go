package sandbox_test

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The circumstances under which tests run again, in a copy of this one.
const (
	circumstance   = "KONKLAVE_TEST_CIRCUMSTANCE"
	ordinary       = "ordinary user"
	ordinaryNoUser = "ordinary user without user namespaces"
	rootNoUser     = "root without user namespaces"
	rootInUser     = "root of a user namespace"
	filtered       = "under a filter of somebody else"
	filteredAlone  = "under a filter of somebody else that admits no other"
)

// namespacesMax is the file of the kernel that says how many user namespaces there may be in this one.
const namespacesMax = "/proc/sys/user/max_user_namespaces"

// change makes the circumstances true for this copy of the test.
func change() error {
	switch os.Getenv(circumstance) {
	case rootNoUser: // this copy is in a user namespace, for which alone the setting holds
		return os.WriteFile(namespacesMax, []byte("0"), 0o644) // a file of the kernel
	case ordinaryNoUser:
		if err := os.WriteFile(namespacesMax, []byte("0"), 0o644); err != nil { // as well
			return err
		}
		return errors.Join(syscall.Setgroups(nil), syscall.Setresgid(nobody, nobody, nobody), syscall.Setresuid(nobody, nobody, nobody))
	case filtered:
		return refuseCall(unix.SYS_REBOOT)
	case filteredAlone:
		return refuseCall(unix.SYS_SECCOMP)
	}
	return nil
}

// refuseCall puts a filter on all threads, as a container's runtime does, which lets everything through but one system call.
func refuseCall(number uint32) error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: number, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return errno
	}
	if thread != 0 {
		return errors.New("a thread has another filter")
	}
	return nil
}

// all are the tests that hold under every circumstance.
const all = "Layer|Probe|Strict|Escape"

// again runs tests in a copy of this one.
func again(t *testing.T, what, which string) {
	t.Helper()
	if os.Geteuid() != 0 || os.Getenv(circumstance) != "" {
		t.Skip("needs root, and is not for the copies")
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.v", "-test.run="+which)
	cmd.Env = append(os.Environ(), hostileBuilt+"="+hostileFile, circumstance+"="+what, "HOME=/nonexistent")
	switch what {
	case ordinary:
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	case ordinaryNoUser, rootNoUser, rootInUser:
		ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1 << 16}}
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true}
	}
	out, err := cmd.CombinedOutput()
	t.Logf("as %s:\n%s", what, out)
	if err != nil {
		t.Error(err)
	}
}

func TestAsAnOrdinaryUser(t *testing.T)                      { again(t, ordinary, all) }
func TestAsAnOrdinaryUserWithoutUserNamespaces(t *testing.T) { again(t, ordinaryNoUser, all) }
func TestAsRootWithoutUserNamespaces(t *testing.T)           { again(t, rootNoUser, all) }

// What somebody else filters neither counts as ours nor is in its way.
func TestUnderTheFilterOfAContainer(t *testing.T) { again(t, filtered, "Layer|Probe|Strict|Confined") }

// What somebody else filters does not count as ours where ours is refused.
func TestUnderAFilterThatAdmitsNoOther(t *testing.T) { again(t, filteredAlone, "Inherited") }

// The kernel's limit of user namespaces is reached for a while.
func TestWhileThereAreTooManyUserNamespaces(t *testing.T) { again(t, rootInUser, "TooMany") }
