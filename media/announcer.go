package media

import "sync"

// announcer calls OnState in order from one goroutine, so that the engine never waits for the listener.
type announcer struct {
	mu      sync.Mutex
	wake    *sync.Cond
	pending []change
	closed  bool
	done    chan struct{}
}

type change struct {
	participant string
	state       State
}

func newAnnouncer(f func(string, State)) *announcer {
	a := &announcer{done: make(chan struct{})}
	a.wake = sync.NewCond(&a.mu)
	if f == nil {
		f = func(string, State) {}
	}
	go a.run(f)
	return a
}

func (a *announcer) run(f func(string, State)) {
	defer close(a.done)
	for {
		a.mu.Lock()
		for len(a.pending) == 0 && !a.closed {
			a.wake.Wait()
		}
		batch := a.pending
		a.pending = nil
		a.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for _, c := range batch {
			f(c.participant, c.state)
		}
	}
}

// announce queues a change. The queue needs no bound: a change costs its participant a connection set-up, which is limited.
func (a *announcer) announce(participant string, s State) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.pending = append(a.pending, change{participant, s})
		a.wake.Signal()
	}
}

// close delivers what is queued and waits for it.
func (a *announcer) close() {
	a.mu.Lock()
	a.closed = true
	a.wake.Signal()
	a.mu.Unlock()
	<-a.done
}
