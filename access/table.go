package access

// Action names something that can be done; it is stable and dotted, object first.
type Action string

// All actions.
const (
	SetupComplete   Action = "setup.complete"
	RecoveryKeyMake Action = "recovery_key.make"

	SessionStart Action = "session.start"
	// ProviderFarewell is that an identity provider says which sessions are over; its signature is looked at.
	ProviderFarewell Action = "session.provider_farewell"
	SessionList      Action = "session.list"
	SessionEnd       Action = "session.end"

	IdentityReview Action = "identity.review"

	ProfileRead    Action = "profile.read"
	ProfileUpdate  Action = "profile.update"
	ProfileExport  Action = "profile.export"
	PasswordChange Action = "password.change"
	PasswordReset  Action = "password.reset"

	TokenList   Action = "token.list"
	TokenCreate Action = "token.create"
	TokenRevoke Action = "token.revoke"

	AuditRead   Action = "audit.read"
	AuditExport Action = "audit.export"
	AuditFollow Action = "checkpoint.read"
	AuditCosign Action = "audit.cosign"

	SessionProve      Action = "session.prove"
	FactorList        Action = "factor.list"
	FactorAdd         Action = "factor.add"
	FactorRemove      Action = "factor.remove"
	FactorReset       Action = "factor.reset"
	RecoveryCodesMake Action = "recovery_codes.make"

	ApprovalList     Action = "approval.list"
	ApprovalDecide   Action = "approval.decide"
	ApprovalWithdraw Action = "approval.withdraw"
	RoleApprove      Action = "role.approve"
	ExportAsk        Action = "audit.export_ask"
	ExportApprove    Action = "audit.export_approve"
	RetentionShorten Action = "audit.retention"
	RetentionApprove Action = "audit.retention_approve"

	FindingList   Action = "finding.list"
	FindingHandle Action = "finding.handle"

	UserList    Action = "user.list"
	UserCreate  Action = "user.create"
	UserUnlock  Action = "user.unlock"
	UserDisable Action = "user.disable"
	UserEnable  Action = "user.enable"
	UserErase   Action = "user.erase"
	RoleAssign  Action = "role.assign"

	// UserUnlockByMail is that whoever has the link in a mail ends the locks of the account that it was sent to.
	UserUnlockByMail Action = "user.unlock_by_mail"

	ScimRead  Action = "scim.read"
	ScimWrite Action = "scim.write"

	MachineList    Action = "machine.list"
	MachineAdd     Action = "machine.add"
	MachineRotate  Action = "machine.rotate"
	MachineRemove  Action = "machine.remove"
	AccessTokenGet Action = "access_token.get"

	MeetingList    Action = "meeting.list"
	MeetingCreate  Action = "meeting.create"
	MeetingRead    Action = "meeting.read"
	MeetingUpdate  Action = "meeting.update"
	MeetingDelete  Action = "meeting.delete"
	MeetingPreview Action = "meeting.preview"

	ConferenceJoin  Action = "conference.join"
	ConferenceLeave Action = "conference.leave"
	ConferenceEnd   Action = "conference.end"
	ChatSend        Action = "chat.send"

	ConferenceList    Action = "conference.list"
	ConferenceAbandon Action = "conference.abandon"

	ConferenceOpen   Action = "conference.open"
	ConferenceAppend Action = "conference.append"
	TicketRedeem     Action = "ticket.redeem"
)

// reach is how far a permission goes.
type reach int

const (
	none  reach = iota
	own         // only objects that belong to the actor
	every       // every object of the actor's organisation
)

// effect says whether an action changes something that lasts.
type effect bool

const (
	reads  effect = false
	writes effect = true
)

// manner says how something is done by who may do it. The values are added with |.
type manner uint8

const (
	person manner = 0         // by a person, in a browser
	token  manner = 1 << iota // by a program too, with an API token of the person
	proved                    // the person has proved a short while ago who it is
)

// may is how far each sort of actor goes with an action. An actor gets the farthest that fits: anonymous, guest, worker and
// system by what it is; account for everybody who has signed in; the others by a role.
type may struct {
	anonymous, guest, worker, system reach

	account, user, manager, operator, userAdmin, security, auditor reach // in the organisation
	participant, moderator, host                                   reach // in a conference

	scopes []Scope // any of which opens the action to a machine, for every object
}

// rule is one line of the table.
type rule struct {
	action Action
	writes effect
	manner manner
	may
}

