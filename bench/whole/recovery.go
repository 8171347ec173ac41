package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/livekit/protocol/livekit"

	"konklave/client"
)

const (
	calm        = 3 * time.Second       // of media around each kill
	resumePause = 10 * time.Millisecond // between two attempts to come back
)

// call is two people who see each other and talk.
type call struct {
	host, guest           *client.Conference
	hostMedia, guestMedia *client.Participant
}

func begin(ctx context.Context, s *server, admin *client.Client) (c call, err error) {
	m, err := admin.CreateMeeting(ctx, client.MeetingChange{})
	if err != nil {
		return c, err
	}
	if c.host, c.hostMedia, err = enter(ctx, s, admin, m.Link, 0); err != nil {
		return c, err
	}
	if c.guest, c.guestMedia, err = enter(ctx, s, admin, m.Link, 1); err != nil {
		return c, err
	}
	return c, errors.Join(receiveAll(ctx, c.hostMedia, 1), receiveAll(ctx, c.guestMedia, 1))
}

// end ends the conference for all.
func (c call) end(ctx context.Context) error {
	c.hostMedia.Close()
	c.guestMedia.Close()
	return c.host.End(ctx)
}

// measureControllerDeaths kills the controller while two people see each other and talk: how many of their packets are
// missing, and how long until a message is acknowledged again.
func measureControllerDeaths(ctx context.Context, s *server, admin *client.Client, kills int) error {
	c, err := begin(ctx, s, admin)
	if err != nil {
		return err
	}
	var gaps []time.Duration
	var packets, missing uint64
	for range kills {
		if err := packetsFor(ctx, c.hostMedia, calm); err != nil {
			return err
		}
		hadPackets, hadMissing := counted(c.hostMedia)
		killed, err := s.kill("controller")
		if err != nil {
			return err
		}
		if err := c.host.Chat(ctx, "after the kill"); err != nil {
			return err
		}
		gaps = append(gaps, time.Since(killed))
		if err := packetsFor(ctx, c.hostMedia, calm); err != nil {
			return err
		}
		nowPackets, nowMissing := counted(c.hostMedia)
		packets, missing = packets+nowPackets-hadPackets, missing+nowMissing-hadMissing
	}
	fmt.Printf("controller killed %d times: %d of %d media packets missing (target 0)\n", kills, missing, packets+missing)
	printGaps("controller killed → message acknowledged", gaps, "1.5 s after the new one listens")
	return c.end(ctx)
}

// measureWorkerDeaths kills the worker while two people see each other and talk: how long until one who comes back by
// himself, as the browser does, has a message acknowledged, and until he receives picture and sound of the other one again.
// Nothing is decoded; what a browser shows is measured in web/e2e/bench.
func measureWorkerDeaths(ctx context.Context, s *server, admin *client.Client, kills int) error {
	c, err := begin(ctx, s, admin)
	if err != nil {
		return err
	}
	var signalling, media []time.Duration
	for range kills {
		if err := packetsFor(ctx, c.hostMedia, calm); err != nil {
			return err
		}
		killed, err := s.kill("conference")
		if err != nil {
			return err
		}
		var all sync.WaitGroup
		var errs [2]error
		var heard, seen [2]time.Duration
		all.Go(func() { heard[0], seen[0], errs[0] = comeBack(ctx, c.host, &c.hostMedia, c.guest.Self(), killed) })
		all.Go(func() { heard[1], seen[1], errs[1] = comeBack(ctx, c.guest, &c.guestMedia, c.host.Self(), killed) })
		all.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			return err
		}
		signalling, media = append(signalling, heard[:]...), append(media, seen[:]...)
	}
	printGaps("worker killed → message acknowledged", signalling, "none")
	printGaps("worker killed → packets of picture and sound", media, "p50 2.5 s, decoding in Chromium")
	return c.end(ctx)
}

// comeBack resumes a session and its media, and returns when after the kill a message was acknowledged and media of other came.
func comeBack(ctx context.Context, session *client.Conference, p **client.Participant, other string, killed time.Time) (heard, seen time.Duration, err error) {
	<-session.Lost()
	for err = session.Resume(ctx); err != nil; err = session.Resume(ctx) {
		var over *client.Goodbye
		if errors.As(err, &over) && !over.Passing() {
			return 0, 0, err
		}
		select {
		case <-time.After(resumePause):
		case <-ctx.Done():
			return 0, 0, errors.Join(ctx.Err(), err)
		}
	}
	go drain(ctx, session)
	acknowledged := make(chan error, 1)
	go func() {
		err := session.Chat(ctx, "after the kill")
		heard = time.Since(killed)
		acknowledged <- err
	}()
	(*p).Close()
	*p, err = publish(ctx, session)
	for _, source := range []livekit.TrackSource{livekit.TrackSource_CAMERA, livekit.TrackSource_MICROPHONE} {
		if err == nil {
			_, err = (*p).WaitStream(ctx, other, source, func(st client.Stream) bool { return st.Packets > 0 })
		}
	}
	seen = time.Since(killed)
	return heard, seen, errors.Join(err, <-acknowledged)
}

func printGaps(what string, gaps []time.Duration, target string) {
	slices.Sort(gaps)
	at := func(percent int) time.Duration {
		return gaps[(len(gaps)-1)*percent/100].Round(time.Millisecond)
	}
	fmt.Printf("%s: p50 %v, p95 %v (%v–%v, n=%d); target %s\n", what, at(50), at(95), at(0), at(100), len(gaps), target)
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
