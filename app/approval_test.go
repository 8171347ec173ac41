package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"konklave/access"
	"konklave/approval"
	"konklave/audit/checkpoint"
	"konklave/audit/sequencer"
	"konklave/audit/signer"
	"konklave/audit/tree"
	"konklave/auth"
	"konklave/config"
	"konklave/store"
	"konklave/user"
)

// overdue is a store that is asked for requests that are over; the first time it fails.
type overdue struct {
	approval.Store

	asked []time.Time
}

// OverdueApprovals notes when it is asked.
func (o *overdue) OverdueApprovals(_ context.Context, now, _ time.Time) ([]approval.Request, error) {
	if o.asked = append(o.asked, now); len(o.asked) == 1 {
		return nil, errors.New("the database is away")
	}
	return nil, nil
}

func TestRequestsAreLookedThroughEachMinuteAlsoAfterAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var o overdue
		var log bytes.Buffer
		begun := time.Now().UTC()
		ctx, cancel := context.WithTimeout(t.Context(), 3*expireEvery-time.Millisecond)
		defer cancel()
		if err := expire(approval.NewService(&o, true, time.Now), slog.New(slog.NewTextHandler(&log, nil)))(ctx); err != nil {
			t.Error(err)
		}
		if len(o.asked) != 2 || !o.asked[0].Equal(begun.Add(expireEvery)) || !o.asked[1].Equal(begun.Add(2*expireEvery)) {
			t.Errorf("begun at %v, asked at %v", begun, o.asked)
		}
		if strings.Count(log.String(), "were not looked through") != 1 {
			t.Errorf("the log says %s", &log)
		}
	})
}

func TestASecondPersonIsWantedWhereTheConfigurationSaysSo(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Data = t.TempDir()
	c.Database = "sqlite:" + filepath.Join(c.Data, "konklave.db")
	db, err := store.Open(t.Context(), c.DSN(), store.Options{})
	must(t, err)
	defer db.Close()
	_, err = Unlock(t.Context(), c, db)
	must(t, err)
	plain := user.NewService(db, auth.NewPasswords(1), time.Now)
	anna, err := plain.Create(t.Context(), access.System("test"), user.New{Email: "anna@example.org", Name: "Anna", Roles: access.Administrator.List(), Password: "correct horse battery"})
	must(t, err)
	ben, err := plain.Create(t.Context(), access.System("test"), user.New{Email: "ben@example.org", Name: "Ben", Roles: access.Ordinary.List(), Password: "correct horse battery"})
	must(t, err)
	held, err := signer.OpenDirectory(filepath.Join(c.Data, "held"), "meet.example.org", time.Now)
	must(t, err)
	defer held.Close()
	must(t, keepKeys(c, []string{held.Log.Key}))
	signOnce(t, db, held)
	auditor := access.Actor{Kind: access.KindAccount, ID: "x", UserID: "x", Roles: []access.Role{access.RoleAuditor}, Tenant: access.DefaultTenant}
	for _, mode := range []config.Approvals{config.ApprovalsRequired, config.ApprovalsOff} {
		c.Access.Approvals = mode
		required := mode == config.ApprovalsRequired
		log := AuditArchive(c, db, time.Now)
		approvals, users := secondPerson(c, db, plain, log)
		if approvals.Required() != required {
			t.Errorf("%s: required is %v", mode, approvals.Required())
		}
		if _, err := users.Assign(t.Context(), anna.Actor(), ben.ID, access.RoleUser, access.RoleOperator); errors.Is(err, access.ErrApprovalRequired) != required || !required && err != nil {
			t.Errorf("%s: roles: %v", mode, err)
		}
		if _, err := log.Segment(t.Context(), auditor, 0, ""); errors.Is(err, access.ErrApprovalRequired) != required || !required && err != nil {
			t.Errorf("%s: an export: %v", mode, err)
		}
	}
}

// signOnce has all that was logged put in order and signed.
func signOnce(t *testing.T, db *store.Store, held *signer.Directory) {
	t.Helper()
	_, err := sequencer.New(db, slog.New(slog.DiscardHandler)).Integrate(t.Context())
	must(t, err)
	var r signer.Request
	r.Size, err = db.AuditSize(t.Context())
	must(t, err)
	r.Root, err = tree.Root(t.Context(), db.AuditTree(), r.Size)
	must(t, err)
	r.Proof, err = tree.ProveGrowth(t.Context(), db.AuditTree(), r.Size, 0)
	must(t, err)
	signed, err := held.Signer().Sign(t.Context(), r)
	must(t, err)
	must(t, db.SaveCheckpoint(t.Context(), checkpoint.Checkpoint{Origin: held.Log.Origin, Size: r.Size, Root: r.Root}, signed))
}
