package access

import (
	"errors"
	"strings"
	"testing"
)

const (
	stranger = "somebody-else"
	self     = "u1"
)

// actors are all sorts of actor, named as the columns of the wanted table below. "account" has none of the roles.
func actors() map[string]Actor {
	account := func(roles ...Role) Actor {
		return Actor{Kind: KindAccount, ID: self, UserID: self, Roles: roles, Tenant: DefaultTenant}
	}
	program := account(RoleUser)
	program.Kind, program.ID = KindToken, "t1"
	guest := func(role Role) Actor {
		a := Guest("g1")
		a.Roles = []Role{role}
		return a
	}
	all := map[string]Actor{
		"anonymous": Nobody(), "guest": Guest("g1"), "account": account(), "program": program,
		"participant": guest(RoleParticipant), "moderator": guest(RoleModerator), "host": guest(RoleHost), "hostWithAccount": account(RoleHost),
		"worker": Worker("c1", DefaultTenant), "system": System("controller"), "machine": Machine("m1", DefaultTenant),
	}
	for _, scope := range Scopes() {
		all[string(scope)] = Machine("m1", DefaultTenant, scope)
	}
	for _, role := range AccountRoles() {
		all[string(role)] = account(role)
	}
	return all
}

// people may do what any account may, seated what anybody in a conference may.
const (
	people = "account user meeting_manager operator user_admin security_officer auditor hostWithAccount"
	seated = "participant moderator host hostWithAccount"
	guests = "guest participant moderator host"
)

// mine is the same for own objects only.
func mine(names string) string { return strings.Join(strings.Fields(names), "= ") + "=" }

// wanted names for each action who may do it: "x" to every object of the organisation, "x=" to own objects only. It is
// written by hand, apart from the table, so that a slip in one of them shows.
var wanted = map[Action]string{
	SetupComplete:     "anonymous user " + guests,
	RecoveryKeyMake:   "system",
	ScimRead:          "system users.provision",
	ScimWrite:         "system users.provision",
	SessionStart:      "anonymous " + people + " " + guests,
	ProviderFarewell:  "anonymous " + people + " " + guests,
	SessionList:       mine(people + " program"),
	SessionEnd:        mine(people),
	IdentityReview:    "system",
	ProfileRead:       mine(people + " program"),
	ProfileUpdate:     mine(people + " program"),
	ProfileExport:     mine(people),
	PasswordChange:    mine(people),
	PasswordReset:     "system",
	TokenList:         mine(people + " program"),
	TokenCreate:       mine(people),
	TokenRevoke:       mine(people),
	SessionProve:      mine(people),
	FactorList:        mine(people),
	FactorAdd:         mine(people),
	FactorRemove:      mine(people),
	FactorReset:       "system",
	RecoveryCodesMake: mine(people),
	AuditRead:         "auditor system audit.read",
	AuditExport:       "auditor system",
	ApprovalList:      mine(people) + " user_admin security_officer auditor",
	ApprovalDecide:    "user_admin security_officer auditor",
	ApprovalWithdraw:  mine(people),
	RoleApprove:       "user_admin security_officer",
	ExportAsk:         "auditor",
	ExportApprove:     "security_officer auditor",
	RetentionShorten:  "system",
	RetentionApprove:  "security_officer auditor",
	FindingHandle:     "security_officer",
	AuditFollow:       "auditor system audit.read audit.cosign",
	AuditCosign:       "audit.cosign",
	FindingList:       "security_officer auditor findings.read",
	UserList:          "user_admin security_officer auditor system users.read",
	UserCreate:        "user_admin system",
	UserUnlock:        "user_admin security_officer system",
	UserUnlockByMail:  "anonymous " + people + " " + guests,
	UserDisable:       "user_admin security_officer system",
	UserEnable:        "user_admin system",
	UserErase:         "user_admin system",
	RoleAssign:        "user_admin system",
	MachineList:       "user_admin security_officer auditor system",
	MachineAdd:        "user_admin system",
	MachineRotate:     "user_admin system",
	MachineRemove:     "user_admin security_officer system",
	AccessTokenGet:    "anonymous",
	MeetingList:       "user= program= meeting_manager meetings.read",
	MeetingCreate:     "user= program= meeting_manager=",
	MeetingRead:       "user= program= meeting_manager meetings.read",
	MeetingUpdate:     "user= program= meeting_manager meetings.write",
	MeetingDelete:     "user= program= meeting_manager meetings.write",
	MeetingPreview:    "anonymous program " + people + " " + guests,
	ConferenceJoin:    "program " + people + " " + guests,
	ConferenceLeave:   seated,
	ConferenceEnd:     "host hostWithAccount",
	ChatSend:          seated,
	ConferenceList:    "operator conferences.read",
	ConferenceAbandon: "user= program= meeting_manager operator",
	ConferenceOpen:    "system",
	ConferenceAppend:  "worker=",
	TicketRedeem:      "worker=",
}

