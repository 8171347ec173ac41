package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"konklave/access"
	"konklave/audit"
	"konklave/privacy"
	"konklave/store/sqlgen"
	"konklave/user"
)

var _ privacy.Store = (*Store)(nil)

// OwnData implements privacy.Store.
func (s *Store) OwnData(ctx context.Context, tenant, userID string, entry audit.Entry) (d privacy.OwnData, err error) {
	err = s.changeAndRecord(ctx, "export what is stored about a person", entry, func(ctx context.Context, q *sqlgen.Queries) error {
		o := own{q: q, tenant: tenant, userID: userID}
		for _, gather := range []func(context.Context) error{o.account, o.sessions, o.proofs, o.organisation, o.conferences, o.noticed, o.approvals} {
			if err := gather(ctx); err != nil {
				return err
			}
		}
		d = o.d
		return nil
	})
	return d, err
}

// own gathers what is stored about one person in the transaction of q.
type own struct {
	q              *sqlgen.Queries
	tenant, userID string
	d              privacy.OwnData
}

// rowsAndOne is how many rows are asked for, to know whether there are more than are given.
const rowsAndOne = privacy.MaxRows + 1

// most converts rows, and notes when there are more than are given.
func most[Row, Value any](d *privacy.OwnData, rows []Row, convert func(Row) Value) []Value {
	if len(rows) > privacy.MaxRows {
		rows, d.Cut = rows[:privacy.MaxRows], true
	}
	return mapped(rows, convert)
}

func (o *own) account(ctx context.Context) error {
	row, err := o.q.UserByID(ctx, sqlgen.UserByIDParams{Tenant: o.tenant, ID: o.userID})
	if err != nil {
		return orElse(err, user.ErrUnknown)
	}
	u := userOf(row)
	o.d.Profile = privacy.OwnProfile{
		ID: u.ID, Email: u.Email, Name: u.Name, Language: string(u.Language), Roles: append([]access.Role{}, u.Roles.List()...),
		Password: row.PasswordHash != "", CreatedAt: u.CreatedAt, DisabledAt: u.DisabledAt,
	}
	return nil
}

func (o *own) sessions(ctx context.Context) error {
	bound, err := o.q.ProviderSessionsOfUser(ctx, sqlgen.ProviderSessionsOfUserParams{Tenant: o.tenant, UserID: o.userID, AtMost: rowsAndOne})
	if err != nil {
		return err
	}
	from := map[string]privacy.OwnProviderSession{}
	for _, r := range bound {
		from[r.SessionID] = privacy.OwnProviderSession{Provider: r.Provider, Subject: r.Subject, Session: r.ProviderSession}
	}
	sessions, err := o.q.AllSessionsOfUser(ctx, sqlgen.AllSessionsOfUserParams{Tenant: o.tenant, UserID: o.userID, AtMost: rowsAndOne})
	if err != nil {
		return err
	}
	o.d.Sessions = most(&o.d, sessions, func(r sqlgen.Session) privacy.OwnSession {
		return privacy.OwnSession{
			ID: r.ID, CreatedAt: fromMillis(r.CreatedAt), SeenAt: fromMillis(r.SeenAt), ExpiresAt: fromMillis(r.ExpiresAt), ProvedAt: fromMillis(r.ProvedAt),
			UserAgent: r.UserAgent, Source: r.Source, From: from[r.ID],
		}
	})
	browsers, err := o.q.DevicesOfUser(ctx, sqlgen.DevicesOfUserParams{Tenant: o.tenant, UserID: o.userID, AtMost: rowsAndOne})
	if err != nil {
		return err
	}
	o.d.Browsers = most(&o.d, browsers, func(until int64) privacy.OwnBrowser { return privacy.OwnBrowser{KnownUntil: fromMillis(until)} })
	retired, err := o.q.RetiredOfUser(ctx, sqlgen.RetiredOfUserParams{Tenant: o.tenant, UserID: o.userID, AtMost: rowsAndOne})
	o.d.Retired = most(&o.d, retired, func(r sqlgen.RetiredOfUserRow) privacy.OwnRetired {
		return privacy.OwnRetired{Kind: r.Kind, SignIn: r.SignIn, At: fromMillis(r.RetiredAt)}
	})
	return err
}

func (o *own) proofs(ctx context.Context) error {
	factors, err := o.q.FactorsOfUser(ctx, sqlgen.FactorsOfUserParams{Tenant: o.tenant, UserID: o.userID})
	if err != nil {
		return err
	}
	o.d.Factors = most(&o.d, factors, func(r sqlgen.Factor) privacy.OwnFactor {
		return privacy.OwnFactor{ID: r.ID, Kind: r.Kind, Name: r.Name, CreatedAt: fromMillis(r.CreatedAt), UsedAt: fromMillis(r.UsedAt)}
	})
	if o.d.Codes, err = o.q.CountRecoveryCodes(ctx, sqlgen.CountRecoveryCodesParams{Tenant: o.tenant, UserID: o.userID}); err != nil {
		return err
	}
	tokens, err := o.q.TokensOfUser(ctx, sqlgen.TokensOfUserParams{Tenant: o.tenant, UserID: o.userID})
	o.d.Tokens = most(&o.d, tokens, func(r sqlgen.ApiToken) privacy.OwnToken {
		return privacy.OwnToken{ID: r.ID, Name: r.Name, CreatedAt: fromMillis(r.CreatedAt), ExpiresAt: fromMillis(r.ExpiresAt), UsedAt: fromMillis(r.UsedAt)}
	})
	return err
}

