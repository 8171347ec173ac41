package audit

import "konklave/access"

type guestsDetails struct {
	GuestsAllowed bool `json:"guestsAllowed"`
}

// MeetingCreated says that a meeting was created, and whether guests may join it.
func MeetingCreated(o Origin, meetingID string, guestsAllowed bool) Entry {
	return newEntry(o, KindMeetingCreated, OutcomeSuccess, "meeting", meetingID, guestsDetails{GuestsAllowed: guestsAllowed})
}

type meetingChangeDetails struct {
	Fields        []string `json:"fields"`
	GuestsAllowed bool     `json:"guestsAllowed"`
}

// MeetingChanged says which fields of a meeting were changed, and whether guests may join it now.
func MeetingChanged(o Origin, meetingID string, fields []string, guestsAllowed bool) Entry {
	d := meetingChangeDetails{Fields: fields, GuestsAllowed: guestsAllowed}
	return newEntry(o, KindMeetingChanged, OutcomeSuccess, "meeting", meetingID, d)
}

// MeetingDeleted says that a meeting was deleted.
func MeetingDeleted(o Origin, meetingID string) Entry {
	return newEntry(o, KindMeetingDeleted, OutcomeSuccess, "meeting", meetingID, nothing{})
}

type admissionDetails struct {
	Meeting string      `json:"meeting"`
	Rejoin  bool        `json:"rejoin"`
	Role    access.Role `json:"role"`
}

// ParticipantAdmitted says that the actor was given a ticket for a conference with this role; rejoin when the actor
// asked to take the place of an earlier connection.
func ParticipantAdmitted(o Origin, conferenceID, meetingID string, role access.Role, rejoin bool) Entry {
	d := admissionDetails{Meeting: meetingID, Role: role, Rejoin: rejoin}
	return newEntry(o, KindParticipantAdmitted, OutcomeSuccess, "conference", conferenceID, d)
}

// TicketReason says why a ticket was refused.
type TicketReason string

// The reasons. Tickets that never existed leave no entry.
const (
	TicketUsed    TicketReason = "used"
	TicketExpired TicketReason = "expired"
	TicketForeign TicketReason = "foreign"
	TicketRevoked TicketReason = "revoked" // the sign-in that it was issued under is over
)

// TicketRefused says that a worker was shown a ticket that was issued once but is not valid there any more.
func TicketRefused(o Origin, conferenceID string, reason TicketReason) Entry {
	return newEntry(o, KindTicketRefused, OutcomeFailure, "conference", conferenceID, reasonDetails{Reason: string(reason)})
}
