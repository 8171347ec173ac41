package doctor

import (
	"context"

	"konklave/access"
	"konklave/approval"
	"konklave/config"
	"konklave/store"
	"konklave/user"
)

// secondPersons looks whether there are people who can agree to what needs a second person.
func secondPersons(ctx context.Context, c config.Config) []Finding {
	if c.Access.Approvals == config.ApprovalsOff {
		return []Finding{advice("Set access.approvals to required once two people can agree to each other's acts; see docs/operate/approvals.md.",
			"No second person is asked (access.approvals is off): one user administrator alone makes anybody an auditor, operator, security officer or user administrator, and one auditor alone exports the audit log.")}
	}
	db, err := store.Open(ctx, c.DSN(), store.Options{AsIs: true})
	if err != nil {
		return []Finding{unknown("See the finding for the database.", "Whether there are second persons cannot be told: the database cannot be opened.")}
	}
	defer db.Close()
	staff, err := db.Staff(ctx, access.DefaultTenant)
	if err != nil {
		return []Finding{unknown("See the finding for the database.", "Whether there are second persons cannot be told (%v).", cause(err))}
	}
	return judgeStaff(staff)
}

// judgeStaff says who could agree to what.
func judgeStaff(staff []user.User) []Finding {
	const fix = "Give another person the role of security officer on this machine: `konklave user roles --email … --role user,security_officer`. See docs/operate/approvals.md."
	var findings []Finding
	for _, each := range []struct {
		act         approval.Act
		what, until string
	}{
		{approval.RolesAct("", "", ""), "give somebody the role operator, user administrator, security officer or auditor", "Until then roles are given with `konklave user roles` on this machine."},
		{approval.ExportAct(0), "export the audit log", "Until then it is exported with `konklave audit export` on this machine."},
	} {
		asking, pairs := 0, 0
		var people []access.Actor
		for _, u := range staff {
			people = append(people, u.Actor())
		}
		for _, p := range people {
			if !access.Decide(p, each.act.Action, access.Object{Tenant: p.Tenant}).Allowed {
				continue
			}
			asking++
			pairs += len(approval.Deciders(each.act, p.UserID, people))
		}
		switch {
		case pairs > 0:
			findings = append(findings, good("There are people who can %s, and others who can agree to it.", each.what))
		case asking > 0:
			findings = append(findings, advice(fix, "Nobody can agree when somebody is to %s, so that it cannot be done in the browser. %s", each.what, each.until))
		}
	}
	return findings
}
