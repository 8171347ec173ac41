package providertest

import (
	"context"
	"sync"
	"time"
)

// Once is an auth.OnceStore in memory, which forgets nothing.
type Once struct {
	mu   sync.Mutex
	seen map[string]bool
}

// UseOnce reports whether the id of that kind is shown for the first time.
func (o *Once) UseOnce(_ context.Context, kind, id string, _ time.Time) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	key := kind + "\x00" + id
	if o.seen[key] {
		return false, nil
	}
	if o.seen == nil {
		o.seen = map[string]bool{}
	}
	o.seen[key] = true
	return true, nil
}
