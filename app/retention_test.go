package app

import (
	"log/slog"
	"testing"
	"time"

	"konklave/approval"
	"konklave/audit/retention"
	"konklave/auth"
	"konklave/config"
	"konklave/store"
	"konklave/user"
)

func TestAShorterRetentionWaitsWhereTheConfigurationWantsASecondPerson(t *testing.T) {
	t.Parallel()
	shorter := retention.Policy{Security: 90, Administration: 100, Conference: 200}
	for mode, want := range map[config.Approvals]struct {
		inForce retention.Policy
		waiting approval.State
	}{
		config.ApprovalsRequired: {shorter.Longer(retention.Default()), approval.Pending},
		config.ApprovalsOff:      {shorter, ""},
	} {
		c := config.Default()
		c.Data, c.Audit.Keep, c.Access.Approvals = t.TempDir(), shorter, mode
		db, err := store.Open(t.Context(), c.DSN(), store.Options{})
		must(t, err)
		defer db.Close()
		_, err = Unlock(t.Context(), c, db)
		must(t, err)
		approvals, _ := secondPerson(c, db, user.NewService(db, auth.NewPasswords(1), time.Now), AuditArchive(c, db, time.Now))
		keeper := RetentionKeeper(c, db, slog.New(slog.DiscardHandler))
		if keeper.Policy != shorter || keeper.Guarded != (mode == config.ApprovalsRequired) || keeper.Certify == nil || keeper.Origin().Actor.ID != "retention" {
			t.Errorf("%s: %+v", mode, keeper)
		}
		for range 2 { // it is asked for once
			inForce, waiting, err := settleRetention(t.Context(), keeper, approvals)
			if err != nil || inForce != want.inForce || waiting != want.waiting {
				t.Errorf("%s: %s is in force, %q, %v; want %+v", mode, inForce, waiting, err, want)
			}
		}
		if inForce, _, err := db.Retention(t.Context()); err != nil || inForce != want.inForce {
			t.Errorf("%s: %s is kept, %v", mode, inForce, err)
		}
	}
}
