package audit

// Kind says what happened; it is stable and dotted.
type Kind string

// All kinds.
const (
	KindSetupCompleted      Kind = "setup.completed"
	KindRecoveryKeyMade     Kind = "recovery_key.made"
	KindBackupMade          Kind = "backup.made"
	KindBackupRestored      Kind = "backup.restored"
	KindUserCreated         Kind = "user.created"
	KindProfileChanged      Kind = "profile.changed"
	KindPasswordChanged     Kind = "password.changed"
	KindSessionStarted      Kind = "session.started"
	KindSessionFailed       Kind = "session.failed"
	KindSessionLocked       Kind = "session.locked"
	KindSessionEnded        Kind = "session.ended"
	KindIdentityLinked      Kind = "identity.linked"
	KindIdentityReturned    Kind = "identity.returned"
	KindIdentityBarred      Kind = "identity.barred"
	KindRoleAssigned        Kind = "role.assigned"
	KindProviderRefused     Kind = "provider.refused"
	KindTokenCreated        Kind = "token.created"
	KindTokenRevoked        Kind = "token.revoked"
	KindMeetingCreated      Kind = "meeting.created"
	KindMeetingChanged      Kind = "meeting.changed"
	KindMeetingDeleted      Kind = "meeting.deleted"
	KindParticipantAdmitted Kind = "participant.admitted"
	KindTicketRefused       Kind = "ticket.refused"
	KindConferenceStarted   Kind = "conference.started"
	KindConferenceEnded     Kind = "conference.ended"
	KindParticipantJoined   Kind = "participant.joined"
	KindParticipantLeft     Kind = "participant.left"
	KindChatSent            Kind = "chat.sent"
)

// Kinds returns all kinds.
func Kinds() []Kind {
	return []Kind{
		KindSetupCompleted, KindRecoveryKeyMade, KindBackupMade, KindBackupRestored, KindUserCreated, KindProfileChanged, KindPasswordChanged,
		KindSessionStarted, KindSessionFailed, KindSessionLocked, KindSessionEnded,
		KindIdentityLinked, KindIdentityReturned, KindIdentityBarred, KindRoleAssigned, KindProviderRefused,
		KindTokenCreated, KindTokenRevoked,
		KindMeetingCreated, KindMeetingChanged, KindMeetingDeleted,
		KindParticipantAdmitted, KindTicketRefused,
		KindConferenceStarted, KindConferenceEnded,
		KindParticipantJoined, KindParticipantLeft, KindChatSent,
	}
}

// Outcome says whether what the entry is about came to pass.
type Outcome string

// The outcomes.
const (
	OutcomeSuccess Outcome = "success"
	OutcomeFailure Outcome = "failure" // it was tried and the proof or the state was wrong
)
