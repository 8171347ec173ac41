//go:build !race

package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"konklave/client"
	"konklave/signalling"
)

// How the kill tests go. E2E_KILLS makes them longer.
const (
	killsShort = 10 // of workers
	killsFew   = 5  // of what takes longer and longer to be started again
	killsSlow  = 2  // of what takes a while to die
	talkers    = 10
	killWithin = 300 * time.Millisecond // a kill comes at a random moment of that span, after everybody was heard again
	killTime   = 60 * time.Second       // that one kill and all that follows may take
)

// talker is a client that chats as fast as it may, and remembers what it was promised and what it saw.
type talker struct {
	name    string
	session *client.Conference
	heard   atomic.Int64 // messages acknowledged

	mu    sync.Mutex // guards what follows
	acked []string   // texts, in the order of sending
	seen  []string   // texts, in the order of arrival
	ids   map[string]bool
	seq   int64 // of the newest welcome
	fault string
}

func (k *talker) failed(format string, args ...any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fault == "" {
		k.fault = fmt.Sprintf(format, args...)
	}
}

// talk sends until ctx ends; the last message may stay unanswered.
func (k *talker) talk(ctx context.Context) {
	pace := rate.NewLimiter(signalling.CommandRate-1, 1)
	for i := 1; pace.Wait(ctx) == nil; i++ {
		text := fmt.Sprintf("%s %d", k.name, i)
		if err := k.session.Chat(ctx, text); err != nil {
			if ctx.Err() == nil {
				k.failed("%s was not taken: %v", text, err)
			}
			return
		}
		k.mu.Lock()
		k.acked = append(k.acked, text)
		k.mu.Unlock()
		k.heard.Add(1)
	}
}

