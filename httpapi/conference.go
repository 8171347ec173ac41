package httpapi

import (
	"context"
	"net/http"
	"time"

	"konklave/access"
	"konklave/conference"
	"konklave/sandbox"
)

func (a *API) addConferences() {
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/conferences", ID: "listConferences", Tag: "Conferences", Action: access.ConferenceList,
		Summary: "The running conferences, and how each is kept apart from the others and from the server",
	}, a.listConferences)
}

// Conference is a running conference as an administrator sees it: nothing of what is said in it.
type Conference struct {
	ID        string    `json:"id"`
	Meeting   string    `json:"meeting" doc:"Id of its meeting."`
	Title     string    `json:"title" doc:"Of its meeting."`
	People    *int      `json:"people,omitempty" doc:"How many are in it; absent for a moment after a restart of the controller."`
	StartedAt time.Time `json:"startedAt"`
	Restarts  int64     `json:"restarts" doc:"How often its process was started again."`
	Isolation Isolation `json:"isolation"`
}

// Isolation is what was verified around the process of a conference when it was started.
type Isolation struct {
	Complete bool        `json:"complete" doc:"Every layer is in force."`
	Layers   []WallLayer `json:"layers" nullable:"false"`
}

// WallLayer is one layer of isolation.
type WallLayer struct {
	Layer   sandbox.Layer `json:"layer"`
	InForce bool          `json:"inForce"`
	Detail  string        `json:"detail" doc:"How it is set, or why it is missing; for administrators, in English."`
}

func (a *API) listConferences(ctx context.Context, _ *empty) (*body[page[Conference]], error) {
	actor := callerOf(ctx).actor
	if err := access.Decide(actor, access.ConferenceList, access.Object{Kind: "conference", Tenant: actor.Tenant}).Err(); err != nil {
		return nil, err
	}
	live, reports, err := a.conferences.Live(ctx)
	if err != nil {
		return nil, err
	}
	items := []Conference{}
	for _, c := range live {
		if c.Tenant != actor.Tenant {
			continue
		}
		item := showConference(c, reports[c.ID])
		people := 0
		if item.Title, people, err = a.conferences.About(ctx, c); err != nil {
			return nil, err
		}
		if people >= 0 {
			item.People = &people
		}
		items = append(items, item)
	}
	return &body[page[Conference]]{page[Conference]{items}}, nil
}

func showConference(c conference.Record, r sandbox.Report) Conference {
	return Conference{
		ID: c.ID, Meeting: c.MeetingID, StartedAt: c.StartedAt, Restarts: max(0, c.Epoch-1),
		Isolation: Isolation{Complete: r.Complete(), Layers: show(r, func(f sandbox.Finding) WallLayer { return WallLayer(f) })},
	}
}
