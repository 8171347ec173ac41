// Command whole measures the real program from outside: sign-in and REST under load, the memory of its processes with 2, 10
// and 50 participants, what the death of the controller and of a worker costs, and what many idle conferences cost. It starts
// `konklave serve` on loopback with the rate limits out of the way.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/livekit/protocol/livekit"

	"konklave/client"
	"konklave/client/clip"
)

const (
	password   = "correct horse battery staple"
	runLimit   = 20 * time.Minute
	callers    = 8   // at once
	signIns    = 400 // in all, spread over the callers' accounts
	requests   = 4000
	publishers = 3 // of video and sound, in the conferences whose memory is read
)

func main() {
	program := flag.String("program", "bin/konklave", "the program to measure")
	only := flag.String("only", "", "what to measure, separated by commas: requests, memory, controller, worker, idle; all by default")
	o := options{}
	flag.IntVar(&o.kills, "kills", 30, "how often the controller and the worker are killed")
	flag.IntVar(&o.idle, "idle", 200, "how many conferences start at once and stay idle")
	flag.Parse()
	if err := run(*program, *only, o); err != nil {
		fmt.Fprintln(os.Stderr, "whole:", err)
		os.Exit(1)
	}
}

// options are the sizes of what is measured.
type options struct{ kills, idle int }

