package supervisor

import (
	"sync"
	"time"
)

// crashes remembers when the workers of conferences died, as far back as crashWindow.
type crashes struct {
	mu    sync.Mutex // guards what follows
	times map[string][]time.Time
}

func newCrashes() *crashes { return &crashes{times: map[string][]time.Time{}} }

// note remembers that a worker of the conference died.
func (c *crashes) note(conferenceID string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.times[conferenceID] = append(recent(c.times[conferenceID], now), now)
}

// pause is how long a new worker has to wait so that there are at most limit of them within crashWindow; 0 for not at all.
func (c *crashes) pause(conferenceID string, limit int, now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	times := recent(c.times[conferenceID], now)
	if len(times) < limit {
		return 0
	}
	return times[len(times)-limit].Add(crashWindow).Sub(now)
}

func (c *crashes) forget(conferenceID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.times, conferenceID)
}

func recent(times []time.Time, now time.Time) []time.Time {
	for len(times) > 0 && now.Sub(times[0]) >= crashWindow {
		times = times[1:]
	}
	return times
}
