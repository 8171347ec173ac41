package store

import (
	"context"
	"log/slog"

	"konklave/finding"
)

// told are the findings that a transaction keeps, to be told when it is committed.
type told struct{ found []finding.Finding }

type toldKey struct{}

// toTell has a finding told at the end of the transaction of ctx.
func toTell(ctx context.Context, f finding.Finding) {
	if kept, ok := ctx.Value(toldKey{}).(*told); ok {
		kept.found = append(kept.found, f)
	}
}

// log writes one line for each finding: enough for an alarm to go off, and nothing about a person.
func (t *told) log(ctx context.Context, log *slog.Logger) {
	for _, f := range t.found {
		log.WarnContext(ctx, finding.Message, "finding", f.ID, "kind", string(f.Kind), "severity", string(f.Kind.Severity()),
			"tenant", f.Tenant, "at", f.At.Format("2006-01-02T15:04:05.000Z07:00"))
	}
}