// listen takes what comes, and comes back when the connection is lost, until ctx ends and everything has arrived.
func (k *talker) listen(ctx context.Context) {
	for {
		select {
		case e := <-k.session.Events():
			k.take(e)
		case <-k.session.Lost():
			for more := true; more; { // what came before the end
				select {
				case e := <-k.session.Events():
					k.take(e)
				default:
					more = false
				}
			}
			if !k.comeBack(ctx) {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (k *talker) comeBack(ctx context.Context) bool {
	again := rate.NewLimiter(rate.Every(10*time.Millisecond), 1)
	for again.Wait(ctx) == nil {
		err := k.session.Resume(ctx)
		if err == nil {
			k.welcome(k.session.Welcome())
			return true
		}
		var over *client.Goodbye
		if errors.As(err, &over) && !over.Passing() {
			k.failed("could not come back: %v", err)
			return false
		}
	}
	return false
}

func (k *talker) take(e client.Event) {
	if e.Kind != "chat.message" {
		return
	}
	k.mu.Lock()
	repeated := k.ids[e.Message.ID]
	k.mu.Unlock()
	if repeated {
		k.failed("message %q came twice", e.Message.Text)
		return
	}
	k.add(*e.Message)
}

func (k *talker) add(m client.ChatMessage) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.ids[m.ID] {
		k.ids[m.ID] = true
		k.seen = append(k.seen, m.Text)
	}
}

// welcome takes a fresh view over, if the last welcome was one: it goes on where the events ended.
func (k *talker) welcome(w client.Welcome) {
	if w.Seq == k.seq {
		return
	}
	k.seq = w.Seq
	chat := w.State.Chat
	k.mu.Lock()
	joint := len(k.seen) == 0
	for _, m := range chat {
		joint = joint || k.ids[m.ID]
	}
	k.mu.Unlock()
	if !joint && len(chat) > 0 {
		k.failed("a fresh view has none of the messages seen before")
	}
	for _, m := range chat {
		k.add(m)
	}
}

func kills(short int) int {
	n, err := strconv.Atoi(os.Getenv("E2E_KILLS"))
	if err != nil || n < 1 {
		return short
	}
	return n
}

// TestKills takes nothing away that was acknowledged: it kills processes at random moments while ten people chat at full speed.
func TestKills(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		verbs []string
		kill  killing
		kills int
	}{
		{"worker", []string{"conference"}, by(syscall.SIGKILL), kills(killsShort)},
		{"controller", []string{"controller"}, by(syscall.SIGKILL), kills(killsFew)},
		{"both", []string{"conference", "controller"}, by(syscall.SIGKILL), kills(killsFew)},
		{"panic", []string{"conference"}, by(syscall.SIGABRT), kills(killsFew)}, // which ends a Go program as one does
		{"memory", []string{"conference"}, squeezed, kills(killsSlow)},
	} {
		t.Run(tt.name, func(t *testing.T) { killAndCount(t, tt.verbs, tt.kill, tt.kills) })
	}
}

// killing ends a process of the server.
type killing func(ctx context.Context, t *testing.T, s *server, pid int)

func by(signal syscall.Signal) killing {
	return func(_ context.Context, _ *testing.T, _ *server, pid int) {
		_ = syscall.Kill(pid, signal) // one that is just being started again is not there
	}
}

func killAndCount(t *testing.T, verbs []string, kill killing, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience+time.Duration(n)*killTime)
	defer cancel()
	s := start(ctx, t, t.TempDir(), "--conference-restarts", "1000")
	m, err := s.admin(ctx).CreateMeeting(ctx, client.MeetingChange{})
	if err != nil {
		t.Fatal(err)
	}
	var crowd []*talker
	for i := range talkers {
		name := fmt.Sprint("Guest ", i)
		k := &talker{name: name, session: join(ctx, t, s.client(), m.Link, name), ids: map[string]bool{}}
		k.seq = k.session.Welcome().Seq
		crowd = append(crowd, k)
	}
	talking, quiet := context.WithCancel(ctx)
	listening, deaf := context.WithCancel(ctx)
	var talk, listen sync.WaitGroup
	for _, k := range crowd {
		talk.Go(func() { k.talk(talking) })
		listen.Go(func() { k.listen(listening) })
	}
	for i := range n {
		everybodyIsHeard(ctx, t, crowd, i)
		<-time.After(rand.N(killWithin)) // a random moment, not a secret
		for _, verb := range verbs {
			for _, pid := range s.pids(verb) {
				kill(ctx, t, s, pid)
			}
		}
	}
	everybodyIsHeard(ctx, t, crowd, n)
	quiet()
	talk.Wait()
	chat := theWholeChat(ctx, t, s, m.Link, crowd)
	deaf()
	listen.Wait()
	compare(t, crowd, chat)
}

// everybodyIsHeard waits until each has two more messages acknowledged than now: the second was sent after now.
func everybodyIsHeard(ctx context.Context, t *testing.T, crowd []*talker, kill int) {
	t.Helper()
	began := time.Now()
	for _, k := range crowd {
		goal := k.heard.Load() + 2
		for k.heard.Load() < goal {
			k.mu.Lock()
			fault := k.fault
			k.mu.Unlock()
			if fault != "" || ctx.Err() != nil || time.Since(began) > killTime {
				t.Fatalf("%s is not heard %v after kill %d: %s", k.name, time.Since(began).Round(time.Millisecond), kill, fault)
			}
			<-time.After(time.Millisecond)
		}
	}
}

// theWholeChat waits until everybody has seen one last message, and returns the texts of the chat's end as a newcomer sees it.
func theWholeChat(ctx context.Context, t *testing.T, s *server, link string, crowd []*talker) []string {
	t.Helper()
	witness := join(ctx, t, s.client(), link, "Witness")
	if err := witness.Chat(ctx, "the end"); err != nil {
		t.Fatal(err)
	}
	for _, k := range crowd {
		for {
			k.mu.Lock()
			last, fault := k.seen[len(k.seen)-1], k.fault
			k.mu.Unlock()
			if last == "the end" {
				break
			}
			if fault != "" || ctx.Err() != nil {
				t.Fatalf("%s never saw the end, but %q; %s", k.name, last, fault)
			}
			<-time.After(time.Millisecond)
		}
	}
	var chat []string
	for _, m := range witness.Welcome().State.Chat {
		chat = append(chat, m.Text)
	}
	return append(chat, "the end")
}

// compare holds what everybody was promised against what everybody saw.
func compare(t *testing.T, crowd []*talker, chat []string) {
	t.Helper()
	total := 0
	first := crowd[0]
	for _, k := range crowd {
		if k.fault != "" {
			t.Errorf("%s: %s", k.name, k.fault)
		}
		if !slices.Equal(k.seen, first.seen) {
			t.Errorf("%s and %s have seen different chats, of %d and %d messages", k.name, first.name, len(k.seen), len(first.seen))
		}
		var own []string
		for _, text := range k.seen {
			if strings.HasPrefix(text, k.name+" ") {
				own = append(own, text)
			}
		}
		if extra := len(own) - len(k.acked); extra < 0 || extra > 1 || !slices.Equal(own[:len(k.acked)], k.acked) {
			t.Errorf("%s was promised %d messages, %d are in the chat", k.name, len(k.acked), len(own))
		}
		total += len(k.acked)
	}
	if tail := first.seen[max(0, len(first.seen)-len(chat)):]; !slices.Equal(tail, chat) {
		t.Errorf("a newcomer sees another chat")
	}
	if !t.Failed() {
		t.Logf("%d messages were acknowledged, none was lost, duplicated or reordered", total)
	}
}
