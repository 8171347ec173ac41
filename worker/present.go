package worker

import (
	"maps"
	"sync"

	"konklave/conference"
)

// present is who is here and as whom admitted, for a controller that takes this worker over.
type present struct {
	mu   sync.Mutex // guards here
	here map[conference.ParticipantID]conference.Admission
}

func newPresent() *present {
	return &present{here: map[conference.ParticipantID]conference.Admission{}}
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
