package auth

import (
	"sync"
	"time"
)

// Forward is the clock of the wall, but for its being put back: then it goes on from the latest time that it has shown, so that
// nothing is valid longer than it was to be. It catches up with the wall when that is ahead again.
func Forward(wall func() time.Time) func() time.Time {
	var (
		mu     sync.Mutex
		latest time.Time // of the wall
		began  time.Time // the same moment by the clock that only goes on
	)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now := wall().Round(0)
		if gone := latest.Add(time.Since(began)); !latest.IsZero() && now.Before(gone) {
			return gone
		}
		latest, began = now, time.Now()
		return now
	}
}
