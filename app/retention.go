package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"konklave/access"
	"konklave/approval"
	"konklave/audit"
	"konklave/audit/retention"
	"konklave/audit/signing"
	"konklave/config"
	"konklave/store"
)

// RetentionKeeper lets go of what the audit log has kept long enough.
func RetentionKeeper(c config.Config, db *store.Store, log *slog.Logger) *retention.Keeper {
	return &retention.Keeper{
		Log: db, Policy: c.Audit.Keep, Guarded: c.Access.Approvals == config.ApprovalsRequired, Certify: signing.NewClient(SignerSocket(c)).Certify, Now: time.Now, Logger: log,
		Origin: func() audit.Origin {
			actor := access.System("retention")
			actor.Tenant = access.DefaultTenant
			return audit.Origin{At: time.Now(), Actor: actor}
		},
	}
}

// retainer runs a RetentionKeeper, unless the database keeps this role from removing anything: then `konklave audit prune` does it,
// as the role that may.
func retainer(c config.Config, db *store.Store, log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		rights, err := db.Rights(ctx)
		if err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "whether this role may remove entries of the audit log whose retention is over cannot be told; it does not", "err", err)
		}
		if err != nil || !rights.Prunes {
			<-ctx.Done()
			return nil
		}
		return RetentionKeeper(c, db, log).Run(ctx, time.After)
	}
}

// askRetention has a second person asked when the configuration keeps the audit log for less long than what is in force, and looks
// from time to time whether there is still something to ask.
func askRetention(c config.Config, db *store.Store, approvals *approval.Service, log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		keeper, said := RetentionKeeper(c, db, log), approval.State("")
		tick := time.NewTicker(retention.Every)
		defer tick.Stop()
		for {
			inForce, waiting, err := settleRetention(ctx, keeper, approvals)
			switch {
			case ctx.Err() != nil:
				return nil
			case err != nil:
				log.Warn("whether a second person must agree to the retention of the audit log cannot be told; it is tried again", "err", err)
			case waiting == said:
			case waiting == approval.Refused:
				log.Warn("a second person refused the shorter retention of the audit log; the longer one stays in force", "in_force", inForce, "configured", c.Audit.Keep)
			case waiting != "":
				log.Warn("a shorter retention of the audit log waits for a second person on the page /approvals; until then the longer one is in force", "in_force", inForce, "configured", c.Audit.Keep)
			}
			if err == nil {
				said = waiting
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// settleRetention puts what is configured in force as far as it may be, and asks for the rest.
func settleRetention(ctx context.Context, keeper *retention.Keeper, approvals *approval.Service) (retention.Policy, approval.State, error) {
	if _, err := keeper.Note(ctx); err != nil {
		return retention.Policy{}, "", err
	}
	return approvals.AskRetention(ctx, keeper.Policy)
}

// machine tells this instance from others on the same database.
func machine(c config.Config) string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	dir, err := filepath.Abs(c.Data)
	if err != nil {
		dir = c.Data
	}
	return fmt.Sprintf("%s:%s", host, dir)
}
