package worker

import (
	"maps"
	"slices"
	"sync"

	"konklave/conference"
)

// present is who was admitted and who is here, for a controller that takes this worker over.
type present struct {
	mu       sync.Mutex // guards what follows
	admitted map[conference.Admission]struct{}
	here     map[conference.ParticipantID]conference.Admission
}

func newPresent() *present {
	return &present{admitted: map[conference.Admission]struct{}{}, here: map[conference.ParticipantID]conference.Admission{}}
}

// admit remembers a redeemed ticket.
func (p *present) admit(a conference.Admission) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a.Rejoin = ""
	p.admitted[a] = struct{}{}
}

func (p *present) observe(e conference.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch f := e.Fact.(type) {
	case *conference.ParticipantJoined:
		who := f.Participant
		p.here[who.ID] = conference.Admission{Account: f.Account, Kind: who.Kind, Role: who.Role, Name: who.Name}
	case *conference.ParticipantLeft:
		delete(p.here, f.ID)
	}
}

func (p *present) people() map[conference.ParticipantID]conference.Admission {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.here)
}

func (p *present) admissions() []conference.Admission {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.admitted))
}