// organisation gathers what the person's organisation said.
func (o *own) organisation(ctx context.Context) error {
	links, err := o.q.AllIdentitiesOfUser(ctx, sqlgen.AllIdentitiesOfUserParams{Tenant: o.tenant, UserID: o.userID, AtMost: rowsAndOne})
	if err != nil {
		return err
	}
	o.d.Links = most(&o.d, links, linkOf)
	groups, err := o.q.ScimGroupsOf(ctx, sqlgen.ScimGroupsOfParams{Tenant: o.tenant, UserID: o.userID})
	if err != nil {
		return err
	}
	o.d.Groups = most(&o.d, groups, func(r sqlgen.ScimGroup) string { return r.Name })
	row, err := o.q.ScimUser(ctx, sqlgen.ScimUserParams{Tenant: o.tenant, UserID: o.userID})
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	o.d.Provisioned = &privacy.OwnProvisioning{
		ExternalID: row.ExternalID, UserName: row.UserName, Active: row.Active, Said: jsontext.Value(row.Said), CreatedAt: fromMillis(row.CreatedAt),
		ChangedAt: fromMillis(row.ChangedAt), BarredAt: fromMillis(row.BarredAt), RemovedAt: fromMillis(row.RemovedAt),
	}
	return err
}

func (o *own) conferences(ctx context.Context) error {
	meetings, err := o.q.AllMeetingsOfUser(ctx, sqlgen.AllMeetingsOfUserParams{Tenant: o.tenant, UserID: o.userID, AtMost: rowsAndOne})
	if err != nil {
		return err
	}
	o.d.Meetings = most(&o.d, meetings, func(r sqlgen.Meeting) privacy.OwnMeeting {
		return privacy.OwnMeeting{
			ID: r.ID, Title: r.Title, Link: r.Link, GuestsAllowed: r.GuestsAllowed, CreatedAt: fromMillis(r.CreatedAt), ChangedAt: fromMillis(r.UpdatedAt),
			DeletedAt: fromMillis(r.DeletedAt),
		}
	})
	tickets, err := o.q.TicketsOfUser(ctx, sqlgen.TicketsOfUserParams{Tenant: o.tenant, UserID: o.userID, AtMost: rowsAndOne})
	if err != nil {
		return err
	}
	o.d.Tickets = most(&o.d, tickets, func(r sqlgen.Ticket) privacy.OwnTicket {
		return privacy.OwnTicket{
			Conference: r.ConferenceID, Meeting: r.MeetingID, Name: r.Name, Role: r.Role, ExpiresAt: fromMillis(r.ExpiresAt), UsedAt: fromMillis(r.UsedAt),
		}
	})
	admissions, err := o.q.AdmissionsOfUser(ctx, sqlgen.AdmissionsOfUserParams{Tenant: o.tenant, UserID: o.userID, AtMost: rowsAndOne})
	o.d.Admissions = most(&o.d, admissions, func(r sqlgen.AdmissionsOfUserRow) privacy.OwnAdmission {
		return privacy.OwnAdmission{Conference: r.ConferenceID, SignIn: r.SignIn}
	})
	return err
}

func (o *own) noticed(ctx context.Context) error {
	habits, err := o.q.HabitsOf(ctx, sqlgen.HabitsOfParams{Tenant: o.tenant, UserID: o.userID})
	if err != nil {
		return err
	}
	o.d.Habits = most(&o.d, habits, func(r sqlgen.Habit) privacy.OwnHabit {
		return privacy.OwnHabit{Aspect: r.Aspect, Value: r.Value, Mark: r.Mark, Times: r.Times, FirstAt: fromMillis(r.FirstAt), LastAt: fromMillis(r.LastAt)}
	})
	findings, err := o.q.FindingsOfUser(ctx, sqlgen.FindingsOfUserParams{Tenant: o.tenant, UserID: o.userID, AtMost: rowsAndOne})
	o.d.Findings = most(&o.d, findings, func(r sqlgen.FindingsOfUserRow) privacy.OwnFinding {
		return privacy.OwnFinding{Kind: r.Kind, At: fromMillis(r.At)}
	})
	return err
}

// approvals gathers those in which the person has a part: of each only the person's own words, and what is about nobody else.
func (o *own) approvals(ctx context.Context) error {
	rows, err := o.q.ApprovalsWith(ctx, sqlgen.ApprovalsWithParams{Tenant: o.tenant, UserID: o.userID, AtMost: rowsAndOne})
	o.d.Approvals = most(&o.d, rows, func(r sqlgen.Approval) privacy.OwnApproval {
		a := privacy.OwnApproval{
			ID: r.ID, Action: r.Action, State: r.State, Asked: r.RequestedBy.String == o.userID, About: r.About == o.userID, Decided: r.DecidedBy == o.userID,
			RequestedAt: fromMillis(r.RequestedAt), DecidedAt: fromMillis(r.DecidedAt), UsedAt: fromMillis(r.UsedAt),
		}
		if a.Asked {
			a.Reason = r.Reason
		}
		if a.Decided {
			a.Note = r.Note
		}
		if a.About || r.About == "" {
			a.Parameters = jsontext.Value(r.Parameters)
		}
		return a
	})
	return err
}
