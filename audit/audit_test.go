package audit

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/access"
)

func origin() Origin {
	return Origin{
		At:    time.Date(2026, 11, 21, 13, 0, 0, 5_999_999, time.FixedZone("", 3600)),
		Actor: access.Actor{Kind: access.KindToken, ID: "t1", UserID: "u1", Tenant: "default"},
	}
}

func asked() Approval {
	return Approval{ID: "p1", Action: access.RoleAssign, About: "u2", Parameters: `{"after":["auditor"],"before":["user"]}`}
}

// entries has one entry of every constructor.
func entries() []Entry {
	o := origin()
	r := Report{At: o.At, Actor: access.Guest("g1"), Conference: "c1"}
	return []Entry{
		SetupCompleted(o, "u2"), RecoveryKeyMade(o, "age1"),
		BackupMade(o, "b", 1), BackupFailed(o, "server.disk_full"), BackupRestored(o, o.At), UserCreated(o, "u2", access.Ordinary), UserDisabled(o, "u2", 1), UserEnabled(o, "u2"), UserErased(o, "0123", 1),
		UserProvisioned(o, "u2", "amt"), UserRemoved(o, "u2", "amt", 1),
		GroupCreated(o, "staff", 2), GroupChanged(o, "staff", []string{"displayName"}, 1, 0), GroupDeleted(o, "staff", 2),
		RolesAssigned(o, "u2", access.Administrator, access.Ordinary, 1), ProfileChanged(o, "u2", []string{"name"}),
		PasswordChanged(o, "u2", 3), SessionStarted(o, "s1", "192.0.2.0/24"),
		SessionFailed(o, "", FailureUnknown, "192.0.2.0/24"), SessionLocked(o, "u2", LockAccount, "192.0.2.0/24", o.At),
		IdentityLinked(o, "u2", "amt"), IdentityReturned(o, "u2", "amt"), IdentityBarred(o, "u2", "amt", "roles_conflict", 2, []string{"konklave.yaml:12"}),
		RolesGiven(o, "u2", access.Administrator, access.Ordinary, 1, "amt", []string{"konklave.yaml:12"}), ProviderRefused(o, "amt", "roles_conflict", "192.0.2.0/24", []string{"konklave.yaml:12"}),
		SessionEnded(o, "s1", SessionRevoked), UserUnlocked(o, "u2", 6),
		SessionProved(o, "s1"), FactorAdded(o, "f1", "totp"), FactorRemoved(o, "f1"), FactorsReset(o, "u2", 2), RecoveryCodesMade(o, "u2", 10),
		TokenCreated(o, "t2", o.At), TokenRevoked(o, "t2"),
		MachineAdded(o, "n1", []access.Scope{access.MeetingsRead}, []string{"10.0.0.0/8"}, o.At), MachineRotated(o, "n1", o.At), MachineRemoved(o, "n1", 2),
		AccessTokenIssued(o, "t3", []access.Scope{access.MeetingsRead}, "10.0.0.0/24", o.At),
		AccessTokenRefused(o, "n1", FailureSecret, "192.0.2.0/24"), NetworkDenied(o, "s1", "192.0.2.0/24"),
		MeetingCreated(o, "m1", true), MeetingChanged(o, "m1", []string{"title"}, false), MeetingDeleted(o, "m1"),
		ParticipantAdmitted(o, "c1", "m1", access.RoleHost, true), TicketRefused(o, "c1", TicketForeign),
		ConferenceStarted(o, "c1", "m1"), ConferenceClosed(o, "c1", "lost"), ConferenceEnded(r, "empty"),
		ParticipantJoined(r, "p1", access.RoleParticipant), ParticipantLeft(r, "p1", "left"), ChatSent(r, "msg1"),
		LogBegun(o, "log2", "log1", 7), LogWitnessed(o, "w1", 7), LogExported(o, "log1", 3, 7),
		LogSearched(o, Search{Kind: KindUserCreated, Category: CategorySecurity, Outcome: OutcomeSuccess, About: "u2", As: "actor", From: o.At, Until: o.At}),
		LogSearched(o, Search{}), LogEntryRead(o, 12),
		RetentionChanged(o, "a 1", "a 2"),
		LogRead(o, "log1", "proofs", 5),
		ApprovalRequested(o, asked(), o.At), ApprovalGranted(o, asked()), ApprovalRefused(o, asked()), ApprovalWithdrawn(o, asked()),
		ApprovalExpired(o, asked()), ApprovalUsed(o, asked()),
		FindingHandled(o, "n1", "sign_in.locked", "closed"), ProfileExported(o, "u1"),
		MailSent(o, "u2", "account.locked"),
	}
}

func TestEveryKindHasAConstructor(t *testing.T) {
	t.Parallel()
	made, ids := map[Kind]bool{}, map[string]bool{}
	for _, e := range entries() {
		r := e.Record()
		made[r.Kind] = true
		if ids[r.ID] || len(r.ID) != 26 {
			t.Errorf("%s: id %q", r.Kind, r.ID)
		}
		ids[r.ID] = true
		if r.Outcome == "" || r.Tenant == "" || r.ActorKind == "" || r.ObjectKind == "" || r.Seq != 0 {
			t.Errorf("%s lacks something: %+v", r.Kind, r)
		}
		if err := json.Unmarshal([]byte(r.Details), new(map[string]any)); err != nil {
			t.Errorf("%s: details %q: %v", r.Kind, r.Details, err)
		}
	}
	listed := map[Kind]bool{}
	for _, k := range Kinds() {
		listed[k] = true
	}
	for k := range listed {
		if !made[k] {
			t.Errorf("Kinds() has %s, which no constructor makes", k)
		}
	}
	for k := range made {
		if !listed[k] {
			t.Errorf("Kinds() lacks %s, which a constructor makes", k)
		}
	}
}

func TestRecordSaysWhoWhenWhat(t *testing.T) {
	t.Parallel()
	got := SessionLocked(origin(), "u2", LockAccountSource, "192.0.2.0/24", origin().At).Record()
	want := Record{
		ID: got.ID, At: time.Date(2026, 11, 21, 12, 0, 0, 5_000_000, time.UTC), Kind: KindSessionLocked, Outcome: OutcomeFailure,
		Tenant: "default", ActorKind: access.KindToken, ActorID: "t1", ActorUser: "u1", ObjectKind: "user", ObjectID: "u2",
		Details: `{"scope":"account_source","source":"192.0.2.0/24","until":"2026-11-21T12:00:00.005Z"}`,
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestA45ReportedEntriesNameTheReporter(t *testing.T) {
	t.Parallel()
	r := ChatSent(Report{At: origin().At, Actor: access.Guest("g1"), Conference: "c1"}, "msg1").Record()
	if r.ReportedBy != "c1" || r.ActorKind != access.KindGuest || r.ActorID != "g1" || r.Details != "{}" {
		t.Errorf("got %+v", r)
	}
	if seen := ConferenceStarted(origin(), "c1", "m1").Record(); seen.ReportedBy != "" {
		t.Errorf("what the controller saw itself is marked as reported: %+v", seen)
	}
}
