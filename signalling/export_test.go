package signalling

// Sessions tells how many sessions are held, by their participants and by their tokens.
func (s *Server) Sessions() (byID, byToken int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byID), len(s.byToken)
}

// HashToken is hashToken.
func HashToken(token string) string { return hashToken(token) }

// Locked reports whether somebody holds the lock of the sessions.
func (s *Server) Locked() bool {
	if s.mu.TryLock() {
		s.mu.Unlock()
		return false
	}
	return true
}
