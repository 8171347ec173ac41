// Package meeting is about planned things: title, owner, link and policy. A live run of a meeting is a conference.
package meeting

import (
	"errors"
	"time"

	"konklave/access"
	"konklave/fault"
	"konklave/line"
	"konklave/user"
)

// MaxTitleLength is the number of characters (code points) that a title may have.
const MaxTitleLength = 200

// The faults of a meeting. ErrUnknown is the same for a meeting that never was, was deleted or is of others.
var (
	ErrUnknown      = fault.New(fault.KindNotFound, "meeting.unknown", "There is no such meeting. Please check the link or ask the person who sent it.")
	ErrTitleEmpty   = fault.New(fault.KindInvalid, "title.empty", "Please enter a title.").At("/title")
	ErrTitleTooLong = fault.Newf(fault.KindInvalid, "title.too_long", "A title may have at most %d characters.", MaxTitleLength).At("/title")
	ErrTitleInvalid = fault.New(fault.KindInvalid, "title.invalid", "The title contains characters that are not allowed, such as control or invisible characters.").At("/title")
	ErrNoGuests     = fault.New(fault.KindDenied, "meeting.no_guests", "This meeting is for people with an account. Please sign in.")
)

// Meeting is a planned conference, or one begun on the spot.
type Meeting struct {
	ID            string
	Tenant        string
	OwnerID       string // the user who is its host
	Title         string // as CleanTitle returns it
	Link          string // the secret part of the join link, made by NewLink
	GuestsAllowed bool
	CreatedAt     time.Time // UTC, whole milliseconds
	UpdatedAt     time.Time // of the last change; CreatedAt before the first
	DeletedAt     time.Time // zero while it exists
}

// RoleOf is the role in the conference of someone who joins by the link.
func (m Meeting) RoleOf(actor access.Actor) access.Role {
	if actor.UserID != "" && actor.UserID == m.OwnerID {
		return access.RoleHost
	}
	return access.RoleParticipant
}

// Admits returns ErrNoGuests when the actor is a guest and the meeting has none, an access fault when the actor may not
// join any, and else nil.
func (m Meeting) Admits(actor access.Actor) error {
	if err := access.Decide(actor, access.ConferenceJoin, m.Object()).Err(); err != nil {
		return err
	}
	if actor.Kind == access.KindGuest && !m.GuestsAllowed {
		return ErrNoGuests
	}
	return nil
}

// Object is the meeting as the access table sees it.
func (m Meeting) Object() access.Object {
	return access.Object{Kind: "meeting", ID: m.ID, OwnerID: m.OwnerID, Tenant: m.Tenant}
}

// Invitation is what the holder of a link may know.
type Invitation struct {
	Meeting Meeting
	Host    string // the name of the owner
}

// CleanTitle returns the title as it is stored and shown, or one of the faults above.
func CleanTitle(title string) (string, error) {
	clean, err := line.Clean(title, MaxTitleLength)
	switch {
	case errors.Is(err, line.ErrEmpty):
		return "", ErrTitleEmpty
	case errors.Is(err, line.ErrTooLong):
		return "", ErrTitleTooLong
	case err != nil:
		return "", ErrTitleInvalid
	}
	return clean, nil
}

// AdHocTitle is the title of a meeting that was begun without giving one.
func AdHocTitle(l user.Language) string {
	if l == user.English {
		return "Meeting"
	}
	return "Besprechung"
}
