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
