package sandbox_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"konklave/sandbox"
)

// TestConfinedProcessKeepsItsPathsAndTheNetwork: front and controller do their work and nothing else.
func TestConfinedProcessKeepsItsPathsAndTheNetwork(t *testing.T) {
	dir, open := t.TempDir(), t.TempDir()
	readable := filepath.Join(open, "certificate")
	if err := os.WriteFile(readable, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(outside, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	tcp := listen(t, "tcp", "127.0.0.1:0")
	local := listen(t, "unix", filepath.Join(dir, "worker.sock"))
	allowed := []string{"read " + readable, "write " + dir + "/new", "read " + dir + "/new", "connect tcp " + tcp, "connect unix " + local, "listen", "udp " + tcp}
	me := strconv.Itoa(os.Getpid())
	refused := []string{
		"read " + outside, "read /etc/passwd", "list /", "write " + outside, "write " + readable, "exec", "execfd", "fork", "ptrace " + me, "vmread " + me,
		"mount", "unshare", "setns", "chroot /", "bpf", "keyctl", "io_uring", "perf",
	}
	confined(t, allowed, refused, dir, open)
}

// TestConfinedAloneHasNoNetwork: the signer is reached over the unix socket that it was given, and reaches nobody.
func TestConfinedAloneHasNoNetwork(t *testing.T) {
	dir := t.TempDir()
	tcp := listen(t, "tcp", "127.0.0.1:0")
	allowed := []string{"write " + dir + "/new", "read " + dir + "/new", "connect unix " + listen(t, "unix", filepath.Join(dir, "notify.sock"))}
	refused := []string{
		"connect tcp " + tcp, "listen", "udp " + tcp, "exec", "read /etc/passwd",
		socketWords(unix.AF_INET, unix.SOCK_STREAM, 0), socketWords(unix.AF_INET6, unix.SOCK_DGRAM, 0), socketWords(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP),
		socketWords(unix.AF_NETLINK, unix.SOCK_RAW, 0), socketWords(unix.AF_PACKET, unix.SOCK_RAW, 0), socketWords(unix.AF_VSOCK, unix.SOCK_STREAM, 0), socketWords(unix.AF_ALG, unix.SOCK_SEQPACKET, 0),
	}
	confined(t, allowed, refused, dir, "alone")
}

// confined has a process confine itself and try what is allowed, and what is refused.
func confined(t *testing.T, allowed, refused []string, words ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), hostileFile, words...)
	cmd.Stdin = strings.NewReader(strings.Join(append(append([]string{}, allowed...), refused...), "\n") + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	said := map[string]string{}
	for line := range strings.SplitSeq(string(out), "\n") {
		if layer, ok := strings.CutPrefix(line, "layer "); ok {
			name, rest, _ := strings.Cut(layer, " ")
			if why := lack(sandbox.Layer(name)); !strings.HasPrefix(rest, "true") && why == "" {
				t.Errorf("%s is not in force: %s", name, rest)
			}
			continue
		}
		if attack, result, ok := strings.Cut(line, ": "); ok {
			said[attack] = result
		}
	}
	for _, a := range allowed {
		if !strings.HasPrefix(said[a], "got: ") {
			t.Errorf("%s: %s", a, said[a])
		}
	}
	for _, a := range refused {
		if !strings.HasPrefix(said[a], "refused: ") {
			t.Errorf("%s: %q", a, said[a])
		}
	}
}