func TestTableForEveryActionAndActor(t *testing.T) {
	t.Parallel()
	for _, action := range Actions() {
		want, ok := wanted[action]
		if !ok {
			t.Errorf("action %s is not in the test", action)
		}
		fields := strings.Fields(want)
		for name, actor := range actors() {
			his := Object{OwnerID: actor.owner(), Tenant: DefaultTenant}
			others := Object{OwnerID: stranger, Tenant: DefaultTenant}
			wantAll := contains(fields, name)
			wantOwn := wantAll || contains(fields, name+"=")
			if got := Decide(actor, action, others).Allowed; got != wantAll {
				t.Errorf("%s %s of others: allowed is %v, want %v", name, action, got, wantAll)
			}
			if got := Decide(actor, action, his).Allowed; got != wantOwn && actor.owner() != "" {
				t.Errorf("%s own %s: allowed is %v, want %v", name, action, got, wantOwn)
			}
			foreign := Object{OwnerID: actor.owner(), Tenant: "another"}
			if Decide(actor, action, foreign).Allowed {
				t.Errorf("%s %s in another organisation: allowed", name, action)
			}
		}
	}
	if len(wanted) != len(Actions()) {
		t.Errorf("the test knows %d actions, the table %d", len(wanted), len(Actions()))
	}
}

func contains(fields []string, name string) bool {
	for _, f := range fields {
		if f == name {
			return true
		}
	}
	return false
}

func TestUnknownActionIsDenied(t *testing.T) {
	t.Parallel()
	for name, actor := range actors() {
		if Decide(actor, "meeting.steal", Object{}).Allowed {
			t.Errorf("%s may do what is not in the table", name)
		}
	}
	if !Action("meeting.steal").Writes() {
		t.Error("an unknown action is not taken for a writing one")
	}
}

func TestNobodyOwnsObjectsWithoutOwner(t *testing.T) {
	t.Parallel()
	noID := Actor{Kind: KindAccount, Roles: []Role{RoleUser}, Tenant: DefaultTenant}
	if Decide(noID, MeetingRead, Object{Tenant: DefaultTenant}).Allowed {
		t.Error("an account without id owns an object without owner")
	}
}

func TestDenialSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]error{"anonymous": ErrSignInRequired, "guest": ErrSignInRequired, "participant": ErrDenied, "user": ErrDenied, "worker": ErrDenied} {
		actor := actors()[name]
		d := Decide(actor, MeetingRead, Object{OwnerID: stranger, Tenant: DefaultTenant})
		if d.Allowed || d.Reason == "" || !errors.Is(d.Err(), want) {
			t.Errorf("%s: %+v, error %v, want %v", name, d, d.Err(), want)
		}
	}
	if err := Decide(actors()["user"], SessionStart, Object{}).Err(); err != nil {
		t.Errorf("allowed, but %v", err)
	}
}

func TestOnlyReadingActionsDoNotWrite(t *testing.T) {
	t.Parallel()
	reading := 0
	for _, a := range Actions() {
		if !a.Writes() {
			reading++
			if s := string(a); !strings.HasSuffix(s, ".list") && !strings.HasSuffix(s, ".read") && !strings.HasSuffix(s, ".preview") && !strings.HasSuffix(s, ".export") {
				t.Errorf("%s is said not to write", a)
			}
		}
	}
	if reading == 0 {
		t.Error("no reading action at all")
	}
}
