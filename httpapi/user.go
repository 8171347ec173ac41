package httpapi

import (
	"context"
	"net/http"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
	"konklave/user"
)

func (a *API) addUsers() {
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/users", ID: "listUsers", Tag: "Users", Action: access.UserList,
		Summary: "Accounts in the order of their e-mail addresses",
	}, a.listUsers)
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/users", ID: "createUser", Tag: "Users", Action: access.UserCreate,
		Summary: "Create an account", Audits: []audit.Kind{audit.KindUserCreated}, Status: http.StatusCreated,
		Codes: []fault.Code{
			"email.invalid", "email.taken", "name.empty", "name.too_long", "name.invalid", "role.invalid", "role.conflict",
			"language.invalid", "password.too_short", "password.too_long", "password.common", "access.approval_required",
		},
	}, a.createUser)
	add(a, Route{
		Method: http.MethodDelete, Path: prefix + "/users/{id}/lock", ID: "unlockUser", Tag: "Users", Action: access.UserUnlock,
		Summary: "End the locks of an account that failed sign-ins brought about, and forget those",
		Audits:  []audit.Kind{audit.KindUserUnlocked}, Codes: []fault.Code{"user.unknown"},
	}, a.unlockUser)
	add(a, Route{
		Method: http.MethodPut, Path: prefix + "/users/{id}/roles", ID: "assignRoles", Tag: "Users", Action: access.RoleAssign,
		Summary: "Give an account these roles in place of those it has; where one is taken away, the person is signed out everywhere",
		Audits:  []audit.Kind{audit.KindRolesAssigned}, Codes: []fault.Code{"user.unknown", "role.invalid", "role.conflict", "role.own", "user.last_administrator", "access.approval_required"},
	}, a.assignRoles)
	add(a, Route{
		Method: http.MethodPut, Path: prefix + "/users/{id}/disabled", ID: "disableUser", Tag: "Users", Action: access.UserDisable,
		Summary: "Keep a person out: signed out everywhere, and no way in before the account is enabled",
		Audits:  []audit.Kind{audit.KindUserDisabled}, Codes: []fault.Code{"user.unknown", "role.own", "user.last_administrator"},
	}, a.disableUser)
	add(a, Route{
		Method: http.MethodDelete, Path: prefix + "/users/{id}/disabled", ID: "enableUser", Tag: "Users", Action: access.UserEnable,
		Summary: "Let a person in again", Audits: []audit.Kind{audit.KindUserEnabled}, Status: http.StatusOK,
		Codes: []fault.Code{"user.unknown", "role.own"},
	}, a.enableUser)
}

type listUsersInput struct {
	After string `query:"after" doc:"Continue after this e-mail address."`
	Limit int    `query:"limit" doc:"At most this many, up to 200, which is also the default."`
}

func (a *API) listUsers(ctx context.Context, in *listUsersInput) (*body[page[User]], error) {
	list, err := a.users.List(ctx, callerOf(ctx).actor, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	return &body[page[User]]{page[User]{show(list, showUser)}}, nil
}

// NewUser is an account to create.
type NewUser struct {
	Email    string        `json:"email" format:"email"`
	Name     string        `json:"name" minLength:"1" maxLength:"100"`
	Roles    []access.Role `json:"roles,omitempty" enum:"user,meeting_manager,operator,user_admin,security_officer,auditor" nullable:"false" doc:"Absent: user alone."`
	Language user.Language `json:"language,omitempty" enum:"de,en"`
	Password string        `json:"password" minLength:"12" maxLength:"128" format:"password"`
}

func (a *API) createUser(ctx context.Context, in *body[NewUser]) (*body[User], error) {
	n := in.Body
	u, err := a.users.Create(ctx, callerOf(ctx).actor, user.New{
		Email: n.Email, Name: n.Name, Roles: n.Roles, Language: n.Language, Password: n.Password,
	})
	return shownUser(u, err)
}

// RoleAssignment is what an account may be from now on.
type RoleAssignment struct {
	Roles []access.Role `json:"roles" enum:"user,meeting_manager,operator,user_admin,security_officer,auditor" nullable:"false"`
}

type assignRolesInput struct {
	ID   string `path:"id"`
	Body RoleAssignment
}

func (a *API) assignRoles(ctx context.Context, in *assignRolesInput) (*body[User], error) {
	return shownUser(a.users.Assign(ctx, callerOf(ctx).actor, in.ID, in.Body.Roles...))
}

func (a *API) disableUser(ctx context.Context, in *idInput) (*body[User], error) {
	return shownUser(a.users.Disable(ctx, callerOf(ctx).actor, in.ID))
}

func (a *API) enableUser(ctx context.Context, in *idInput) (*body[User], error) {
	return shownUser(a.users.Enable(ctx, callerOf(ctx).actor, in.ID))
}

func shownUser(u user.User, err error) (*body[User], error) {
	if err != nil {
		return nil, err
	}
	return &body[User]{showUser(u)}, nil
}

func (a *API) unlockUser(ctx context.Context, in *idInput) (*empty, error) {
	return nil, a.signIn.Unlock(ctx, callerOf(ctx).actor, in.ID)
}
