//go:build !race

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"konklave/client"
)

// crowd is how many people join at once.
const crowd = 500

// open takes the rate limits out of the way: all clients of a test come from one address.
func open(more ...string) []string {
	return append([]string{
		"--limits-source-rate", "100000", "--limits-source-burst", "100000",
		"--limits-session-rate", "100000", "--limits-session-burst", "100000",
	}, more...)
}

// persist joins as a browser does: a refusal that says "later" is followed by another attempt.
func persist(ctx context.Context, c *client.Client, link, name string) (*client.Conference, error) {
	pause := 50 * time.Millisecond
	for {
		session, err := attempt(ctx, c, link, name)
		if err == nil || ctx.Err() != nil || final(err) {
			return session, err
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, time.Second)
		case <-ctx.Done():
		}
	}
}

func attempt(ctx context.Context, c *client.Client, link, name string) (*client.Conference, error) {
	a, err := c.Join(ctx, link, client.JoinRequest{Name: name})
	if err != nil {
		return nil, err
	}
	return c.Connect(ctx, a)
}

// final reports whether another attempt would be refused too.
func final(err error) bool {
	var p *client.Problem
	return errors.As(err, &p) && p.Status != http.StatusServiceUnavailable && p.Status != http.StatusTooManyRequests
}

func TestFiveHundredJoinAtOnce(t *testing.T) {
	ctx := within(t, patience)
	s := start(ctx, t, reachable(t), open("--conference-max-participants", strconv.Itoa(crowd+2))...)
	admin, link := s.meeting(ctx)
	host := join(ctx, t, admin, link, "")
	seen := make(chan error, 1)
	go func() {
		for range crowd {
			if _, err := host.Await(ctx, "participant.joined"); err != nil {
				seen <- err
				return
			}
		}
		seen <- nil
	}()
	sessions := make([]*client.Conference, crowd)
	var all sync.WaitGroup
	for i := range sessions {
		all.Go(func() {
			var err error
			if sessions[i], err = persist(ctx, s.client(), link, fmt.Sprintf("Guest %d", i)); err != nil {
				t.Errorf("guest %d: %v", i, err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	if err := <-seen; err != nil {
		t.Fatalf("the host did not see all of them come: %v", err)
	}
	if err := sessions[crowd/2].Chat(ctx, "we are all here"); err != nil {
		t.Fatal(err)
	}
	for _, session := range append(sessions, host) {
		if e, err := session.Await(ctx, "chat.message"); err != nil || e.Message.Text != "we are all here" {
			t.Fatalf("%+v, %v", e, err)
		}
	}
	if _, err := persist(ctx, s.client(), link, "The last place"); err != nil {
		t.Errorf("the last place: %v", err)
	}
	var refused *client.Goodbye
	late, err := s.client().Join(ctx, link, client.JoinRequest{Name: "One too many"})
	if err == nil {
		_, err = s.client().Connect(ctx, late)
	}
	if !errors.As(err, &refused) || refused.Code != "conference.full" {
		t.Errorf("one too many: %v", err)
	}
}

// One participant floods everything that he can reach; a neighbour in the same conference and one in another go on.
func TestA52A57AFloodingParticipantStopsNobodyElse(t *testing.T) {
	ctx := within(t, patience)
	s := start(ctx, t, reachable(t), open()...)
	admin, link := s.meeting(ctx)
	link2 := newMeeting(ctx, t, admin)
	anna, ben := join(ctx, t, s.client(), link, "Anna"), join(ctx, t, s.client(), link, "Ben")
	cleo, dora := join(ctx, t, s.client(), link2, "Cleo"), join(ctx, t, s.client(), link2, "Dora")

	flood, dry := context.WithCancel(ctx)
	var floods sync.WaitGroup
	mallory := join(ctx, t, s.client(), link, "Mallory")
	floods.Go(func() { // chat, and back in whenever he is thrown out
		for n := 0; flood.Err() == nil; n++ {
			if err := mallory.Chat(flood, fmt.Sprint("spam ", n)); err != nil {
				select {
				case <-mallory.Lost():
					_ = mallory.Resume(flood) // the next round tells
				default:
				}
			}
		}
	})
	floods.Go(func() { // joins, each with a connection that is left to itself
		for n := 0; flood.Err() == nil; n++ {
			if session, err := attempt(flood, s.client(), link, fmt.Sprint("Mallory ", n)); err == nil {
				session.Drop()
			}
		}
	})
	floods.Go(func() { // connections that say nothing
		for flood.Err() == nil {
			if c, err := net.Dial("tcp", strings.TrimPrefix(s.address, "http://")); err == nil {
				_, _ = c.Write([]byte("GET /conference/none/signalling HTTP/1.1\r\n")) // and no more
				_ = c.Close()
			}
		}
	})
	for n := range 20 {
		chats(ctx, t, anna, ben, fmt.Sprint("calm ", n))
		chats(ctx, t, cleo, dora, fmt.Sprint("calm ", n))
	}
	dry()
	floods.Wait()
	chats(ctx, t, anna, ben, "afterwards")
}
