package conference

import (
	"testing"

	"konklave/access"
)

// BenchmarkMayOfAMessage is what each message of a participant costs until it is known that he is there, that the connection
// is his newest, and that his role may do this.
func BenchmarkMayOfAMessage(b *testing.B) {
	s := New(settings(), t0, t0)
	for _, c := range []Command{join("host", RoleHost), join("anna", RoleParticipant)} {
		events, _, err := Decide(s, c, t0)
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range events {
			s.Evolve(e)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		by := s.presence.find("anna")
		if by == nil || by.line != 1 {
			b.Fatal("she is not there")
		}
		if err := access.Decide(by.actor(), access.ChatSend, access.Object{Kind: "conference", ID: s.Settings.ID}).Err(); err != nil {
			b.Fatal(err)
		}
	}
}
