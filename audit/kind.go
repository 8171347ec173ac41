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
	KindUserErased          Kind = "user.erased"
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
	KindUserProvisioned     Kind = "user.provisioned"
	KindUserRemoved         Kind = "user.removed"
	KindGroupCreated        Kind = "group.created"
	KindGroupChanged        Kind = "group.changed"
	KindGroupDeleted        Kind = "group.deleted"
	KindTokenCreated        Kind = "token.created"
	KindTokenRevoked        Kind = "token.revoked"
	KindMachineAdded        Kind = "machine.added"
	KindMachineRotated      Kind = "machine.rotated"
	KindMachineRemoved      Kind = "machine.removed"
	KindAccessTokenIssued   Kind = "access_token.issued"
	KindAccessTokenRefused  Kind = "access_token.refused"
	KindNetworkDenied       Kind = "network.denied"
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
	KindLogSearched         Kind = "log.searched"
	KindLogEntryRead        Kind = "log.entry_read"
	KindRetentionChanged    Kind = "retention.changed"
	KindLogRead             Kind = "log.read"
	KindApprovalRequested   Kind = "approval.requested"
	KindApprovalGranted     Kind = "approval.granted"
	KindApprovalRefused     Kind = "approval.refused"
	KindApprovalWithdrawn   Kind = "approval.withdrawn"
	KindApprovalExpired     Kind = "approval.expired"
	KindApprovalUsed        Kind = "approval.used"
	KindFindingHandled      Kind = "finding.handled"
	KindProfileExported     Kind = "profile.exported"
	KindMailSent            Kind = "mail.sent"
)

// KindLogPruned is that of a certificate: what was removed from the log because its retention was over. It is no entry, and the
// log writes it about itself.
const KindLogPruned Kind = "log.pruned"

// Kinds returns all kinds of entries.
func Kinds() []Kind {
	return []Kind{
		KindSetupCompleted, KindRecoveryKeyMade, KindBackupMade, KindBackupRestored,
		KindUserCreated, KindUserDisabled, KindUserEnabled, KindUserErased, KindRolesAssigned, KindProfileChanged, KindPasswordChanged,
		KindSessionStarted, KindSessionFailed, KindSessionLocked, KindSessionEnded, KindUserUnlocked,
		KindSessionProved, KindFactorAdded, KindFactorRemoved, KindFactorsReset, KindRecoveryCodesMade,
		KindIdentityLinked, KindIdentityReturned, KindIdentityBarred, KindProviderRefused,
		KindUserProvisioned, KindUserRemoved, KindGroupCreated, KindGroupChanged, KindGroupDeleted,
		KindTokenCreated, KindTokenRevoked,
		KindMachineAdded, KindMachineRotated, KindMachineRemoved, KindAccessTokenIssued, KindAccessTokenRefused, KindNetworkDenied,
		KindMeetingCreated, KindMeetingChanged, KindMeetingDeleted,
		KindParticipantAdmitted, KindTicketRefused,
		KindConferenceStarted, KindConferenceEnded,
		KindParticipantJoined, KindParticipantLeft, KindChatSent,
		KindLogBegun, KindLogWitnessed, KindLogExported, KindLogSearched, KindLogEntryRead,
		KindRetentionChanged,
		KindLogRead,
		KindApprovalRequested, KindApprovalGranted, KindApprovalRefused, KindApprovalWithdrawn, KindApprovalExpired, KindApprovalUsed,
		KindFindingHandled, KindProfileExported, KindMailSent,
	}
}

// Outcome says whether what the entry is about came to pass.
type Outcome string

// The outcomes.
const (
	OutcomeSuccess Outcome = "success"
	OutcomeFailure Outcome = "failure" // it was tried and the proof or the state was wrong
)
