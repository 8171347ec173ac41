package doctor

import (
	"context"
	"strings"
	"time"

	"konklave/audit/retention"
	"konklave/config"
	"konklave/store"
)

// pruneLate is how long nobody may have looked for entries whose retention is over.
const pruneLate = 50 * time.Hour

// auditRights looks what PostgreSQL keeps the server from doing to the audit log, and whether somebody removes what was kept long
// enough. SQLite knows no roles; docs/operate/audit.md says what that means.
func auditRights(ctx context.Context, c config.Config, now time.Time) []Finding {
	if !strings.HasPrefix(c.DSN(), "postgres") {
		return nil
	}
	db, err := store.Open(ctx, c.DSN(), store.Options{AsIs: true})
	if err != nil {
		return nil // the finding for the database says so
	}
	defer db.Close()
	rights, err := db.Rights(ctx)
	if err != nil {
		return []Finding{unknown("See the finding for the database.", "What the role of the server may do to the audit log cannot be told (%v).", cause(err))}
	}
	if text := rights.Sentence(); text != "" {
		return []Finding{advice("Give the tables to another role, and run `konklave database prepare`; see docs/operate/postgresql.md.", "%s", text)}
	}
	findings := []Finding{good("The role %q of the server can add to the audit log, and PostgreSQL keeps it from changing or removing what is in it.", rights.Role)}
	end, err := db.LeaseEnd(ctx, retention.Lease)
	switch fix := "Have `konklave audit prune` run every day, with the address of the role that owns the tables; see docs/operate/postgresql.md."; {
	case err != nil:
		return append(findings, unknown("See the finding for the database.", "Whether entries are removed when their retention is over cannot be told (%v).", cause(err)))
	case end.IsZero():
		return append(findings, failed(fix, "Nobody has ever looked for entries of the audit log whose retention is over."))
	case end.After(now.Add(retention.AheadMax)):
		return append(findings, failed("Set the clock; if it is right, run `konklave audit prune --clock-is-right` once, with the address of the role that owns the tables; see docs/operate/audit.md.",
			"No entries of the audit log are removed when their retention is over: somebody is said to be at it until %s.", end.Format(time.RFC3339)))
	case now.Sub(end) > pruneLate:
		return append(findings, failed(fix, "Nobody has looked for entries of the audit log whose retention is over since %s.", end.Format(time.RFC3339)))
	}
	return findings
}
