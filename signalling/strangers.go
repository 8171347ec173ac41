package signalling

import "sync"

// strangers counts the connections that have not proved who they are, so that they cannot keep out those who can.
type strangers struct {
	mu       sync.Mutex // guards what follows
	total    int
	bySource map[string]int
}

// enter admits one more from a source, or reports false at a limit.
func (s *strangers) enter(source string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total >= StrangersMax || s.bySource[source] >= StrangersOfOne {
		return false
	}
	s.total++
	s.bySource[source]++
	return true
}

func (s *strangers) leave(source string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	if s.bySource[source]--; s.bySource[source] == 0 {
		delete(s.bySource, source)
	}
}
