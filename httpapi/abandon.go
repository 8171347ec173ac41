package httpapi

import (
	"context"
	"net/http"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
)

func (a *API) addAbandon() {
	add(a, Route{
		Method: http.MethodDelete, Path: prefix + "/meetings/{id}/conference", ID: "abandonConference", Tag: "Meetings", Action: access.ConferenceAbandon,
		Summary: "Close the conference of a meeting that cannot go on because what was stored of it is damaged; the next person who joins begins a new one",
		Audits:  []audit.Kind{audit.KindConferenceEnded},
		Codes:   []fault.Code{"meeting.unknown", "conference.unknown", "conference.running", "journal.sound"},
	}, a.abandonConference)
}

func (a *API) abandonConference(ctx context.Context, in *idInput) (*empty, error) {
	return nil, a.conferences.Abandon(ctx, callerOf(ctx).actor, in.ID)
}
