package app

import (
	"context"
	"log/slog"
	"time"

	"konklave/approval"
	"konklave/audit/archive"
	"konklave/config"
	"konklave/store"
	"konklave/user"
)

// expireEvery is how soon after its time a request for a second person is closed.
const expireEvery = time.Minute

// secondPerson makes what second persons agree to, and has accounts and the audit log ask for it where the configuration says so.
func secondPerson(c config.Config, db *store.Store, users *user.Service, log *archive.Archive) (*approval.Service, *user.Service) {
	required := c.Access.Approvals == config.ApprovalsRequired
	approvals := approval.NewService(db, required, time.Now)
	if required {
		users = users.NeedingApproval()
		log.NeedApproval(approvals)
	}
	return approvals, users
}

// expire closes requests that nobody answered or used in time.
func expire(approvals *approval.Service, log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		tick := time.NewTicker(expireEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
				if err := approvals.Expire(ctx); err != nil && ctx.Err() == nil {
					log.Warn("requests for a second person were not looked through", "err", err)
				}
			}
		}
	}
}
