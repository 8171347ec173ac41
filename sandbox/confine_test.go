package sandbox_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

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
	unix := listen(t, "unix", filepath.Join(dir, "worker.sock"))
	allowed := []string{"read " + readable, "write " + dir + "/new", "read " + dir + "/new", "connect tcp " + tcp, "connect unix " + unix, "listen", "udp " + tcp}
	me := strconv.Itoa(os.Getpid())
	refused := []string{
		"read " + outside, "read /etc/passwd", "list /", "write " + outside, "write " + readable, "exec", "execfd", "fork", "ptrace " + me, "vmread " + me,
		"mount", "unshare", "setns", "chroot /", "bpf", "keyctl", "io_uring", "perf",
	}
	cmd := exec.CommandContext(t.Context(), hostileFile, dir, open)
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
