package signing_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit/checkpoint"
	"konklave/audit/signer"
	"konklave/audit/signing"
	"konklave/audit/tree"
)

// patience bounds a wait for something that must happen.
const patience = 30 * time.Second

// desk is a signer behind its socket, and the log that it signs.
type desk struct {
	path   string
	client *signing.Client
	log    signer.Log
	tree   *tree.Memory
	size   int64
	denied atomic.Bool // nobody may ask
	server *signing.Server
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	dir, err := os.MkdirTemp("", "sig") // short: socket paths have a limit
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	d := &desk{path: filepath.Join(dir, "signer.sock"), tree: &tree.Memory{}}
	held, err := signer.OpenDirectory(filepath.Join(dir, "signer"), "meet.example.org", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = held.Close() })
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: d.path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	d.log, d.client = held.Log, signing.NewClient(d.path)
	d.server = &signing.Server{Signer: held.Signer(), Log: held.Log, Logger: slog.New(slog.DiscardHandler), Admit: func(*net.UnixConn) error {
		if d.denied.Load() {
			return errors.New("somebody else")
		}
		return nil
	}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.server.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	d.grow(t, 5)
	return d
}

// grow adds entries to the log.
func (d *desk) grow(t *testing.T, n int) {
	t.Helper()
	hashes := make([]tlog.Hash, n)
	for i := range hashes {
		hashes[i] = tlog.RecordHash([]byte{byte(i), byte(i >> 8), byte(d.size)})
	}
	f, err := tree.Append(t.Context(), d.tree, d.size, hashes)
	if err != nil {
		t.Fatal(err)
	}
	d.size = f.Size()
}

// request is for the log as it is.
func (d *desk) request(t *testing.T, last int64) signer.Request {
	t.Helper()
	root, err := tree.Root(t.Context(), d.tree, d.size)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := tree.ProveGrowth(t.Context(), d.tree, d.size, last)
	if err != nil {
		t.Fatal(err)
	}
	return signer.Request{Size: d.size, Root: root, Proof: proof}
}

// signs has the log signed and checks what comes.
func (d *desk) signs(t *testing.T) {
	t.Helper()
	state, err := d.client.Log(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := d.request(t, state.Last.Size)
	note, err := d.client.Sign(t.Context(), d.log.Origin, r)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := checkpoint.NewTrust([]string{state.Key}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := trust.Open(note); err != nil || c.Size != r.Size || c.Root != r.Root {
		t.Errorf("signed %+v, %v", c, err)
	}
}

// last is what was signed last.
func (d *desk) last(t *testing.T) checkpoint.Checkpoint {
	t.Helper()
	c, err := d.server.Signer.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheSignerTellsWhichLogItSignsAndSignsIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	state, err := d.client.Log(t.Context())
	if err != nil || state.Origin != d.log.Origin || state.Key != d.log.Key || state.Begun != signer.ByStart || state.Last.Size != 0 || state.Last.Root != (tree.Frontier{}).Root() {
		t.Fatalf("%+v, %v", state, err)
	}
	d.signs(t)
	d.grow(t, 1000)
	d.signs(t)
	if state, err = d.client.Log(t.Context()); err != nil || state.Last != d.last(t) || state.Last.Size != d.size {
		t.Errorf("%+v, %v", state, err)
	}
}

func TestL5L6ARefusalArrivesAsSuch(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.signs(t)
	last := d.last(t)
	fork := d.request(t, 0)
	fork.Root[0]++
	unproven := d.request(t, 0)
	unproven.Size++
	for name, test := range map[string]struct {
		ask  signer.Request
		want error
	}{
		"rollback": {signer.Request{Size: last.Size - 1, Root: fork.Root}, signer.ErrRollback},
		"fork":     {fork, signer.ErrFork},
		"growth":   {unproven, signer.ErrGrowth},
	} {
		_, err := d.client.Sign(t.Context(), d.log.Origin, test.ask)
		var refused *signer.InconsistentError
		if !errors.Is(err, test.want) || !errors.As(err, &refused) || refused.Last != last || refused.Asked.Size != test.ask.Size {
			t.Errorf("%s: %v", name, err)
		}
	}
	if d.last(t) != last {
		t.Error("something was signed")
	}
}

// raw sends a message and returns the answer; empty when there is none.
func (d *desk) raw(t *testing.T, message string) string {
	t.Helper()
	conn, err := net.Dial("unixpacket", d.path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience)) // an error of it shows below
	if _, err := conn.Write([]byte(message)); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, signing.MessageMax)
	n, _ := conn.Read(buffer) // the end is an answer too
	return string(buffer[:n])
}

func TestWhatIsNoQuestionIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	root := strings.Repeat("A", 43) + "="
	proof := func(n int) string { return `["` + root + strings.Repeat(`","`+root, n-1) + `"]` }
	fill := func(size int) string {
		return `{"v":1,"verb":"log"` + strings.Repeat(" ", size-len(`{"v":1,"verb":"log"}`)) + `}`
	}
	for message, want := range map[string]string{
		`{"v":1,"verb":"log"}`:          `"origin":`,
		fill(signing.MessageMax):        `"origin":`,
		fill(signing.MessageMax + 1):    `"message"`,
		strings.Repeat("x", 100_000):    `"message"`,
		`{"v":2,"verb":"log"}`:          `"version"`,
		`{"verb":"log"}`:                `"version"`,
		`{"v":1,"verb":"log","x":1}`:    `"message"`,
		`{"v":1,"v":1,"verb":"log"}`:    `"message"`,
		`{"v":1,"verb":"log"}{}`:        `"message"`,
		`{"v":1,"verb":"LOG"}`:          `"message"`,
		`{"v":1,"verb":"key"}`:          `"message"`,
		`{"v":1,"verb":"log","size":1}`: `"message"`,
		"\xff":                          `"message"`,
		`null`:                          `"version"`,
		`{"v":1,"verb":"sign"}`:         `"message"`,
		`{"v":1,"verb":"sign","size":-1,"root":"` + root + `"}`:                                          `"message"`,
		`{"v":1,"verb":"sign","size":1e400,"root":"` + root + `"}`:                                       `"message"`,
		`{"v":1,"verb":"sign","size":562949953421312,"root":"` + root + `"}`:                             `"message"`,
		`{"v":1,"verb":"sign","size":1,"root":"` + root[1:] + `"}`:                                       `"message"`,
		`{"v":1,"verb":"sign","size":1,"root":"` + root + `","proof":["` + root[2:] + `"]}`:              `"message"`,
		`{"v":1,"verb":"sign","size":1,"root":"` + root + `","proof":` + proof(signing.ProofMax+1) + `}`: `"message"`,
		`{"v":1,"verb":"sign","size":1,"root":"` + root + `","proof":` + proof(signing.ProofMax) + `}`:   `"growth"`,
	} {
		if got := d.raw(t, message); !strings.Contains(got, want) {
			t.Errorf("%.100q: %q, want %s", message, got, want)
		}
	}
	if d.last(t).Size != 0 {
		t.Error("something was signed")
	}
	d.signs(t)
}

// A flood of strangers, and of peers that say nothing, keeps nobody from a signature for long.
func TestAFloodSlowsNobody(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.denied.Store(true)
	var open sync.WaitGroup
	for range 200 {
		open.Go(func() {
			conn, err := net.Dial("unixpacket", d.path)
			if err != nil {
				return // the queue is full
			}
			defer conn.Close()
			_, _ = conn.Write([]byte(`{"v":1,"verb":"sign"}`)) // it may be gone already
			if n, _ := conn.Read(make([]byte, 100)); n > 0 {
				t.Error("a stranger got an answer")
			}
		})
	}
	open.Wait()
	d.denied.Store(false)
	for range signing.ExchangesMax - 1 {
		silent, err := net.Dial("unixpacket", d.path)
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
	}
	began := time.Now()
	d.signs(t)
	if took := time.Since(began); took > signing.ExchangeMax {
		t.Errorf("a signature beside silent peers took %v", took)
	}
}

// As many silent peers as there are places give theirs up in time.
func TestSilentPeersGiveTheirPlacesUp(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for range signing.ExchangesMax {
		conn, err := net.Dial("unixpacket", d.path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if d.raw(t, `{"v":1,"verb":"log"}`) == "" {
		t.Error("no place was given up")
	}
}

func TestASignerThatIsAwayOrMad(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "sig")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	c := signing.NewClient(path)
	if _, err := c.Log(t.Context()); !errors.Is(err, signing.ErrUnavailable) {
		t.Errorf("nobody there: %v", err)
	}
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	says := make(chan string)
	go func() {
		for text := range says {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, signing.MessageMax)) // whatever it is
			_, _ = conn.Write([]byte(text))                    // the test looks at what comes of it
			_ = conn.Close()
		}
	}()
	defer close(says)
	for text, want := range map[string]error{
		"":                                     signing.ErrUnavailable,
		"x":                                    signing.ErrMessage,
		`{"v":9}`:                              signing.ErrVersion,
		`{"v":1,"problem":"no"}`:               signing.ErrState,
		`{"v":1,"problem":"message"}`:          signing.ErrMessage,
		`{"v":1,"problem":"version"}`:          signing.ErrVersion,
		`{"v":1,"origin":"x"}`:                 signing.ErrMessage,
		`{"v":1,"last":{"size":1,"root":"x"}}`: signing.ErrMessage,
		strings.Repeat(" ", signing.MessageMax+1): signing.ErrMessage,
	} {
		says <- text
		if _, err := c.Log(t.Context()); !errors.Is(err, want) {
			t.Errorf("%.50q: %v, want %v", text, err, want)
		}
	}
	says <- `{"v":1,"problem":"rollback"}`
	if _, err := c.Sign(t.Context(), "x", signer.Request{}); !errors.Is(err, signing.ErrMessage) {
		t.Errorf("a refusal that does not say what was signed: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Log(ctx); err == nil {
		t.Error("asked although nobody wants to know")
	}
}
