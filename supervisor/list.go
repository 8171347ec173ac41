package supervisor

import (
	"context"
	"fmt"

	"konklave/conference"
	"konklave/sandbox"
)

// Live returns the conferences that have a worker, and what its launcher verified around each worker, by conference.
func (s *Supervisor) Live(ctx context.Context) ([]conference.Record, map[string]sandbox.Report, error) {
	running, err := s.Launcher.List()
	if err != nil {
		return nil, nil, fmt.Errorf("list workers: %w", err)
	}
	reports := map[string]sandbox.Report{}
	for _, r := range running {
		reports[r.Conference] = r.Isolation
	}
	records, err := s.Records.LiveConferences(ctx)
	if err != nil {
		return nil, nil, err
	}
	live := records[:0]
	for _, r := range records {
		if _, ok := reports[r.ID]; ok {
			live = append(live, r)
		}
	}
	return live, reports, nil
}

// About returns the title of a live conference's meeting, and how many people are in the conference: -1 when this controller
// has not read it yet.
func (s *Supervisor) About(ctx context.Context, c conference.Record) (title string, people int, err error) {
	people = -1
	if w := s.worker(c.ID); w != nil {
		people = w.people.count()
	}
	title, err = s.Records.MeetingTitle(ctx, c.MeetingID)
	return title, people, err
}
