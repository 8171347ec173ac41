package approval

import (
	"errors"
	"testing"
	"time"

	"konklave/access"
)

// noon is when everything is asked for.
func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func person(id string, roles ...access.Role) access.Actor {
	return access.Actor{Kind: access.KindAccount, ID: id, UserID: id, Roles: roles, Tenant: access.DefaultTenant}
}

func admin(id string) access.Actor   { return person(id, access.RoleUserAdmin) }
func officer(id string) access.Actor { return person(id, access.RoleSecurityOfficer) }
func auditor(id string) access.Actor { return person(id, access.RoleAuditor) }

// asked is a request that anna makes: to make ben an auditor, or to export the log.
func asked(act Act) Request {
	return Request{
		ID: "p1", Tenant: access.DefaultTenant, Act: act, State: Pending, Reason: "because", RequestedBy: "anna", RequestedAt: noon(), ExpiresAt: noon().Add(Lifetime),
	}
}

func roleAct() Act { return RolesAct("ben", "user", "user auditor") }

func TestWhoMayDecide(t *testing.T) {
	t.Parallel()
	stranger := officer("carl")
	stranger.Tenant = "another"
	program := admin("carl")
	program.Kind = access.KindToken
	for name, c := range map[string]struct {
		act  Act
		by   access.Actor
		want error
	}{
		"another administrator":   {roleAct(), admin("carl"), nil},
		"a security officer":      {roleAct(), officer("carl"), nil},
		"whoever asked":           {roleAct(), admin("anna"), ErrOwn},
		"whose account it is":     {roleAct(), admin("ben"), ErrOwn},
		"nobody":                  {roleAct(), access.Nobody(), ErrOwn},
		"an auditor, about roles": {roleAct(), auditor("carl"), access.ErrDenied},
		"an operator":             {roleAct(), person("carl", access.RoleOperator), access.ErrDenied},
		"somebody without a role": {roleAct(), person("carl", access.RoleUser), access.ErrDenied},
		"a program":               {roleAct(), program, access.ErrDenied},
		"a security officer of another installation": {roleAct(), stranger, access.ErrDenied},
		"another auditor, about an export":           {ExportAct(0), auditor("carl"), nil},
		"a security officer, about an export":        {ExportAct(0), officer("carl"), nil},
		"an administrator, about an export":          {ExportAct(0), admin("carl"), access.ErrDenied},
	} {
		_, approved := asked(c.act).Approve(c.by, "", noon())
		_, refused := asked(c.act).Refuse(c.by, "no", noon())
		if !errors.Is(approved, c.want) || !errors.Is(refused, c.want) {
			t.Errorf("%s: approves %v, refuses %v, want %v", name, approved, refused, c.want)
		}
	}
}