func run(program, only string, o options) error {
	ctx, cancel := context.WithTimeout(context.Background(), runLimit)
	defer cancel()
	s, err := start(program)
	if err != nil {
		return err
	}
	defer s.stop()
	admin, err := client.New(s.address)
	if err != nil {
		return err
	}
	if _, err := admin.Setup(ctx, client.FirstUser{Token: s.setup, Email: "admin@example.org", Name: "Admin", Password: password}); err != nil {
		return err
	}
	measurements := []measurement{
		{"requests", func() error { return measureRequests(ctx, s, admin) }},
		{"memory", func() error { return measureMemory(ctx, s, admin) }},
		{"controller", func() error { return measureControllerDeaths(ctx, s, admin, o.kills) }},
		{"worker", func() error { return measureWorkerDeaths(ctx, s, admin, o.kills) }},
		{"idle", func() error { return measureIdle(ctx, s, admin, o.idle) }},
	}
	chosen, err := choose(measurements, only)
	if err != nil {
		return err
	}
	for _, m := range chosen {
		if err := m.measure(); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

// measurement is one part of what is measured.
type measurement struct {
	name    string
	measure func() error
}

// choose returns those that are named, separated by commas, and all when none is.
func choose(all []measurement, only string) ([]measurement, error) {
	if only == "" {
		return all, nil
	}
	var chosen []measurement
	for name := range strings.SplitSeq(only, ",") {
		at := slices.IndexFunc(all, func(m measurement) bool { return m.name == name })
		if at < 0 {
			return nil, fmt.Errorf("there is no measurement %q", name)
		}
		chosen = append(chosen, all[at])
	}
	return chosen, nil
}

// server is the program under measurement.
type server struct {
	cmd     *exec.Cmd
	dir     string
	address string
	setup   string
}

func start(program string) (*server, error) {
	dir, err := os.MkdirTemp("", "konklave-bench-")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir}
	s.cmd = exec.Command(program, "serve", "--listen", "127.0.0.1:0", "--data", dir, "--log-level", "error", //nolint:noctx // stopped in order by stop
		"--limits-source-rate", "1000000", "--limits-source-burst", "1000000", "--limits-session-rate", "1000000", "--limits-session-burst", "1000000",
		"--conference-restarts", "1000")
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for s.setup == "" && lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if at, ok := strings.CutPrefix(line, "Konklave is running at "); ok {
			s.address = at
		}
		if _, token, ok := strings.Cut(line, "/setup#"); ok {
			s.setup = token
		}
	}
	if s.setup == "" {
		s.stop()
		return nil, errors.New("the server did not start")
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // a full pipe must not stop it
	return s, nil
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // one that has just ended needs none
	_ = s.cmd.Wait()                          // its status is of no interest here
	_ = os.RemoveAll(s.dir)
}

// timed runs n tasks on the callers and prints the spread of their times.
func timed(what string, n int, task func(caller int) error) error {
	var mu sync.Mutex
	var times []time.Duration
	var failed error
	var all sync.WaitGroup
	began := time.Now()
	for c := range callers {
		all.Go(func() {
			for range n / callers {
				at := time.Now()
				err := task(c)
				mu.Lock()
				times, failed = append(times, time.Since(at)), errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if failed != nil {
		return failed
	}
	took := time.Since(began)
	slices.Sort(times)
	at := func(part float64) time.Duration {
		return times[int(part*float64(len(times)-1))].Round(10 * time.Microsecond)
	}
	fmt.Printf("%-40s p50 %v, p99 %v, max %v; %.0f/s, %d callers, n=%d\n", what, at(0.5), at(0.99), at(1), float64(n)/took.Seconds(), callers, len(times))
	return nil
}

func measureRequests(ctx context.Context, s *server, admin *client.Client) error {
	people := make([]*client.Client, callers)
	for i := range people {
		email := fmt.Sprintf("user%d@example.org", i)
		if _, err := admin.CreateUser(ctx, client.NewUser{Email: email, Name: "User", Password: password}); err != nil {
			return err
		}
		c, err := client.New(s.address)
		if err != nil {
			return err
		}
		people[i] = c
	}
	err := timed("sign-in (argon2id, 19 MiB)", signIns, func(i int) error {
		_, err := people[i].SignIn(ctx, fmt.Sprintf("user%d@example.org", i), password)
		return err
	})
	if err != nil {
		return err
	}
	if err := timed("GET session", requests, func(i int) error { _, err := people[i].Session(ctx); return err }); err != nil {
		return err
	}
	if err := timed("POST meetings (one durable write)", requests/4, func(i int) error {
		_, err := people[i].CreateMeeting(ctx, client.MeetingChange{})
		return err
	}); err != nil {
		return err
	}
	return timed("GET meetings (100 of them)", requests/4, func(i int) error { _, err := people[i].Meetings(ctx); return err })
}

func measureMemory(ctx context.Context, s *server, admin *client.Client) error {
	for _, n := range []int{2, 10, 50} {
		if err := measureConference(ctx, s, admin, n); err != nil {
			return fmt.Errorf("%d participants: %w", n, err)
		}
	}
	return nil
}

// measureConference fills a conference with n people, of whom some publish and all receive, and reads the memory.
func measureConference(ctx context.Context, s *server, admin *client.Client, n int) error {
	m, err := admin.CreateMeeting(ctx, client.MeetingChange{})
	if err != nil {
		return err
	}
	var host *client.Conference
	for i := range n {
		session, p, err := enter(ctx, s, admin, m.Link, i)
		if err != nil {
			return err
		}
		if i == 0 {
			host = session
		}
		defer p.Close()
		if err := receiveAll(ctx, p, min(i, publishers)); err != nil {
			return err
		}
	}
	for _, verb := range []string{"controller", "conference"} {
		own, share, err := memoryOf(s.cmd.Process.Pid, verb)
		if err != nil {
			return err
		}
		fmt.Printf("memory of %-11s with %2d participants: %5.1f MiB of its own, %5.1f MiB with its share\n", verb, n, own, share)
	}
	return host.End(ctx)
}

func enter(ctx context.Context, s *server, admin *client.Client, link string, i int) (*client.Conference, *client.Participant, error) {
	c, request := admin, client.JoinRequest{}
	if i > 0 {
		guest, err := client.New(s.address)
		if err != nil {
			return nil, nil, err
		}
		c, request.Name = guest, fmt.Sprint("Guest ", i)
	}
	a, err := c.Join(ctx, link, request)
	if err != nil {
		return nil, nil, err
	}
	session, err := c.Connect(ctx, a)
	if err != nil {
		return nil, nil, err
	}
	go drain(ctx, session)
	if i >= publishers {
		p, err := session.JoinMedia(ctx, client.ParticipantOptions{})
		return session, p, err
	}
	p, err := publish(ctx, session)
	return session, p, err
}

// drain takes events until the connection is lost.
func drain(ctx context.Context, session *client.Conference) {
	for {
		if _, err := session.Next(ctx); err != nil {
			return
		}
	}
}

// publish joins the media of a session with picture and sound.
func publish(ctx context.Context, session *client.Conference) (*client.Participant, error) {
	p, err := session.JoinMedia(ctx, client.ParticipantOptions{})
	if err != nil {
		return nil, err
	}
	video, err := clip.Video()
	if err != nil {
		return nil, err
	}
	tone, err := clip.Tone()
	if err != nil {
		return nil, err
	}
	if _, err := p.Publish(ctx, livekit.TrackSource_CAMERA, video...); err != nil {
		return nil, err
	}
	_, err = p.Publish(ctx, livekit.TrackSource_MICROPHONE, tone)
	return p, err
}

// receiveAll waits until p receives picture and sound of so many others.
func receiveAll(ctx context.Context, p *client.Participant, others int) error {
	return p.WaitOthers(ctx, func(tracks map[string]int) bool {
		publishing := 0
		for _, n := range tracks {
			if n == 2 {
				publishing++
			}
		}
		return publishing >= others
	})
}
