package httpapi

import (
	"context"
	"net/http"

	"konklave/scim"
)

func (a *API) scimConfig(_ context.Context, r scimRequest) (scimReply, error) {
	return scimReply{resource: scim.Configuration(r.base)}, nil
}

func (a *API) scimResourceTypes(_ context.Context, r scimRequest) (scimReply, error) {
	var all []scim.Object
	for _, t := range scimTypes() {
		all = append(all, t.Describe(r.base))
	}
	return scimReply{resource: scim.Listed(all, len(all), 1)}, nil
}

func scimTypes() []*scim.ResourceType {
	return []*scim.ResourceType{scim.UserType(), scim.GroupType()}
}

func (a *API) scimResourceType(_ context.Context, r scimRequest) (scimReply, error) {
	for _, t := range scimTypes() {
		if t.Name == r.id() {
			return scimReply{resource: t.Describe(r.base)}, nil
		}
	}
	return scimReply{}, scim.ErrUnknown
}

func (a *API) scimSchemas(_ context.Context, r scimRequest) (scimReply, error) {
	var all []scim.Object
	for _, s := range scim.Schemas(scimTypes()...) {
		all = append(all, s.Describe(r.base))
	}
	return scimReply{resource: scim.Listed(all, len(all), 1)}, nil
}

func (a *API) scimSchema(_ context.Context, r scimRequest) (scimReply, error) {
	for _, s := range scim.Schemas(scimTypes()...) {
		if s.ID == r.id() {
			return scimReply{resource: s.Describe(r.base)}, nil
		}
	}
	return scimReply{}, scim.ErrUnknown
}

func (a *API) scimUsers(ctx context.Context, r scimRequest) (scimReply, error) {
	q, err := scim.UserType().ParseQuery(r.parameter)
	if err != nil {
		return scimReply{}, err
	}
	list, err := a.scim.Users(ctx, r.actor, q, r.base)
	return scimReply{resource: list}, err
}

// choice is which attributes the answer has.
func (r scimRequest) choice(t *scim.ResourceType) (scim.Choice, error) {
	return t.ParseChoice(r.parameter("attributes"), r.parameter("excludedAttributes"))
}

// shownPerson answers with a person.
func (r scimRequest) shownPerson(status int, c scim.Choice, f scim.Found, err error) (scimReply, error) {
	if err != nil {
		return scimReply{}, err
	}
	return scimReply{status, c.Of(f.Person.Resource(r.base, f.Groups))}, nil
}

func (a *API) scimUser(ctx context.Context, r scimRequest) (scimReply, error) {
	c, err := r.choice(scim.UserType())
	if err != nil {
		return scimReply{}, err
	}
	f, err := a.scim.User(ctx, r.actor, r.id())
	return r.shownPerson(http.StatusOK, c, f, err)
}

// sentUser is what a request says a person should be, and how it is to be answered.
func (r scimRequest) sentUser() (scim.Object, scim.Choice, error) {
	c, err := r.choice(scim.UserType())
	if err != nil {
		return nil, c, err
	}
	resource, err := scim.UserType().Parse(r.body)
	return resource, c, err
}

func (a *API) scimCreateUser(ctx context.Context, r scimRequest) (scimReply, error) {
	resource, c, err := r.sentUser()
	if err != nil {
		return scimReply{}, err
	}
	f, err := a.scim.CreateUser(ctx, r.actor, resource)
	return r.shownPerson(http.StatusCreated, c, f, err)
}

func (a *API) scimReplaceUser(ctx context.Context, r scimRequest) (scimReply, error) {
	resource, c, err := r.sentUser()
	if err != nil {
		return scimReply{}, err
	}
	f, err := a.scim.ReplaceUser(ctx, r.actor, r.id(), r.match(), resource)
	return r.shownPerson(http.StatusOK, c, f, err)
}

func (a *API) scimPatchUser(ctx context.Context, r scimRequest) (scimReply, error) {
	c, err := r.choice(scim.UserType())
	if err != nil {
		return scimReply{}, err
	}
	steps, err := scim.UserType().ParsePatch(r.body)
	if err != nil {
		return scimReply{}, err
	}
	f, err := a.scim.PatchUser(ctx, r.actor, r.id(), r.match(), steps)
	return r.shownPerson(http.StatusOK, c, f, err)
}

func (a *API) scimDeleteUser(ctx context.Context, r scimRequest) (scimReply, error) {
	return scimReply{}, a.scim.DeleteUser(ctx, r.actor, r.id(), r.match())
}

func (a *API) scimGroups(ctx context.Context, r scimRequest) (scimReply, error) {
	q, err := scim.GroupType().ParseQuery(r.parameter)
	if err != nil {
		return scimReply{}, err
	}
	list, err := a.scim.Groups(ctx, r.actor, q, r.base)
	return scimReply{resource: list}, err
}

// shownGroup answers with a group.
func (a *API) shownGroup(ctx context.Context, r scimRequest, status int, c scim.Choice, g scim.Group, err error) (scimReply, error) {
	if err != nil {
		return scimReply{}, err
	}
	resource, err := a.scim.Resource(ctx, g, c, r.base)
	return scimReply{status, resource}, err
}

func (a *API) scimGroup(ctx context.Context, r scimRequest) (scimReply, error) {
	c, err := r.choice(scim.GroupType())
	if err != nil {
		return scimReply{}, err
	}
	g, err := a.scim.Group(ctx, r.actor, r.id())
	return a.shownGroup(ctx, r, http.StatusOK, c, g, err)
}

func (r scimRequest) sentGroup() (scim.Object, scim.Choice, error) {
	c, err := r.choice(scim.GroupType())
	if err != nil {
		return nil, c, err
	}
	resource, err := scim.GroupType().Parse(r.body)
	return resource, c, err
}

func (a *API) scimCreateGroup(ctx context.Context, r scimRequest) (scimReply, error) {
	resource, c, err := r.sentGroup()
	if err != nil {
		return scimReply{}, err
	}
	g, err := a.scim.CreateGroup(ctx, r.actor, resource)
	return a.shownGroup(ctx, r, http.StatusCreated, c, g, err)
}

func (a *API) scimReplaceGroup(ctx context.Context, r scimRequest) (scimReply, error) {
	resource, c, err := r.sentGroup()
	if err != nil {
		return scimReply{}, err
	}
	g, err := a.scim.ReplaceGroup(ctx, r.actor, r.id(), r.match(), resource)
	return a.shownGroup(ctx, r, http.StatusOK, c, g, err)
}

// scimPatchGroup answers without the group, which may be large, unless attributes of it are asked for (RFC 7644, section 3.5.2).
func (a *API) scimPatchGroup(ctx context.Context, r scimRequest) (scimReply, error) {
	c, err := r.choice(scim.GroupType())
	if err != nil {
		return scimReply{}, err
	}
	steps, err := scim.GroupType().ParsePatch(r.body)
	if err != nil {
		return scimReply{}, err
	}
	g, err := a.scim.PatchGroup(ctx, r.actor, r.id(), r.match(), steps)
	if err != nil || r.parameter("attributes")+r.parameter("excludedAttributes") == "" {
		return scimReply{}, err
	}
	return a.shownGroup(ctx, r, http.StatusOK, c, g, nil)
}

func (a *API) scimDeleteGroup(ctx context.Context, r scimRequest) (scimReply, error) {
	return scimReply{}, a.scim.DeleteGroup(ctx, r.actor, r.id(), r.match())
}
