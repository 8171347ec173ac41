package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"konklave/access"
	"konklave/audit"
	"konklave/scim"
)

// scimPrefix is where provisioning is (RFC 7644). It describes itself there (ServiceProviderConfig, ResourceTypes, Schemas), with
// bodies and errors of its own standard, so that it is not in the OpenAPI document.
const scimPrefix = "/scim/v2"

// scimType is the media type of provisioning (RFC 7644, section 8.1).
const scimType = "application/scim+json"

// ProvisioningRoutes lists every operation of provisioning, in the order of registration.
func (a *API) ProvisioningRoutes() []Route { return a.provisioning }

// scimRequest is one request of provisioning, admitted and with its body read.
type scimRequest struct {
	actor access.Actor
	http  *http.Request
	body  []byte
	base  string // address of the service
}

func (r scimRequest) id() string    { return r.http.PathValue("id") }
func (r scimRequest) match() string { return r.http.Header.Get("If-Match") }
func (r scimRequest) parameter(name string) string {
	for given, values := range r.http.URL.Query() {
		if strings.EqualFold(given, name) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

// scimReply is what a request is answered with; without a resource there is no body.
type scimReply struct {
	status   int // 0 means 200, or 204 without a resource
	resource scim.Object
}

func (a *API) addScim() {
	read := func(path, id, summary string, h func(context.Context, scimRequest) (scimReply, error)) {
		a.provision(Route{Method: http.MethodGet, Path: scimPrefix + path, ID: id, Tag: "SCIM", Action: access.ScimRead, Summary: summary}, h)
	}
	write := func(method, path, id, summary string, h func(context.Context, scimRequest) (scimReply, error), audits ...audit.Kind) {
		a.provision(Route{Method: method, Path: scimPrefix + path, ID: id, Tag: "SCIM", Action: access.ScimWrite, Summary: summary, Audits: audits}, h)
	}
	read("/ServiceProviderConfig", "scimConfig", "What of SCIM 2.0 there is", a.scimConfig)
	read("/ResourceTypes", "scimResourceTypes", "What is provisioned", a.scimResourceTypes)
	read("/ResourceTypes/{id}", "scimResourceType", "One of what is provisioned", a.scimResourceType)
	read("/Schemas", "scimSchemas", "The attributes that are kept", a.scimSchemas)
	read("/Schemas/{id}", "scimSchema", "The attributes of one schema", a.scimSchema)
	read("/Users", "scimUsers", "People who are provisioned", a.scimUsers)
	read("/Users/{id}", "scimUser", "One person", a.scimUser)
	write(http.MethodPost, "/Users", "scimCreateUser", "Add a person", a.scimCreateUser, audit.KindUserCreated, audit.KindUserProvisioned)
	write(http.MethodPut, "/Users/{id}", "scimReplaceUser", "Replace what is kept of a person", a.scimReplaceUser, audit.KindProfileChanged)
	write(http.MethodPatch, "/Users/{id}", "scimPatchUser", "Change a person; active false ends everything at once", a.scimPatchUser,
		audit.KindProfileChanged, audit.KindUserDisabled)
	write(http.MethodDelete, "/Users/{id}", "scimDeleteUser", "Disable a person for good; what belongs to meetings stays", a.scimDeleteUser, audit.KindUserRemoved)
	read("/Groups", "scimGroups", "Groups that are provisioned", a.scimGroups)
	read("/Groups/{id}", "scimGroup", "One group", a.scimGroup)
	write(http.MethodPost, "/Groups", "scimCreateGroup", "Add a group", a.scimCreateGroup, audit.KindGroupCreated)
	write(http.MethodPut, "/Groups/{id}", "scimReplaceGroup", "Replace a group and its members", a.scimReplaceGroup, audit.KindGroupChanged)
	write(http.MethodPatch, "/Groups/{id}", "scimPatchGroup", "Change a group or its members", a.scimPatchGroup, audit.KindGroupChanged)
	write(http.MethodDelete, "/Groups/{id}", "scimDeleteGroup", "Remove a group; the people stay", a.scimDeleteGroup, audit.KindGroupDeleted)
}

// provision registers an operation: the checks of every request, then the handler.
func (a *API) provision(route Route, h func(context.Context, scimRequest) (scimReply, error)) {
	a.provisioning = append(a.provisioning, route)
	a.mux.HandleFunc(route.Method+" "+route.Path, func(w http.ResponseWriter, r *http.Request) {
		ctx, body, err := a.admitProvisioning(w, r, route)
		if err != nil {
			writeProblem(w, r, a.log, err)
			return
		}
		base := a.publicURL
		if base == "" {
			base = ownOrigin(r)
		}
		reply, err := h(ctx, scimRequest{actor: callerOf(ctx).actor, http: r, body: body, base: base + scimPrefix})
		if err != nil {
			writeProblem(w, r.WithContext(ctx), a.log, err)
			return
		}
		reply.write(w, r)
	})
}

// admitProvisioning lets programs in that hold a token, and nobody by a cookie, and reads the body.
func (a *API) admitProvisioning(w http.ResponseWriter, r *http.Request, route Route) (context.Context, []byte, error) {
	if _, byToken := bearerToken(r); !byToken {
		return nil, nil, access.ErrSignInRequired
	}
	ctx, err := a.admit(w, r, route)
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, a.limits.RequestBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, nil, ErrBodyTooLarge
	case err != nil:
		return nil, nil, ErrMalformed.Because(err)
	case route.Method == http.MethodGet || route.Method == http.MethodDelete:
		return ctx, nil, nil
	case len(body) == 0:
		return nil, nil, scim.ErrSyntax
	case !hasContentType(r.Header.Get("Content-Type"), scimType) && !hasContentType(r.Header.Get("Content-Type"), "application/json"):
		return nil, nil, ErrContentType
	}
	return ctx, body, nil
}

// write answers. A resource that the client has already is not sent again.
func (p scimReply) write(w http.ResponseWriter, r *http.Request) {
	if p.resource == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	status := p.status
	if status == 0 {
		status = http.StatusOK
	}
	if about, _ := p.resource["meta"].(scim.Object); about != nil {
		if tag, _ := about["version"].(string); tag != "" {
			w.Header().Set("ETag", tag)
			if known := r.Header.Get("If-None-Match"); r.Method == http.MethodGet && known == tag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
		if place, _ := about["location"].(string); status == http.StatusCreated {
			w.Header().Set("Location", place)
		}
	}
	writeScim(w, status, p.resource)
}

func writeScim(w http.ResponseWriter, status int, resource scim.Object) {
	text, err := json.Marshal(resource, json.Deterministic(true))
	if err != nil {
		panic("httpapi: a resource does not encode: " + err.Error())
	}
	w.Header().Set("Content-Type", scimType)
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client is gone
}

// isProvisioning reports whether a request is answered in the words of RFC 7644.
func isProvisioning(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/scim/") }

// writeScimError is writeProblem for provisioning (RFC 7644, section 3.12).
func writeScimError(w http.ResponseWriter, p Problem) {
	resource := scim.Object{"schemas": []any{scim.SchemaError}, "status": strconv.Itoa(p.Status), "detail": p.Detail}
	if kind := scim.Type(p.Code); kind != "" {
		resource["scimType"] = kind
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	writeScim(w, p.Status, resource)
}
