package privacy

import (
	"context"
	"errors"
	"slices"

	"github.com/go-json-experiment/json"

	"konklave/audit"
	"konklave/conference"
	"konklave/fault"
)

// Journals opens what conferences left.
type Journals interface {
	// Events opens the events that follow a number, as many as have about size bytes; none when nothing follows.
	Events(ctx context.Context, conferenceID string, after int64, size int) ([]conference.Stored, error)
}

// places are the conferences that the log says the person was in, the newest first.
type places struct {
	ids  []string
	more bool // than MaxConferences
}

// note takes the conference of an entry.
func (p *places) note(e OwnLogEntry) {
	switch {
	case !e.Mine || e.Kind != string(audit.KindParticipantAdmitted) || slices.Contains(p.ids, e.ID):
	case len(p.ids) == MaxConferences:
		p.more = true
	default:
		p.ids = append(p.ids, e.ID)
	}
}

// writeConferences writes what the person did in these conferences. A journal that cannot be read has nothing, and then the export
// is not complete.
func (e *Export) writeConferences(ctx context.Context, out *writer, went places) error {
	d := diary{out: out, userID: e.actor.UserID}
	for _, id := range went.ids {
		err := d.write(ctx, e.service.journals, id)
		if refused := (*fault.Fault)(nil); errors.As(err, &refused) && refused.Kind != fault.KindUnavailable {
			out.complete = false
			continue
		}
		if errors.Is(err, errEnough) || err != nil && timeIsUp(ctx) {
			out.complete = false
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// diary writes what one person did.
type diary struct {
	out    *writer
	userID string
	count  int
}

// write writes that of one conference.
func (d *diary) write(ctx context.Context, journals Journals, id string) error {
	mine := map[conference.ParticipantID]bool{}
	for last := int64(0); ; {
		events, err := journals.Events(ctx, id, last, eventBytes)
		if err != nil || len(events) == 0 {
			return err
		}
		last += int64(len(events)) // they are numbered without gaps
		for _, stored := range events {
			event, err := stored.Event()
			if err != nil {
				return err
			}
			own, ok := ownEvent(event, mine, d.userID)
			if !ok {
				continue
			}
			if d.count++; d.count > MaxEvents {
				return errEnough
			}
			own.Conference, own.Kind = id, stored.Kind
			if err := json.MarshalEncode(d.out.Encoder, own); err != nil {
				return err
			}
		}
	}
}

// ownEvent returns what an event tells about the person; mine are the places in the conference that the person has had.
func ownEvent(event conference.Event, mine map[conference.ParticipantID]bool, userID string) (OwnEvent, bool) {
	own := OwnEvent{At: event.At}
	switch f := event.Fact.(type) {
	case *conference.ParticipantJoined:
		own.Name = f.Participant.Name
		if f.Account == userID {
			mine[f.Participant.ID] = true
		}
		return own, f.Account == userID
	case *conference.ParticipantLeft:
		return own, mine[f.ID]
	case *conference.ChatMessage:
		own.Text = f.Message.Text
		return own, mine[f.Message.From]
	}
	return own, false
}
