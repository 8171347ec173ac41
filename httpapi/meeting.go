package httpapi

import (
	"context"
	"net/http"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
	"konklave/meeting"
)

func (a *API) addMeetings() {
	titleCodes := []fault.Code{"title.empty", "title.too_long", "title.invalid"}
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/meetings", ID: "listMeetings", Tag: "Meetings", Action: access.MeetingList,
		Summary: "The caller's meetings, the newest first",
	}, a.listMeetings)
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/meetings", ID: "createMeeting", Tag: "Meetings", Action: access.MeetingCreate,
		Summary: "Create a meeting; without a body one to start on the spot",
		Audits:  []audit.Kind{audit.KindMeetingCreated}, Status: http.StatusCreated, Codes: titleCodes,
	}, a.createMeeting)
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/meetings/{id}", ID: "getMeeting", Tag: "Meetings", Action: access.MeetingRead,
		Summary: "One meeting of the caller", Codes: []fault.Code{"meeting.unknown"},
	}, a.getMeeting)
	add(a, Route{
		Method: http.MethodPatch, Path: prefix + "/meetings/{id}", ID: "updateMeeting", Tag: "Meetings", Action: access.MeetingUpdate,
		Summary: "Change a meeting; what is absent stays", Audits: []audit.Kind{audit.KindMeetingChanged},
		Codes: append([]fault.Code{"meeting.unknown"}, titleCodes...),
	}, a.updateMeeting)
	add(a, Route{
		Method: http.MethodDelete, Path: prefix + "/meetings/{id}", ID: "deleteMeeting", Tag: "Meetings", Action: access.MeetingDelete,
		Summary: "Delete a meeting and its link; a running conference goes on until it ends",
		Audits:  []audit.Kind{audit.KindMeetingDeleted}, Codes: []fault.Code{"meeting.unknown"},
	}, a.deleteMeeting)
	a.addAbandon()
}

type listMeetingsInput struct {
	Owner  string `query:"owner" doc:"The meetings of the user with this id, for meeting managers; the caller's own when absent."`
	Before string `query:"before" doc:"Continue with meetings older than the one with this id."`
	Limit  int    `query:"limit" doc:"At most this many, up to 200, which is also the default."`
}

func (a *API) listMeetings(ctx context.Context, in *listMeetingsInput) (*body[page[Meeting]], error) {
	list, err := a.meetings.List(ctx, callerOf(ctx).actor, in.Owner, in.Before, in.Limit)
	if err != nil {
		return nil, err
	}
	return &body[page[Meeting]]{page[Meeting]{show(list, a.showMeeting)}}, nil
}

// NewMeeting is a meeting to create.
type NewMeeting struct {
	Title         *string `json:"title,omitempty" minLength:"1" maxLength:"200" doc:"Absent: a title in the language of the caller."`
	GuestsAllowed *bool   `json:"guestsAllowed,omitempty" doc:"People without an account may join by the link; true when absent."`
}

type createMeetingInput struct{ Body *NewMeeting }

func (a *API) createMeeting(ctx context.Context, in *createMeetingInput) (*body[Meeting], error) {
	who := callerOf(ctx)
	n := meeting.New{GuestsAllowed: true}
	if in.Body != nil && in.Body.GuestsAllowed != nil {
		n.GuestsAllowed = *in.Body.GuestsAllowed
	}
	if in.Body != nil && in.Body.Title != nil {
		n.Title = *in.Body.Title
	} else {
		n.Title = meeting.AdHocTitle(who.user.Language)
	}
	m, err := a.meetings.Create(ctx, who.actor, n)
	if err != nil {
		return nil, err
	}
	return &body[Meeting]{a.showMeeting(m)}, nil
}

func (a *API) getMeeting(ctx context.Context, in *idInput) (*body[Meeting], error) {
	m, err := a.meetings.Get(ctx, callerOf(ctx).actor, in.ID)
	if err != nil {
		return nil, err
	}
	return &body[Meeting]{a.showMeeting(m)}, nil
}

// MeetingChange is what to change of a meeting.
type MeetingChange struct {
	Title         *string `json:"title,omitempty" minLength:"1" maxLength:"200"`
	GuestsAllowed *bool   `json:"guestsAllowed,omitempty"`
}

type updateMeetingInput struct {
	ID   string `path:"id"`
	Body MeetingChange
}

func (a *API) updateMeeting(ctx context.Context, in *updateMeetingInput) (*body[Meeting], error) {
	m, err := a.meetings.Update(ctx, callerOf(ctx).actor, in.ID, meeting.Change(in.Body))
	if err != nil {
		return nil, err
	}
	return &body[Meeting]{a.showMeeting(m)}, nil
}

func (a *API) deleteMeeting(ctx context.Context, in *idInput) (*empty, error) {
	return nil, a.meetings.Delete(ctx, callerOf(ctx).actor, in.ID)
}

func (a *API) showMeeting(m meeting.Meeting) Meeting {
	return showMeeting(m, a.conferences.Running(m.ID))
}
