package turn

import "net/netip"

// quota bounds the allocations that live at once: all of them, those of one participant, those from one source.
type quota struct{ all, participant, source int }

// tally counts allocations against a quota. Those of tests have a tally of their own, so that visitors take nothing from
// people in conferences.
type tally struct {
	quota
	count         int
	byParticipant map[person]int
	bySource      map[netip.Prefix]int
}

func newTally(q quota) *tally {
	return &tally{quota: q, byParticipant: map[person]int{}, bySource: map[netip.Prefix]int{}}
}

// room reports whether one more may live.
func (t *tally) room(owner person, source netip.Prefix) bool {
	return t.count < t.all && t.byParticipant[owner] < t.participant && t.bySource[source] < t.source
}

func (t *tally) add(owner person, source netip.Prefix) {
	t.count++
	t.byParticipant[owner]++
	t.bySource[source]++
}

func (t *tally) remove(owner person, source netip.Prefix) {
	t.count--
	if t.byParticipant[owner]--; t.byParticipant[owner] == 0 {
		delete(t.byParticipant, owner)
	}
	if t.bySource[source]--; t.bySource[source] == 0 {
		delete(t.bySource, source)
	}
}

// tallyOf is where the allocations of a participant count; s.mu is held.
func (s *Server) tallyOf(owner person) *tally {
	if owner.conference == testConference {
		return s.visitors
	}
	return s.members
}
