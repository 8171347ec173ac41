package doctor

import (
	"context"
	"testing"

	"konklave/access"
	"konklave/config"
	"konklave/store"
	"konklave/user"
)

func staffOf(roles ...access.Roles) []user.User {
	var staff []user.User
	for i, r := range roles {
		staff = append(staff, user.User{ID: string(rune('a' + i)), Tenant: access.DefaultTenant, Roles: r})
	}
	return staff
}

func TestWhetherThereIsASecondPerson(t *testing.T) {
	t.Parallel()
	const admin, officer, auditor = access.Administrator, access.Roles("user security_officer"), access.Roles("user auditor")
	for name, c := range map[string]struct {
		staff []user.User
		want  Level
		words string
	}{
		"one administrator":                      {staffOf(admin), Advice, "konklave user roles"},
		"two administrators":                     {staffOf(admin, admin), Good, "give somebody the role"},
		"an administrator and an officer":        {staffOf(admin, officer), Good, "others who can agree"},
		"two administrators, one auditor":        {staffOf(admin, admin, auditor), Advice, "konklave audit export"},
		"an administrator, an officer, one each": {staffOf(admin, officer, auditor), Good, "export the audit log"},
	} {
		expect(t, name, judgeStaff(c.staff), c.want, c.words)
	}
	if got := judgeStaff(nil); got != nil {
		t.Errorf("with nobody who could ask: %v", got)
	}
}

func TestSecondPersonsAreLookedForInTheDatabase(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Data = t.TempDir()
	expect(t, "no database", secondPersons(t.Context(), c), Unknown, "finding for the database")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	expect(t, "no time", secondPersons(over, c), Unknown, "finding for the database")
	c.Access.Approvals = config.ApprovalsOff
	expect(t, "switched off", secondPersons(t.Context(), c), Advice, "alone has it kept for less long")
}

func TestAShorterRetentionThatIsNotInForceIsSaid(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Data = t.TempDir()
	db, err := store.Open(t.Context(), c.DSN(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	said := func(staff []user.User) []Finding { return shorterRetention(t.Context(), c, db, staff) }
	if found := said(nil); len(found) != 0 {
		t.Errorf("the default: %+v", found)
	}
	c.Audit.Keep.Security++
	if found := said(nil); len(found) != 0 {
		t.Errorf("longer: %+v", found)
	}
	c.Audit.Keep.Security = 90
	expect(t, "waits", said(staffOf("user auditor")), Advice, "security 184")
	expect(t, "nobody", said(staffOf(access.Administrator)), Advice, "nobody who could agree")
}
