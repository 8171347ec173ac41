package meeting

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"konklave/access"
	"konklave/audit"
)

// MaxPage is how many meetings one List returns at most.
const MaxPage = 200

// Store keeps meetings. A method that changes something writes the entry in the same transaction.
type Store interface {
	InsertMeeting(ctx context.Context, m Meeting, entry audit.Entry) error
	// Meeting fails with ErrUnknown, also for a deleted one.
	Meeting(ctx context.Context, tenant, id string) (Meeting, error)
	// Invitation finds a meeting by its link in all tenants; it fails with ErrUnknown, also for a deleted one.
	Invitation(ctx context.Context, link string) (Invitation, error)
	// Meetings returns at most limit meetings of the owner that were created before the one with the id beforeID (or
	// any, when that is empty), the newest first.
	Meetings(ctx context.Context, tenant, ownerID, beforeID string, limit int) ([]Meeting, error)
	// ChangeMeeting reads the meeting, calls change and stores what it returns, all in one transaction; nothing is
	// stored when change fails. It fails with ErrUnknown, also for a deleted one.
	ChangeMeeting(ctx context.Context, tenant, id string, change func(Meeting) (Meeting, audit.Entry, error)) (Meeting, error)
}

// Service creates, finds, changes and deletes meetings.
type Service struct {
	store Store
	now   func() time.Time
}

// NewService returns a Service that takes the time from now.
func NewService(store Store, now func() time.Time) *Service {
	return &Service{store: store, now: now}
}

// New is what a meeting is made of.
type New struct {
	Title         string
	GuestsAllowed bool
}

// Create makes a meeting that belongs to the actor. Faults: access, title.*.
func (s *Service) Create(ctx context.Context, actor access.Actor, n New) (Meeting, error) {
	own := access.Object{Kind: "meeting", OwnerID: actor.UserID, Tenant: actor.Tenant}
	if err := access.Decide(actor, access.MeetingCreate, own).Err(); err != nil {
		return Meeting{}, err
	}
	title, err := CleanTitle(n.Title)
	if err != nil {
		return Meeting{}, err
	}
	link, err := NewLink(rand.Reader)
	if err != nil {
		return Meeting{}, fmt.Errorf("make link: %w", err)
	}
	at := s.time()
	m := Meeting{
		ID: strings.ToLower(rand.Text()), Tenant: actor.Tenant, OwnerID: actor.UserID, Title: title, Link: link,
		GuestsAllowed: n.GuestsAllowed, CreatedAt: at, UpdatedAt: at,
	}
	if err := s.store.InsertMeeting(ctx, m, audit.MeetingCreated(s.origin(actor, at), m.ID, m.GuestsAllowed)); err != nil {
		return Meeting{}, err
	}
	return m, nil
}

// Get returns a meeting to its owner. Faults: access, meeting.unknown.
func (s *Service) Get(ctx context.Context, actor access.Actor, id string) (Meeting, error) {
	if err := access.Decide(actor, access.MeetingRead, ownObject(actor, id)).Err(); err != nil {
		return Meeting{}, err
	}
	m, err := s.store.Meeting(ctx, actor.Tenant, id)
	if err != nil {
		return Meeting{}, err
	}
	if err := access.Decide(actor, access.MeetingRead, m.Object()).Err(); err != nil {
		return Meeting{}, ErrUnknown.Because(err)
	}
	return m, nil
}

// List returns the meetings of the user ownerID, or the actor's own when that is empty, the newest first, at most limit (and
// MaxPage) of them, starting after the one with the id beforeID.
func (s *Service) List(ctx context.Context, actor access.Actor, ownerID, beforeID string, limit int) ([]Meeting, error) {
	object := ownObject(actor, "")
	if ownerID != "" {
		object.OwnerID = ownerID
	}
	if err := access.Decide(actor, access.MeetingList, object).Err(); err != nil {
		return nil, err
	}
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	return s.store.Meetings(ctx, actor.Tenant, object.OwnerID, beforeID, limit)
}

// Preview returns what the holder of a link may know. Faults: access, meeting.unknown.
func (s *Service) Preview(ctx context.Context, actor access.Actor, link string) (Invitation, error) {
	if !LinkShaped(link) {
		return Invitation{}, ErrUnknown
	}
	i, err := s.store.Invitation(ctx, link)
	if err != nil {
		return Invitation{}, err
	}
	if err := access.Decide(actor, access.MeetingPreview, i.Meeting.Object()).Err(); err != nil {
		return Invitation{}, ErrUnknown.Because(err)
	}
	return i, nil
}

// Change is what to change of a meeting; nil leaves a field as it is.
type Change struct {
	Title         *string
	GuestsAllowed *bool
}

// Update changes a meeting of the actor. Faults: access, meeting.unknown, title.*. A change that changes nothing is
// written to the audit log too.
func (s *Service) Update(ctx context.Context, actor access.Actor, id string, c Change) (Meeting, error) {
	return s.change(ctx, actor, access.MeetingUpdate, id, func(m Meeting, at time.Time) (Meeting, audit.Entry, error) {
		fields := []string{}
		if c.Title != nil {
			title, err := CleanTitle(*c.Title)
			if err != nil {
				return Meeting{}, audit.Entry{}, err
			}
			m.Title, fields = title, append(fields, "title")
		}
		if c.GuestsAllowed != nil {
			m.GuestsAllowed, fields = *c.GuestsAllowed, append(fields, "guestsAllowed")
		}
		m.UpdatedAt = at
		return m, audit.MeetingChanged(s.origin(actor, at), m.ID, fields, m.GuestsAllowed), nil
	})
}

// Delete ends the life of a meeting of the actor and of its link. A conference of it that is running is not ended by
// this. Faults: access, meeting.unknown.
func (s *Service) Delete(ctx context.Context, actor access.Actor, id string) error {
	_, err := s.change(ctx, actor, access.MeetingDelete, id, func(m Meeting, at time.Time) (Meeting, audit.Entry, error) {
		m.UpdatedAt, m.DeletedAt = at, at
		return m, audit.MeetingDeleted(s.origin(actor, at), m.ID), nil
	})
	return err
}

// change runs do on a meeting after the table allowed the action on it, in the transaction that stores the result.
func (s *Service) change(ctx context.Context, actor access.Actor, action access.Action, id string, do func(Meeting, time.Time) (Meeting, audit.Entry, error)) (Meeting, error) {
	if err := access.Decide(actor, action, ownObject(actor, id)).Err(); err != nil {
		return Meeting{}, err
	}
	return s.store.ChangeMeeting(ctx, actor.Tenant, id, func(m Meeting) (Meeting, audit.Entry, error) {
		if err := access.Decide(actor, action, m.Object()).Err(); err != nil {
			return Meeting{}, audit.Entry{}, ErrUnknown.Because(err)
		}
		return do(m, s.time())
	})
}

// ownObject stands for a meeting of the actor's own: who may not even touch that learns so before anything is read.
func ownObject(actor access.Actor, id string) access.Object {
	return access.Object{Kind: "meeting", ID: id, OwnerID: actor.UserID, Tenant: actor.Tenant}
}

func (s *Service) time() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

func (s *Service) origin(actor access.Actor, at time.Time) audit.Origin {
	return audit.Origin{At: at, Actor: actor}
}
