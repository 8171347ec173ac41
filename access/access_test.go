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

// actors are all sorts of actor, named as the columns of the wanted table below.
func actors() map[string]Actor {
	account := func(role Role) Actor {
		return Actor{Kind: KindAccount, ID: self, UserID: self, Roles: []Role{role}, Tenant: DefaultTenant}
	}
	token := account(RoleUser)
	token.Kind, token.ID = KindToken, "t1"
	guest := func(role Role) Actor {
		a := Guest("g1")
		a.Roles = []Role{role}
		return a
	}
	return map[string]Actor{
		"anonymous": Nobody(), "guest": Guest("g1"), "user": account(RoleUser), "admin": account(RoleAdmin), "token": token,
		"participant": account(RoleParticipant), "host": account(RoleHost), "guestParticipant": guest(RoleParticipant),
		"worker": Worker("c1", DefaultTenant), "system": System("controller"),
	}
}

// wanted names for each action who may do it: "x" to every object of the organisation, "x=" to own objects only. It is
// written by hand, apart from the table, so that a slip in one of them shows.
var wanted = map[Action]string{
	SetupComplete:     "anonymous guest guestParticipant user",
	RecoveryKeyMake:   "system",
	SessionStart:      "anonymous guest guestParticipant user admin",
	SessionList:       "user= admin= token=",
	SessionEnd:        "user= admin=",
	IdentityReview:    "system",
	ProfileRead:       "user= admin= token=",
	ProfileUpdate:     "user= admin= token=",
	PasswordChange:    "user= admin=",
	PasswordReset:     "system",
	TokenList:         "user= admin= token=",
	TokenCreate:       "user= admin=",
	TokenRevoke:       "user= admin=",
	UserList:          "admin system",
	UserCreate:        "admin system",
	MeetingList:       "user= admin= token=",
	MeetingCreate:     "user= admin= token=",
	MeetingRead:       "user= admin= token=",
	MeetingUpdate:     "user= admin= token=",
	MeetingDelete:     "user= admin= token=",
	MeetingPreview:    "anonymous guest guestParticipant user admin token",
	ConferenceJoin:    "guest guestParticipant user admin token",
	ConferenceLeave:   "participant host guestParticipant",
	ConferenceEnd:     "host",
	ChatSend:          "participant host guestParticipant",
	ConferenceList:    "admin",
	ConferenceAbandon: "user= admin token=",
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
			mine := Object{OwnerID: actor.owner(), Tenant: DefaultTenant}
			others := Object{OwnerID: stranger, Tenant: DefaultTenant}
			wantAll := contains(fields, name)
			wantOwn := wantAll || contains(fields, name+"=")
			if got := Decide(actor, action, others).Allowed; got != wantAll {
				t.Errorf("%s %s of others: allowed is %v, want %v", name, action, got, wantAll)
			}
			if got := Decide(actor, action, mine).Allowed; got != wantOwn && actor.owner() != "" {
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

func TestScopesNarrowAToken(t *testing.T) {
	t.Parallel()
	token := actors()["token"]
	token.Scopes = []Action{MeetingList}
	own := Object{OwnerID: self, Tenant: DefaultTenant}
	if !Decide(token, MeetingList, own).Allowed || Decide(token, MeetingDelete, own).Allowed {
		t.Error("the scopes of a token do not count")
	}
}

func TestDenialSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]error{"anonymous": ErrSignInRequired, "guest": ErrSignInRequired, "guestParticipant": ErrDenied, "user": ErrDenied, "worker": ErrDenied} {
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
			if s := string(a); !strings.HasSuffix(s, ".list") && !strings.HasSuffix(s, ".read") && !strings.HasSuffix(s, ".preview") {
				t.Errorf("%s is said not to write", a)
			}
		}
	}
	if reading == 0 {
		t.Error("no reading action at all")
	}
}
