package approval

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/retention"
)

// Days is for how many days each category of the audit log is kept.
type Days struct {
	Administration int `json:"administration" doc:"Accounts, backups."`
	Conference     int `json:"conference" doc:"Meetings, and what happens in them."`
	Security       int `json:"security" doc:"Who proved what to whom, roles, keys, the log itself."`
}

// RetentionChange are the parameters of access.RetentionShorten.
type RetentionChange struct {
	After  Days `json:"after"`
	Before Days `json:"before"`
}

// daysOf is a policy as parameters say it.
func daysOf(p retention.Policy) Days { return Days{p.Administration, p.Conference, p.Security} }

// Policy is what the audit log is kept by.
func (d Days) Policy() retention.Policy {
	return retention.Policy{Security: d.Security, Administration: d.Administration, Conference: d.Conference}
}

// RetentionAct is to keep some of the audit log for less long.
func RetentionAct(before, after retention.Policy) Act {
	return newAct(access.RetentionShorten, "", RetentionChange{After: daysOf(after), Before: daysOf(before)})
}

// retention are the parameters of access.RetentionShorten.
func (a Act) retention() (c RetentionChange, err error) {
	err = json.Unmarshal([]byte(a.Parameters), &c, json.RejectUnknownMembers(true))
	return c, err
}

// reasonRetention is why the server asks.
const reasonRetention = "The configuration of the server says so (audit.keep-…-days)."

// configuration is who asks for what the configuration says: nobody knows who wrote it.
func configuration() access.Actor {
	actor := access.System("retention")
	actor.Tenant = access.DefaultTenant
	return actor
}

// requesterOf is who asked, as they are now.
func requesterOf(r Request, p Parties) access.Actor {
	if r.RequestedBy == "" {
		return configuration()
	}
	return p.Requester.Actor()
}

// shortened is what comes of the agreement to a shorter retention.
func shortened(o Outcome, by access.Actor, at time.Time) (Outcome, error) {
	change, err := o.Request.Act.retention()
	if err != nil {
		return Outcome{}, err
	}
	o.Retention, o.Request.State, o.Request.UsedAt = &change, Used, at
	changed := audit.RetentionChanged(audit.Origin{At: at, Actor: by}, change.Before.Policy().String(), change.After.Policy().String())
	o.Entries = append(o.Entries, changed)
	return o, nil
}

// AskRetention asks, in the name of the server, for somebody who agrees to the retention of the configuration where that keeps
// something for less long than what is in force. It asks once: not while it waits for an answer, and not for what was refused. What
// the server asked for and is not configured any more is withdrawn. Waiting is Pending or Refused, or empty when all is in force.
func (s *Service) AskRetention(ctx context.Context, configured retention.Policy) (inForce retention.Policy, waiting State, err error) {
	if err := s.Expire(ctx); err != nil {
		return inForce, "", err
	}
	inForce, refused, err := s.store.Retention(ctx)
	if err != nil {
		return inForce, "", err
	}
	wanted := s.required && inForce.Longer(configured) != configured
	act := RetentionAct(inForce, configured)
	if err := s.withdrawRetention(ctx, func(a Act) bool { return wanted && a.Digest() == act.Digest() }); err != nil {
		return inForce, "", err
	}
	switch {
	case !wanted:
		return inForce, "", nil
	case refused == configured:
		return inForce, Refused, nil
	}
	at, actor := s.now(), configuration()
	r := Request{
		ID: strings.ToLower(rand.Text()), Tenant: actor.Tenant, Act: act, State: Pending,
		Reason: reasonRetention, RequestedAt: at, ExpiresAt: at.Add(RetentionTime),
	}
	err = s.store.InsertApproval(ctx, r, audit.ApprovalRequested(audit.Origin{At: at, Actor: actor}, r.audited(), r.ExpiresAt))
	if errors.Is(err, ErrAsked) {
		err = nil
	}
	return inForce, Pending, err
}

// withdrawRetention takes back what the server asks for, but not what stays.
func (s *Service) withdrawRetention(ctx context.Context, stays func(Act) bool) error {
	all, err := s.store.Approvals(ctx, access.DefaultTenant, MaxPage)
	if err != nil {
		return err
	}
	for _, each := range all {
		if each.Act.Action != access.RetentionShorten || !each.Open() || stays(each.Act) {
			continue
		}
		_, err := s.store.ChangeApproval(ctx, each.Tenant, each.ID, "", func(r Request, _ Parties) (Outcome, error) {
			at := s.now()
			if !r.As(at).Open() {
				return Outcome{}, ErrClosed
			}
			r.State = Withdrawn
			return Outcome{Request: r, Entries: []audit.Entry{audit.ApprovalWithdrawn(audit.Origin{At: at, Actor: configuration()}, r.audited())}}, nil
		})
		if err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, ErrUnknown) {
			return err
		}
	}
	return nil
}
