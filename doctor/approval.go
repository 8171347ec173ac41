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
			"No second person is asked (access.approvals is off): one user administrator alone makes anybody an auditor, operator, security officer or user administrator, one auditor alone exports the audit log, and whoever writes the configuration alone has it kept for less long.")}
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
	return append(judgeStaff(staff), shorterRetention(ctx, c, db, staff)...)
}

// shorterRetention says that the audit log is kept for longer than the configuration says.
func shorterRetention(ctx context.Context, c config.Config, db *store.Store, staff []user.User) []Finding {
	inForce, refused, err := db.Retention(ctx)
	if err != nil {
		return []Finding{unknown("See the finding for the database.", "Which retention of the audit log is in force cannot be told (%v).", cause(err))}
	}
	var people []access.Actor
	for _, u := range staff {
		people = append(people, u.Actor())
	}
	const stays = "The configuration keeps the audit log for less long (days: %s) than what is in force (days: %s), which stays in force: "
	switch {
	case inForce.Longer(c.Audit.Keep) == c.Audit.Keep:
		return nil
	case refused == c.Audit.Keep:
		return []Finding{advice("Set audit.keep-…-days to what is in force, or to other values, which are asked for anew; see docs/operate/audit.md.",
			stays+"a second person refused the shorter one.", c.Audit.Keep, inForce)}
	case len(approval.Deciders(approval.RetentionAct(inForce, c.Audit.Keep), "", people)) == 0:
		return []Finding{advice("Give somebody the role of security officer or auditor: `konklave user roles --email … --role user,security_officer`; see docs/operate/approvals.md.",
			stays+"the shorter one waits for a second person, and there is nobody who could agree.", c.Audit.Keep, inForce)}
	}
	return []Finding{advice("Have a security officer or an auditor decide about it on the page /approvals, after the server was started with this configuration; see docs/operate/audit.md.",
		stays+"the shorter one waits for a second person.", c.Audit.Keep, inForce)}
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
