package audit

import "konklave/access"

type meetingDetails struct {
	Meeting string `json:"meeting"`
}

// ConferenceStarted says that a conference of a meeting was opened.
func ConferenceStarted(o Origin, conferenceID, meetingID string) Entry {
	return newEntry(o, KindConferenceStarted, OutcomeSuccess, "conference", conferenceID, meetingDetails{Meeting: meetingID})
}

// ConferenceClosed says that the controller itself ended a conference, for example because its worker is lost. Like
// ConferenceEnded it makes an entry of KindConferenceEnded.
func ConferenceClosed(o Origin, conferenceID, reason string) Entry {
	return newEntry(o, KindConferenceEnded, OutcomeSuccess, "conference", conferenceID, reasonDetails{Reason: reason})
}

// ConferenceEnded says that a worker reported the end of its conference, for the reason given in the event.
func ConferenceEnded(r Report, reason string) Entry {
	return reported(r, KindConferenceEnded, "conference", r.Conference, reasonDetails{Reason: reason})
}

type joinDetails struct {
	Role access.Role `json:"role"`
}

// ParticipantJoined says that a participant is in the conference.
func ParticipantJoined(r Report, participantID string, role access.Role) Entry {
	return reported(r, KindParticipantJoined, "participant", participantID, joinDetails{Role: role})
}

// ParticipantLeft says that a participant is out of the conference, for the reason given in the event.
func ParticipantLeft(r Report, participantID, reason string) Entry {
	return reported(r, KindParticipantLeft, "participant", participantID, reasonDetails{Reason: reason})
}

// ChatSent says that a participant wrote a message, not what it says.
func ChatSent(r Report, messageID string) Entry {
	return reported(r, KindChatSent, "message", messageID, nothing{})
}
