package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
)

// ExportsPerHour is how often in an hour an account may have everything that is stored about it.
const ExportsPerHour = 3

// ErrExports refuses one more.
var ErrExports = fault.Newf(fault.KindTooMany, "profile.exports", "You have downloaded your data %d times within an hour. Please try again later.", ExportsPerHour)

func newExportLimiter(now func() time.Time) *limiter {
	return newLimiter(ExportsPerHour/time.Hour.Seconds(), ExportsPerHour, now)
}

func (a *API) addPrivacy() {
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/me/export", ID: "exportMe", Tag: "Profile", Action: access.ProfileExport,
		Summary: "Everything that is stored about the caller and may be given to the caller, as one JSON object whose last member, complete, says whether it is all",
		Audits:  []audit.Kind{audit.KindProfileExported}, Status: http.StatusOK, Codes: []fault.Code{ErrExports.Code},
	}, a.exportMe)
}

func (a *API) exportMe(ctx context.Context, _ *struct{}) (*huma.StreamResponse, error) {
	who := callerOf(ctx)
	if !a.exports.allow(who.actor.UserID) {
		return nil, ErrExports
	}
	export, err := a.privacy.Export(ctx, who.actor)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(out huma.Context) {
		out.SetHeader("Content-Type", "application/json")
		out.SetHeader("Content-Disposition", `attachment; filename="konklave-data.json"`)
		out.SetHeader("Cache-Control", "no-store")
		if err := export.Write(ctx, out.BodyWriter()); err != nil {
			// The status is out already; what was cut off is no JSON.
			a.log.ErrorContext(ctx, "an export of what is stored about somebody was not finished", "err", err)
		}
	}}, nil
}
