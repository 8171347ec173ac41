package conference

import "time"

// View is what one participant may see of a state: the `state` of a welcome.
type View struct {
	Conference   Summary       `json:"conference"`
	Participants []Participant `json:"participants"`
	Chat         []Message     `json:"chat"`
}

// Summary is the conference itself.
type Summary struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	StartedAt time.Time `json:"startedAt"`
	Codec     string    `json:"codec"`
}

// Project makes the view of one participant. It shares no memory with the state.
func (s *State) Project(_ ParticipantID) View {
	return View{
		Conference:   Summary{ID: s.Settings.ID, Title: s.Settings.Title, StartedAt: s.StartedAt, Codec: s.Settings.Codec},
		Participants: s.Participants(),
		Chat:         s.chat.newest(),
	}
}
