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
	idleConferences = 200
	idleWatched     = 20 * time.Second // over which the processor time of idle conferences is taken
	controllerKills = 10
	calm            = 3 * time.Second // of media around each kill
	ticksPerSecond  = 100             // USER_HZ on Linux
)

// measureIdle starts many conferences at once, each with one silent person, and reads what they cost while nothing happens.
func measureIdle(ctx context.Context, s *server, admin *client.Client) error {
	links := make([]string, idleConferences)
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
	fmt.Printf("%d idle conferences: %.0f MiB with their share; processor over %v: workers %.1f %%, controller %.1f %%, front %.1f %% of one core\n", count, share, idleWatched,
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

// measureControllerDeaths kills the controller while two people see each other and talk: how many of their packets are
// missing, and how long until a message is acknowledged again.
func measureControllerDeaths(ctx context.Context, s *server, admin *client.Client) error {
	m, err := admin.CreateMeeting(ctx, client.MeetingChange{})
	if err != nil {
		return err
	}
	host, hostMedia, err := enter(ctx, s, admin, m.Link, 0)
	if err != nil {
		return err
	}
	defer hostMedia.Close()
	_, guestMedia, err := enter(ctx, s, admin, m.Link, 1)
	if err != nil {
		return err
	}
	defer guestMedia.Close()
	for _, p := range []*client.Participant{hostMedia, guestMedia} {
		if err := receiveAll(ctx, p, 1); err != nil {
			return err
		}
	}
	var gaps []time.Duration
	var packets, missing uint64
	for range controllerKills {
		if err := packetsFor(ctx, hostMedia, calm); err != nil {
			return err
		}
		hadPackets, hadMissing := counted(hostMedia)
		pid, err := s.newest("controller")
		if err != nil {
			return err
		}
		killed := time.Now()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return err
		}
		if err := host.Chat(ctx, "after the kill"); err != nil {
			return err
		}
		gaps = append(gaps, time.Since(killed))
		if err := packetsFor(ctx, hostMedia, calm); err != nil {
			return err
		}
		nowPackets, nowMissing := counted(hostMedia)
		packets, missing = packets+nowPackets-hadPackets, missing+nowMissing-hadMissing
	}
	slices.Sort(gaps)
	fmt.Printf("controller killed %d times: %d of %d media packets missing; message acknowledged again after p50 %v, max %v\n",
		controllerKills, missing, packets+missing, gaps[len(gaps)/2].Round(time.Millisecond), gaps[len(gaps)-1].Round(time.Millisecond))
	return host.End(ctx)
}

// packetsFor waits until media have arrived for a time.
func packetsFor(ctx context.Context, p *client.Participant, span time.Duration) error {
	began := time.Now()
	return p.Wait(ctx, func() bool { return time.Since(began) > span })
}

// counted sums what a participant has received, and what was missing in it.
func counted(p *client.Participant) (packets, missing uint64) {
	for _, st := range p.Streams() {
		packets, missing = packets+st.Packets, missing+st.Missing
	}
	return packets, missing
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
