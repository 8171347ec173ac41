package httpapi

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/fault"
	"konklave/meeting"
	"konklave/user"
)

// ErrRejoinInvalid is the fault of a participant id that cannot be one.
var ErrRejoinInvalid = fault.New(fault.KindInvalid, "rejoin.invalid", "This is not a participant id. Please join again without it.").At("/rejoin")

// participantShape is that of all ids in the protocol.
var participantShape = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (a *API) addJoin() {
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/join/{link}", ID: "previewMeeting", Tag: "Joining", Action: access.MeetingPreview,
		Summary: "What the holder of a link may know", Codes: []fault.Code{"meeting.unknown"},
	}, a.previewMeeting)
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/join/{link}", ID: "joinMeeting", Tag: "Joining", Action: access.ConferenceJoin,
		Summary: "Be admitted to the conference of a meeting, which starts if it is not running",
		Audits:  []audit.Kind{audit.KindParticipantAdmitted}, Guest: true,
		Codes: []fault.Code{
			"meeting.unknown", "meeting.no_guests", "name.empty", "name.too_long", "name.invalid", "rejoin.invalid",
			"server.full", "server.unavailable", "isolation.incomplete", "journal.corrupt",
		},
	}, a.joinMeeting)
}

type linkInput struct {
	Link string `path:"link"`
}

// Preview is what the holder of a link may know before joining.
type Preview struct {
	Title         string `json:"title"`
	Host          string `json:"host" doc:"Name of the person whose meeting it is."`
	GuestsAllowed bool   `json:"guestsAllowed"`
	Running       bool   `json:"running" doc:"People are in it now."`
	Meeting       string `json:"meeting,omitempty" doc:"Its id; only for those who may close its conference when that is damaged."`
}

func (a *API) previewMeeting(ctx context.Context, in *linkInput) (*body[Preview], error) {
	found, err := a.invitation(ctx, in.Link)
	if err != nil {
		return nil, err
	}
	m := found.Meeting
	preview := Preview{Title: m.Title, Host: found.Host, GuestsAllowed: m.GuestsAllowed, Running: a.conferences.Running(m.ID)}
	if access.Decide(callerOf(ctx).actor, access.ConferenceAbandon, m.Object()).Allowed {
		preview.Meeting = m.ID
	}
	return &body[Preview]{preview}, nil
}

// invitation looks a link up. Who asks for too many unknown links is not answered about any for a while.
func (a *API) invitation(ctx context.Context, link string) (meeting.Invitation, error) {
	who := callerOf(ctx)
	source := sourceKey(who.source)
	if a.misses.exhausted(source) {
		return meeting.Invitation{}, ErrRateLimited
	}
	found, err := a.meetings.Preview(ctx, who.actor, link)
	if errors.Is(err, meeting.ErrUnknown) {
		a.misses.allow(source)
	}
	return found, err
}

// Join is a request to be admitted.
type Join struct {
	Name   string `json:"name,omitempty" maxLength:"100" doc:"How a guest is called; the name of an account comes from its profile."`
	Rejoin string `json:"rejoin,omitempty" maxLength:"64" doc:"The participant id this browser had before; honoured for the same account or guest only."`
}

// Admission is what opens a connection to the conference.
type Admission struct {
	Conference string    `json:"conference"`
	Signalling string    `json:"signalling" doc:"Path of the WebSocket."`
	Ticket     string    `json:"ticket" doc:"For the first frame; single use."`
	ExpiresAt  time.Time `json:"expiresAt" doc:"When the ticket expires."`
}

type joinInput struct {
	Link string `path:"link"`
	Body Join
}

type joinOutput struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      Admission
}

func (a *API) joinMeeting(ctx context.Context, in *joinInput) (*joinOutput, error) {
	who := callerOf(ctx)
	found, err := a.invitation(ctx, in.Link)
	if err != nil {
		return nil, err
	}
	m := found.Meeting
	if err := m.Admits(who.actor); err != nil {
		return nil, err
	}
	grant := auth.Grant{Meeting: m.ID, Participant: in.Body.Rejoin, Name: who.user.Name, Role: m.RoleOf(who.actor)}
	if who.actor.Kind == access.KindGuest {
		if grant.Name, err = user.CleanName(in.Body.Name); err != nil {
			return nil, err
		}
	}
	if grant.Participant != "" && !participantShape.MatchString(grant.Participant) {
		return nil, ErrRejoinInvalid
	}
	if grant.Conference, err = a.conferences.Ensure(ctx, m); err != nil {
		return nil, err
	}
	ticket, expires, err := a.tickets.Issue(ctx, who.actor, grant)
	if err != nil {
		return nil, err
	}
	out := &joinOutput{Body: Admission{
		Conference: grant.Conference, Signalling: "/conference/" + grant.Conference + "/signalling", Ticket: ticket, ExpiresAt: expires,
	}}
	if who.guestCookie != "" {
		out.SetCookie = append(out.SetCookie, hostCookie(auth.GuestCookie, who.guestCookie, 0))
	}
	return out, nil
}
