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
	KindUserDisabled        Kind = "user.disabled"
	KindUserEnabled         Kind = "user.enabled"
	KindRolesAssigned       Kind = "roles.assigned"
	KindProfileChanged      Kind = "profile.changed"
	KindPasswordChanged     Kind = "password.changed"
	KindSessionStarted      Kind = "session.started"
	KindSessionFailed       Kind = "session.failed"
	KindSessionLocked       Kind = "session.locked"
	KindSessionEnded        Kind = "session.ended"
	KindUserUnlocked        Kind = "user.unlocked"
	KindSessionProved       Kind = "session.proved"
	KindFactorAdded         Kind = "factor.added"
	KindFactorRemoved       Kind = "factor.removed"
	KindFactorsReset        Kind = "factors.reset"
	KindRecoveryCodesMade   Kind = "recovery_codes.made"
	KindIdentityLinked      Kind = "identity.linked"
	KindIdentityReturned    Kind = "identity.returned"
	KindIdentityBarred      Kind = "identity.barred"
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
	KindLogBegun            Kind = "log.begun"
	KindLogWitnessed        Kind = "log.witnessed"
	KindLogExported         Kind = "log.exported"
	KindFindingHandled      Kind = "finding.handled"
	KindLogSearched         Kind = "log.searched"
	KindLogEntryRead        Kind = "log.entry_read"
)

// KindLogPruned is that of a certificate: what was removed from the log because its retention was over. It is no entry, and the
// log writes it about itself.
const KindLogPruned Kind = "log.pruned"

// Kinds returns all kinds of entries.
func Kinds() []Kind {
	return []Kind{
		KindSetupCompleted, KindRecoveryKeyMade, KindBackupMade, KindBackupRestored,
		KindUserCreated, KindUserDisabled, KindUserEnabled, KindRolesAssigned, KindProfileChanged, KindPasswordChanged,
		KindSessionStarted, KindSessionFailed, KindSessionLocked, KindSessionEnded, KindUserUnlocked,
		KindSessionProved, KindFactorAdded, KindFactorRemoved, KindFactorsReset, KindRecoveryCodesMade,
		KindIdentityLinked, KindIdentityReturned, KindIdentityBarred, KindProviderRefused,
		KindTokenCreated, KindTokenRevoked,
		KindMeetingCreated, KindMeetingChanged, KindMeetingDeleted,
		KindParticipantAdmitted, KindTicketRefused,
		KindConferenceStarted, KindConferenceEnded,
		KindParticipantJoined, KindParticipantLeft, KindChatSent,
		KindLogBegun, KindLogWitnessed, KindLogExported, KindLogSearched, KindLogEntryRead,
		KindFindingHandled,
	}
}

// Outcome says whether what the entry is about came to pass.
type Outcome string

// The outcomes.
const (
	OutcomeSuccess Outcome = "success"
	OutcomeFailure Outcome = "failure" // it was tried and the proof or the state was wrong
)