func TestARequestExpires(t *testing.T) {
	t.Parallel()
	for at, want := range map[time.Duration]error{0: nil, Lifetime - time.Millisecond: nil, Lifetime: ErrClosed, Lifetime + time.Hour: ErrClosed} {
		r := asked(roleAct())
		if _, err := r.Approve(admin("carl"), "", noon().Add(at)); !errors.Is(err, want) {
			t.Errorf("approved %v later: %v", at, err)
		}
		if _, err := r.Withdraw(admin("anna"), noon().Add(at)); !errors.Is(err, want) {
			t.Errorf("withdrawn %v later: %v", at, err)
		}
		if open := r.As(noon().Add(at)).Open(); open != (want == nil) {
			t.Errorf("%v later it is open: %v", at, open)
		}
		approved, err := asked(ExportAct(0)).Approve(officer("carl"), "fine", noon().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := approved.Use(auditor("anna"), ExportAct(0), noon().Add(time.Hour+at)); !errors.Is(err, want) {
			t.Errorf("used %v after the approval: %v", at, err)
		}
	}
}

func TestWhatIsClosedStaysClosed(t *testing.T) {
	t.Parallel()
	for _, state := range States() {
		r := asked(roleAct())
		r.State = state
		want := map[string]error{"approve": ErrClosed, "refuse": ErrClosed, "withdraw": ErrClosed, "use": ErrClosed}
		switch state {
		case Pending:
			want["approve"], want["refuse"], want["withdraw"] = nil, nil, nil
		case Approved:
			want["withdraw"], want["use"] = nil, nil
		case Used, Refused, Withdrawn, Expired:
		}
		_, approved := r.Approve(admin("carl"), "", noon())
		_, refused := r.Refuse(admin("carl"), "no", noon())
		_, withdrawn := r.Withdraw(admin("anna"), noon())
		_, used := r.Use(admin("anna"), roleAct(), noon())
		for name, err := range map[string]error{"approve": approved, "refuse": refused, "withdraw": withdrawn, "use": used} {
			if !errors.Is(err, want[name]) {
				t.Errorf("%s what is %s: %v, want %v", name, state, err, want[name])
			}
		}
	}
}

func TestOnlyExactlyWhatWasApprovedIsDone(t *testing.T) {
	t.Parallel()
	r := asked(roleAct())
	r.State = Approved
	for name, act := range map[string]Act{
		"another account":  RolesAct("carl", "user", "user auditor"),
		"another role":     RolesAct("ben", "user", "user operator"),
		"one role more":    RolesAct("ben", "user", "user meeting_manager auditor"),
		"from other roles": RolesAct("ben", "user meeting_manager", "user auditor"),
		"another act":      ExportAct(0),
		"another action":   {Action: access.UserDisable, About: r.Act.About, Parameters: r.Act.Parameters},
		"a moved border":   {Action: r.Act.Action, About: r.Act.About + r.Act.Parameters[:1], Parameters: r.Act.Parameters[1:]},
	} {
		if _, err := r.Use(admin("anna"), act, noon()); !errors.Is(err, ErrMismatch) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.Use(admin("carl"), roleAct(), noon()); !errors.Is(err, ErrUnknown) {
		t.Errorf("by somebody else: %v", err)
	}
	used, err := r.Use(admin("anna"), roleAct(), noon())
	if err != nil || used.State != Used || !used.UsedAt.Equal(noon()) {
		t.Fatalf("%+v, %v", used, err)
	}
	if _, err := used.Use(admin("anna"), roleAct(), noon()); !errors.Is(err, ErrClosed) {
		t.Errorf("twice: %v", err)
	}
}

func TestAnExportGoesOnForAnHour(t *testing.T) {
	t.Parallel()
	r := asked(ExportAct(10))
	r.State = Approved
	if _, _, err := r.UseExport(auditor("anna"), 9, noon()); !errors.Is(err, ErrMismatch) {
		t.Errorf("entries before those that were approved: %v", err)
	}
	if _, _, err := r.UseExport(auditor("carl"), 10, noon()); !errors.Is(err, ErrUnknown) {
		t.Errorf("by somebody else: %v", err)
	}
	begun, first, err := r.UseExport(auditor("anna"), 10, noon())
	if err != nil || !first || begun.State != Used {
		t.Fatalf("%+v, %v, %v", begun, first, err)
	}
	for at, want := range map[time.Duration]error{-time.Millisecond: ErrClosed, 0: nil, ExportWindow - time.Millisecond: nil, ExportWindow: ErrClosed} {
		if _, first, err := begun.UseExport(auditor("anna"), 20, noon().Add(at)); !errors.Is(err, want) || first {
			t.Errorf("%v later: %v, %v", at, err, first)
		}
	}
	if _, _, err := begun.UseExport(auditor("carl"), 20, noon()); !errors.Is(err, ErrUnknown) {
		t.Errorf("gone on with by somebody else: %v", err)
	}
	other := asked(roleAct())
	other.State = Approved
	if _, _, err := other.UseExport(admin("anna"), 0, noon()); !errors.Is(err, ErrMismatch) {
		t.Errorf("an approval of something else: %v", err)
	}
}

func TestDeciders(t *testing.T) {
	t.Parallel()
	people := []access.Actor{admin("anna"), admin("ben"), officer("carl"), auditor("dora"), person("emil", access.RoleOperator)}
	for _, c := range []struct {
		act  Act
		by   string
		want string
	}{{roleAct(), "anna", "carl"}, {RolesAct("x", "user", "auditor"), "anna", "bencarl"}, {ExportAct(0), "dora", "carl"}} {
		got := ""
		for _, p := range Deciders(c.act, c.by, people) {
			got += p.UserID
		}
		if got != c.want {
			t.Errorf("%s asked for by %s: %q could decide, want %q", c.act.Action, c.by, got, c.want)
		}
	}
}
