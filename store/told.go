package store

import (
	"context"
	"log/slog"

	"konklave/finding"
)

// told is what a transaction keeps to be told when it is committed.
type told struct {
	found  []finding.Finding
	nobody bool // is left who administers accounts
}

type toldKey struct{}

// toTell has a finding told at the end of the transaction of ctx.
func toTell(ctx context.Context, f finding.Finding) {
	if kept, ok := ctx.Value(toldKey{}).(*told); ok {
		kept.found = append(kept.found, f)
	}
}

// toTellOfNobody has it told at the end of the transaction of ctx that nobody is left who administers accounts.
func toTellOfNobody(ctx context.Context) {
	if kept, ok := ctx.Value(toldKey{}).(*told); ok {
		kept.nobody = true
	}
}

// log writes one line for each finding: enough for an alarm to go off, and nothing about a person.
func (t *told) log(ctx context.Context, log *slog.Logger) {
	if t.nobody {
		log.WarnContext(ctx, "security: what an identity provider says, the rules for it, or an erasure that was done again has taken away the last user administrator; `konklave user roles` on this machine makes another one")
	}
	for _, f := range t.found {
		log.WarnContext(ctx, finding.Message, "finding", f.ID, "kind", string(f.Kind), "severity", string(f.Kind.Severity()),
			"tenant", f.Tenant, "at", f.At.Format("2006-01-02T15:04:05.000Z07:00"))
	}
}
