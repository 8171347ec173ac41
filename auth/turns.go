package auth

import (
	"context"
	"fmt"
	"sync"
)

// turns lets one goroutine at a time through for each key, so that guesses made side by side are counted one by one.
type turns struct {
	mu   sync.Mutex
	keys map[string]*turn
}

type turn struct {
	wanted int           // how many hold or wait for it
	free   chan struct{} // holds one value while nobody has the turn
}

// take waits for the turn until ctx is done; release gives it back.
func (t *turns) take(ctx context.Context, key string) (release func(), err error) {
	t.mu.Lock()
	this := t.keys[key]
	if this == nil {
		this = &turn{free: make(chan struct{}, 1)}
		this.free <- struct{}{}
		t.keys[key] = this
	}
	this.wanted++
	t.mu.Unlock()

	select {
	case <-this.free:
		return func() {
			this.free <- struct{}{}
			t.leave(key, this)
		}, nil
	case <-ctx.Done():
		t.leave(key, this)
		return nil, fmt.Errorf("wait for a turn to sign in: %w", context.Cause(ctx))
	}
}

func (t *turns) leave(key string, this *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if this.wanted--; this.wanted == 0 {
		delete(t.keys, key)
	}
}
