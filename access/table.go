package access

// Action names something that can be done; it is stable and dotted, object first.
type Action string

// All actions.
const (
	SetupComplete   Action = "setup.complete"
	RecoveryKeyMake Action = "recovery_key.make"

	SessionStart Action = "session.start"
	SessionList  Action = "session.list"
	SessionEnd   Action = "session.end"

	IdentityReview Action = "identity.review"

	ProfileRead    Action = "profile.read"
	ProfileUpdate  Action = "profile.update"
	PasswordChange Action = "password.change"
	PasswordReset  Action = "password.reset"

	TokenList   Action = "token.list"
	TokenCreate Action = "token.create"
	TokenRevoke Action = "token.revoke"

	UserList   Action = "user.list"
	UserCreate Action = "user.create"

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

// rule is one line of the table: how far each sort of actor may go with an action.
type rule struct {
	action Action
	writes bool // changes something that lasts
	token  bool // an API token may do what its account may

	anonymous, guest, user, admin, participant, host, worker, system reach
}

// table is the one place that says who may do what.
//
// An actor gets the farthest reach of the columns that fit: anonymous, guest, worker and system by its kind; user and
// admin by the roles of an account or token; participant and host by the role in a conference.
var table = [...]rule{
	//               writes token  anonymous guest user  admin  particip. host  worker system
	{SetupComplete, true, false, every, every, every, none, none, none, none, none},
	{RecoveryKeyMake, true, false, none, none, none, none, none, none, none, every},

	{SessionStart, true, false, every, every, every, every, none, none, none, none},
	{SessionList, false, true, none, none, own, own, none, none, none, none},
	{SessionEnd, true, false, none, none, own, own, none, none, none, none},

	{IdentityReview, true, false, none, none, none, none, none, none, none, every},

	{ProfileRead, false, true, none, none, own, own, none, none, none, none},
	{ProfileUpdate, true, true, none, none, own, own, none, none, none, none},
	{PasswordChange, true, false, none, none, own, own, none, none, none, none},
	{PasswordReset, true, false, none, none, none, none, none, none, none, every},

	{TokenList, false, true, none, none, own, own, none, none, none, none},
	{TokenCreate, true, false, none, none, own, own, none, none, none, none},
	{TokenRevoke, true, false, none, none, own, own, none, none, none, none},

	{UserList, false, true, none, none, none, every, none, none, none, every},
	{UserCreate, true, true, none, none, none, every, none, none, none, every},

	{MeetingList, false, true, none, none, own, own, none, none, none, none},
	{MeetingCreate, true, true, none, none, own, own, none, none, none, none},
	{MeetingRead, false, true, none, none, own, own, none, none, none, none},
	{MeetingUpdate, true, true, none, none, own, own, none, none, none, none},
	{MeetingDelete, true, true, none, none, own, own, none, none, none, none},
	{MeetingPreview, false, true, every, every, every, every, none, none, none, none},

	{ConferenceJoin, true, true, none, every, every, every, none, none, none, none},
	{ConferenceLeave, true, false, none, none, none, none, every, every, none, none},
	{ConferenceEnd, true, false, none, none, none, none, none, every, none, none},
	{ChatSend, true, false, none, none, none, none, every, every, none, none},

	{ConferenceAbandon, true, true, none, none, own, every, none, none, none, none},

	{ConferenceList, false, true, none, none, none, every, none, none, none, none},
	{ConferenceOpen, true, false, none, none, none, none, none, none, none, every},
	{ConferenceAppend, true, false, none, none, none, none, none, none, own, none},
	{TicketRedeem, true, false, none, none, none, none, none, none, own, none},
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
	return !ok || r.writes
}

func find(a Action) (rule, bool) {
	for _, r := range table {
		if r.action == a {
			return r, true
		}
	}
	return rule{}, false
}
