package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/retention"
	"konklave/audit/signing"
	"konklave/config"
	"konklave/store"
)

// RetentionKeeper lets go of what the audit log has kept long enough.
func RetentionKeeper(c config.Config, db *store.Store, log *slog.Logger) *retention.Keeper {
	return &retention.Keeper{
		Log: db, Policy: c.Audit.Keep, Certify: signing.NewClient(SignerSocket(c)).Certify, Now: time.Now, Logger: log,
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