// table is the one place that says who may do what; what it does not allow is denied.
var table = [...]rule{
	// setting up
	{SetupComplete, writes, person, may{anonymous: every, guest: every, user: every}},
	{RecoveryKeyMake, writes, person, may{system: every}},

	// oneself
	{SessionStart, writes, person, may{anonymous: every, guest: every, account: every}},
	{ProviderFarewell, writes, person, may{anonymous: every, guest: every, account: every}},
	{SessionList, reads, token, may{account: own}},
	{SessionEnd, writes, person, may{account: own}},
	{ProfileRead, reads, token, may{account: own}},
	{ProfileUpdate, writes, token, may{account: own}},
	{ProfileExport, writes, proved, may{account: own}},
	{PasswordChange, writes, person, may{account: own}},
	{PasswordReset, writes, person, may{system: every}},
	{TokenList, reads, token, may{account: own}},
	{TokenCreate, writes, proved, may{account: own}},
	{TokenRevoke, writes, person, may{account: own}},
	{SessionProve, writes, person, may{account: own}},
	{FactorList, reads, person, may{account: own}},
	{FactorAdd, writes, proved, may{account: own}},
	{FactorRemove, writes, proved, may{account: own}},
	{FactorReset, writes, person, may{system: every}},
	{RecoveryCodesMake, writes, proved, may{account: own}},

	// accounts
	{UserList, reads, token, may{userAdmin: every, security: every, auditor: every, system: every, scopes: in(UsersRead)}},
	{UserCreate, writes, token | proved, may{userAdmin: every, system: every}},
	{UserUnlock, writes, token, may{userAdmin: every, security: every, system: every}},
	{UserUnlockByMail, writes, person, may{anonymous: every, guest: every, account: every}},
	{UserDisable, writes, proved, may{userAdmin: every, security: every, system: every}},
	{UserEnable, writes, proved, may{userAdmin: every, system: every}},
	{UserErase, writes, proved, may{userAdmin: every, system: every}},
	{RoleAssign, writes, proved, may{userAdmin: every, system: every}},
	{IdentityReview, writes, person, may{system: every}},

	// accounts and groups as an identity management system keeps them
	{ScimRead, reads, person, may{system: every, scopes: in(UsersProvision)}},
	{ScimWrite, writes, person, may{system: every, scopes: in(UsersProvision)}},

	// what a second person agrees to: see approval.go for which action needs which
	{ApprovalList, reads, person, may{account: own, userAdmin: every, security: every, auditor: every}},
	{ApprovalDecide, writes, proved, may{userAdmin: every, security: every, auditor: every}}, // and what is needed for the act
	{ApprovalWithdraw, writes, person, may{account: own}},
	{RoleApprove, writes, proved, may{userAdmin: every, security: every}},
	{ExportAsk, writes, proved, may{auditor: every}},
	{ExportApprove, writes, proved, may{security: every, auditor: every}},
	{RetentionShorten, writes, person, may{system: every}},
	{RetentionApprove, writes, proved, may{security: every, auditor: every}},

	// machines
	{MachineList, reads, token, may{userAdmin: every, security: every, auditor: every, system: every}},
	{MachineAdd, writes, proved, may{userAdmin: every, system: every}},
	{MachineRotate, writes, proved, may{userAdmin: every, system: every}},
	{MachineRemove, writes, proved, may{userAdmin: every, security: every, system: every}},
	{AccessTokenGet, writes, person, may{anonymous: every}},

	// the audit log
	{AuditRead, reads, token, may{auditor: every, system: every, scopes: in(AuditReads)}},
	{AuditExport, reads, token | proved, may{auditor: every, system: every}},
	{AuditFollow, reads, token, may{auditor: every, system: every, scopes: in(AuditReads, AuditCosigns)}},
	{AuditCosign, writes, person, may{scopes: in(AuditCosigns)}},

	// what was noticed
	{FindingList, reads, token, may{security: every, auditor: every, scopes: in(FindingsRead)}},
	{FindingHandle, writes, person, may{security: every}},

	// meetings
	{MeetingList, reads, token, may{user: own, manager: every, scopes: in(MeetingsRead)}},
	{MeetingCreate, writes, token, may{user: own, manager: own}},
	{MeetingRead, reads, token, may{user: own, manager: every, scopes: in(MeetingsRead)}},
	{MeetingUpdate, writes, token, may{user: own, manager: every, scopes: in(MeetingsWrite)}},
	{MeetingDelete, writes, token, may{user: own, manager: every, scopes: in(MeetingsWrite)}},
	{MeetingPreview, reads, token, may{anonymous: every, guest: every, account: every}},

	// conferences
	{ConferenceJoin, writes, token, may{guest: every, account: every}},
	{ConferenceLeave, writes, person, may{participant: every, moderator: every, host: every}},
	{ConferenceEnd, writes, person, may{host: every}},
	{ChatSend, writes, person, may{participant: every, moderator: every, host: every}},
	{ConferenceList, reads, token, may{operator: every, scopes: in(ConferencesRead)}},
	{ConferenceAbandon, writes, token, may{user: own, manager: every, operator: every}},

	// what processes do
	{ConferenceOpen, writes, person, may{system: every}},
	{ConferenceAppend, writes, person, may{worker: own}},
	{TicketRedeem, writes, person, may{worker: own}},
}

// Actions returns all actions in the order of the table.
func Actions() []Action {
	all := make([]Action, 0, len(table))
	for _, r := range table {
		all = append(all, r.action)
	}
	return all
}

// Writes reports whether the action changes something that lasts; an unknown action is reported as writing.
func (a Action) Writes() bool {
	r, ok := find(a)
	return !ok || bool(r.writes)
}

// NeedsProof reports whether who does it in a browser must have proved a short while ago who it is. A token cannot: the proof was
// asked for when it was made.
func (a Action) NeedsProof() bool {
	r, ok := find(a)
	return ok && r.manner&proved != 0
}

func find(a Action) (*rule, bool) {
	for i := range table {
		if table[i].action == a {
			return &table[i], true
		}
	}
	return nil, false
}
