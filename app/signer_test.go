package app

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"konklave/activation"
	"konklave/audit/signing"
)

// signerOf starts the signer of a house and returns when it serves.
func (h *house) signerOf(t *testing.T, socket *os.File) *exec.Cmd {
	t.Helper()
	pipes, heard, err := activation.Hear()
	must(t, err)
	cmd := exec.Command(os.Args[0], "signer", h.config.Data)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	activation.Pass(cmd, append(pipes, activation.Named{Name: nameLifeline, File: h.lifeline}, activation.Named{Name: nameSigner, File: socket})...)
	must(t, cmd.Start())
	for _, p := range pipes {
		_ = p.File.Close() // the child has its own
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // one that has ended needs none
		_ = cmd.Wait()
	})
	await(t, heard.Ready)
	await(t, heard.Alive)
	return cmd
}

func TestTheSignerIsAProcessThatMayDie(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	socket, err := listenUnixAs("unixpacket", SignerSocket(h.config), 0o600)
	must(t, err)
	defer socket.Close()
	client := signing.NewClient(SignerSocket(h.config))
	first := h.signerOf(t, socket)
	state, err := client.Log(t.Context())
	must(t, err)
	must(t, first.Process.Kill())
	_ = first.Wait() // it was killed
	asked := make(chan error, 1)
	go func() { // waits in the socket until the next one is there
		again, err := client.Log(t.Context())
		if err == nil && again.Key != state.Key {
			err = errors.New("it has another key")
		}
		asked <- err
	}()
	h.signerOf(t, socket)
	if err := await(t, asked); err != nil {
		t.Error(err)
	}
	if os.Geteuid() != 0 {
		return // a stranger cannot be played
	}
	must(t, os.Chmod(h.config.Data, 0o755), os.Chmod(h.config.RunDir(), 0o755), os.Chmod(SignerSocket(h.config), 0o666))
	err = as(hostileUser, hostileUser, func() error {
		conn, err := net.Dial("unixpacket", SignerSocket(h.config))
		if err != nil {
			return err
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))    // an error of it shows below
		_, _ = conn.Write([]byte(`{"v":1,"verb":"log"}`)) // it may be gone already
		if n, err := conn.Read(make([]byte, 100)); n > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			return errors.New("a stranger got an answer, or was kept")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTheSignerUsesNoDirectoryOfOthers(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := enterSignerDir("signer"); err != nil {
		t.Errorf("one that it makes: %v", err)
	}
	t.Chdir(t.TempDir())
	must(t, os.Mkdir("open", 0o700), os.Chmod("open", 0o750))
	if err := enterSignerDir("open"); err == nil || !strings.Contains(err.Error(), "mode 700") {
		t.Errorf("one that others may enter: %v", err)
	}
	if os.Geteuid() != 0 {
		return
	}
	t.Chdir(t.TempDir())
	must(t, os.Mkdir("foreign", 0o700), os.Chown("foreign", hostileUser, hostileUser))
	if err := enterSignerDir("foreign"); err == nil || !strings.Contains(err.Error(), "must belong") {
		t.Errorf("one of another user: %v", err)
	}
}
