package httpapi

import (
	"context"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/fault"
)

// Route is one operation of the API: where it is, who may use it, and what it writes to the audit log.
type Route struct {
	Method  string
	Path    string
	ID      string // operation id in the OpenAPI document
	Tag     string
	Summary string
	Action  access.Action // what access must allow; empty only for public reads
	Begins  access.Action // what this only begins: it needs the same proof
	Audits  []audit.Kind  // entries that a success writes, one of them at least; empty for reads
	Codes   []fault.Code  // errors of this operation beyond those of every request
	Status  int           // of a success; 0 means 200, or 204 without a body
	Guest   bool          // a caller without an account becomes a guest
	Nobody  bool          // what is sent is the only proof: whoever has a cookie or a token is taken for nobody
	// Return is where an identity provider sends browsers back to: from another site, and by whatever method its protocol has.
	// Its answer and a cookie that only this one sign-in has are the proof.
	Return bool
}

// Mutates reports whether the route changes something.
func (r Route) Mutates() bool {
	return r.Return || r.Method != http.MethodGet && r.Method != http.MethodHead
}

// Routes lists every operation, in the order of registration.
func (a *API) Routes() []Route { return a.routes }

// needsProof reports whether a person must have proved a short while ago who it is.
func (r Route) needsProof() bool { return r.Action.NeedsProof() || r.Begins.NeedsProof() }

// add registers an operation: the checks of every request, then the handler.
func add[I, O any](a *API, r Route, handler func(context.Context, *I) (*O, error)) {
	rule := bodyRuleOf(reflect.TypeFor[I]())
	if r.needsProof() {
		r.Codes = append(slices.Clone(r.Codes), auth.ErrProofRequired.Code)
	}
	op := huma.Operation{
		Method: r.Method, Path: r.Path, OperationID: r.ID, Summary: r.Summary, Tags: []string{r.Tag},
		Description: describeCodes(r.Codes), DefaultStatus: r.Status,
		// The body is read, bounded and judged by bodyRule.check; parameters by the packages they are handed to.
		SkipValidateBody: true, SkipValidateParams: true, MaxBodyBytes: -1, BodyReadTimeout: -1,
		Responses: map[string]*huma.Response{"default": {
			Description: "Error",
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: a.problemSchema}},
		}},
		Security: security(r),
		Middlewares: huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
			req, w := humago.Unwrap(ctx)
			admitted, err := a.admit(w, req, r)
			if err == nil {
				err = rule.check(w, req, a.limits.RequestBytes)
			}
			if err != nil {
				writeProblem(w, req, a.log, err)
				return
			}
			next(huma.WithContext(ctx, admitted))
		}},
	}
	op.Extensions = map[string]any{"x-action": r.Action, "x-audit": r.Audits}
	if r.Action == "" {
		delete(op.Extensions, "x-action")
	}
	if len(r.Audits) == 0 {
		delete(op.Extensions, "x-audit")
	}
	a.routes = append(a.routes, r)
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, problem(ctx, a.log, err)
		}
		return out, nil
	})
}

// security tells the document which proof an operation needs.
func security(r Route) []map[string][]string {
	nobody := access.Nobody()
	if r.Action == "" || r.Guest || access.Decide(nobody, r.Action, access.Object{Tenant: nobody.Tenant}).Allowed {
		return []map[string][]string{}
	}
	needed := []map[string][]string{{schemeSession: {}}}
	program := access.Actor{Kind: access.KindToken, UserID: "self", Roles: access.AccountRoles(), Tenant: nobody.Tenant}
	if access.Decide(program, r.Action, access.Object{OwnerID: "self", Tenant: nobody.Tenant}).Allowed {
		needed = append(needed, map[string][]string{schemeToken: {}})
	}
	return needed
}

// describeCodes lists the error codes of an operation.
func describeCodes(codes []fault.Code) string {
	if len(codes) == 0 {
		return ""
	}
	text := "Error codes:"
	for i, c := range codes {
		if i > 0 {
			text += ","
		}
		text += " `" + string(c) + "`"
	}
	return text + "."
}
