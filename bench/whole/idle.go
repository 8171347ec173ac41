package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"konklave/client"
)

const (
	idleWatched    = 20 * time.Second // over which the processor time of idle conferences is taken
	ticksPerSecond = 100              // USER_HZ on Linux
)

// measureIdle starts many conferences at once, each with one silent person, and reads what they cost while nothing happens.
func measureIdle(ctx context.Context, s *server, admin *client.Client, conferences int) error {
	links := make([]string, conferences)
	for i := range links {
		m, err := admin.CreateMeeting(ctx, client.MeetingChange{})
		if err != nil {
			return err
		}
		links[i] = m.Link
	}
	var mu sync.Mutex
	var times []time.Duration
	var failed error
	sessions := make([]*client.Conference, len(links))
	var all sync.WaitGroup
	began := time.Now()
	for i, link := range links {
		all.Go(func() {
			session, err := sitIn(ctx, s, link)
			mu.Lock()
			defer mu.Unlock()
			sessions[i], times, failed = session, append(times, time.Since(began)), errors.Join(failed, err)
		})
	}
	all.Wait()
	if failed != nil {
		return failed
	}
	slices.Sort(times)
	fmt.Printf("start of %d conferences at once (asked → welcomed): p50 %v, p99 %v, all %v\n", len(links),
		times[len(times)/2].Round(time.Millisecond), times[len(times)*99/100].Round(time.Millisecond), times[len(times)-1].Round(time.Millisecond))
	before, err := s.spent()
	if err != nil {
		return err
	}
	select {
	case <-time.After(idleWatched):
	case <-ctx.Done():
		return ctx.Err()
	}
	after, err := s.spent()
	if err != nil {
		return err
	}
	share, count, err := s.memoryOfAll("conference")
	if err != nil {
		return err
	}
	fmt.Printf("%d idle conferences: %.0f MiB with their share, %.1f MiB each (target for 200: 2.2 GB); processor over %v: workers %.1f %%, controller %.1f %%, front %.1f %% of one core\n", count, share, share/float64(max(1, count)), idleWatched,
		part(before, after, "conference"), part(before, after, "controller"), part(before, after, "front"))
	for _, session := range sessions {
		session.Drop()
	}
	return nil
}

// part is the processor time of a verb's processes between two readings, in per cent of one core.
func part(before, after map[string]int, verb string) float64 {
	return float64(after[verb]-before[verb]) / ticksPerSecond / idleWatched.Seconds() * 100
}

func sitIn(ctx context.Context, s *server, link string) (*client.Conference, error) {
	c, err := client.New(s.address)
	if err != nil {
		return nil, err
	}
	a, err := c.Join(ctx, link, client.JoinRequest{Name: "Guest"})
	if err != nil {
		return nil, err
	}
	return c.Connect(ctx, a)
}

// processes lists the server's processes by verb.
func (s *server) processes() (map[string][]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	found := map[string][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		for _, verb := range []string{"front", "controller", "conference"} {
			if isChild(pid, s.cmd.Process.Pid, verb) {
				found[verb] = append(found[verb], pid)
			}
		}
	}
	return found, nil
}

func (s *server) newest(verb string) (int, error) {
	all, err := s.processes()
	if err != nil || len(all[verb]) == 0 {
		return 0, errors.Join(err, fmt.Errorf("no process %q", verb))
	}
	return slices.Max(all[verb]), nil
}

// kill kills the newest process that runs a verb, and returns when.
func (s *server) kill(verb string) (time.Time, error) {
	pid, err := s.newest(verb)
	if err != nil {
		return time.Time{}, err
	}
	return time.Now(), syscall.Kill(pid, syscall.SIGKILL)
}

// spent is the processor time of the processes in clock ticks, by verb.
func (s *server) spent() (map[string]int, error) {
	all, err := s.processes()
	if err != nil {
		return nil, err
	}
	ticks := map[string]int{}
	for verb, pids := range all {
		for _, pid := range pids {
			stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
			if err != nil {
				return nil, err
			}
			fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
			for _, field := range fields[11:13] { // utime and stime, proc(5)
				n, err := strconv.Atoi(field)
				if err != nil {
					return nil, err
				}
				ticks[verb] += n
			}
		}
	}
	return ticks, nil
}

func (s *server) memoryOfAll(verb string) (share float64, count int, err error) {
	all, err := s.processes()
	if err != nil {
		return 0, 0, err
	}
	for _, pid := range all[verb] {
		_, part, err := memoryOfProcess(pid)
		if err != nil {
			return 0, 0, err
		}
		share += part
	}
	return share, len(all[verb]), nil
}
