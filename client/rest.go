package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Instance is what anybody may know about an installation.
type Instance struct {
	Name        string `json:"name"`
	Version     string `json:"version"`
	PublicURL   string `json:"publicUrl"`
	SetupNeeded bool   `json:"setupNeeded"`
}

// Instance asks who is there.
func (c *Client) Instance(ctx context.Context) (Instance, error) {
	return get[Instance](ctx, c, "/instance")
}

// User is an account.
type User struct {
	ID        string    `json:"id"`
	Email     string    `json:"email"`
	Name      string    `json:"name"`
	Roles     []string  `json:"roles"`    // user, meeting_manager, operator, user_admin, security_officer, auditor
	Language  string    `json:"language"` // de or en
	CreatedAt time.Time `json:"createdAt"`
	Disabled  bool      `json:"disabled"`
}

// Session tells who is signed in.
type Session struct {
	User      *User      `json:"user"`      // nil when nobody is
	ExpiresAt *time.Time `json:"expiresAt"` // nil with an API token
}

// FirstUser is the administrator that the set-up creates.
type FirstUser struct {
	Token    string `json:"token"` // from the fragment of the set-up link
	Email    string `json:"email"`
	Name     string `json:"name"`
	Language string `json:"language,omitempty"`
	Password string `json:"password"`
}

// Setup creates the first administrator and signs in.
func (c *Client) Setup(ctx context.Context, u FirstUser) (Session, error) {
	return send[Session](ctx, c, http.MethodPost, "/setup", u)
}

// SignIn signs in with e-mail and password.
func (c *Client) SignIn(ctx context.Context, email, password string) (Session, error) {
	return send[Session](ctx, c, http.MethodPost, "/session", struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	}{email, password})
}

// Session asks who is signed in.
func (c *Client) Session(ctx context.Context) (Session, error) {
	return get[Session](ctx, c, "/session")
}

// SignOut ends the session.
func (c *Client) SignOut(ctx context.Context) error {
	return c.Do(ctx, http.MethodDelete, "/session", nil, nil)
}

// page is one part of a list.
type page[T any] struct {
	Items []T `json:"items"`
}

// NewUser is an account to create.
type NewUser struct {
	Email    string   `json:"email"`
	Name     string   `json:"name"`
	Roles    []string `json:"roles,omitempty"` // user alone when empty
	Language string   `json:"language,omitempty"`
	Password string   `json:"password"`
}

// Users lists the first accounts by e-mail address; for administrators.
func (c *Client) Users(ctx context.Context) ([]User, error) {
	p, err := get[page[User]](ctx, c, "/users")
	return p.Items, err
}

// CreateUser creates an account; for administrators.
func (c *Client) CreateUser(ctx context.Context, u NewUser) (User, error) {
	return send[User](ctx, c, http.MethodPost, "/users", u)
}

// AssignRoles gives an account roles in place of those it has; for user administrators.
func (c *Client) AssignRoles(ctx context.Context, id string, roles ...string) (User, error) {
	return send[User](ctx, c, http.MethodPut, "/users/"+url.PathEscape(id)+"/roles", struct {
		Roles []string `json:"roles"`
	}{roles})
}

// DisableUser keeps a person out, and signs out everywhere who is in.
func (c *Client) DisableUser(ctx context.Context, id string) (User, error) {
	return send[User](ctx, c, http.MethodPut, "/users/"+url.PathEscape(id)+"/disabled", nil)
}

// EnableUser lets a person in again.
func (c *Client) EnableUser(ctx context.Context, id string) (User, error) {
	return send[User](ctx, c, http.MethodDelete, "/users/"+url.PathEscape(id)+"/disabled", nil)
}

// Meeting is a meeting of the caller.
type Meeting struct {
	ID            string    `json:"id"`
	Title         string    `json:"title"`
	Link          string    `json:"link"` // the secret; people join at /join/{link}
	GuestsAllowed bool      `json:"guestsAllowed"`
	Running       bool      `json:"running"`
	CreatedAt     time.Time `json:"createdAt"`
	UpdatedAt     time.Time `json:"updatedAt"`
}

// MeetingChange is what to set in a meeting; nil leaves a field as it is, or as the server chooses for a new meeting.
type MeetingChange struct {
	Title         *string `json:"title,omitempty"`
	GuestsAllowed *bool   `json:"guestsAllowed,omitempty"`
}

// Meetings lists the caller's newest meetings.
func (c *Client) Meetings(ctx context.Context) ([]Meeting, error) {
	p, err := get[page[Meeting]](ctx, c, "/meetings")
	return p.Items, err
}

// CreateMeeting creates a meeting; the zero change is one to start on the spot.
func (c *Client) CreateMeeting(ctx context.Context, m MeetingChange) (Meeting, error) {
	return send[Meeting](ctx, c, http.MethodPost, "/meetings", m)
}

// Meeting returns one meeting of the caller.
func (c *Client) Meeting(ctx context.Context, id string) (Meeting, error) {
	return get[Meeting](ctx, c, "/meetings/"+url.PathEscape(id))
}

// UpdateMeeting changes a meeting.
func (c *Client) UpdateMeeting(ctx context.Context, id string, m MeetingChange) (Meeting, error) {
	return send[Meeting](ctx, c, http.MethodPatch, "/meetings/"+url.PathEscape(id), m)
}

// DeleteMeeting deletes a meeting.
func (c *Client) DeleteMeeting(ctx context.Context, id string) error {
	return c.Do(ctx, http.MethodDelete, "/meetings/"+url.PathEscape(id), nil, nil)
}

// Preview is what the holder of a link may know.
type Preview struct {
	Title         string `json:"title"`
	Host          string `json:"host"`
	GuestsAllowed bool   `json:"guestsAllowed"`
	Running       bool   `json:"running"`
}

// Preview asks about the meeting behind a link.
func (c *Client) Preview(ctx context.Context, link string) (Preview, error) {
	return get[Preview](ctx, c, "/join/"+url.PathEscape(link))
}

// JoinRequest is how the caller wants to be admitted.
type JoinRequest struct {
	Name   string `json:"name,omitempty"`   // for guests
	Rejoin string `json:"rejoin,omitempty"` // the participant id from before
}

// Admission opens a connection to a conference; see Client.Connect.
type Admission struct {
	Conference string    `json:"conference"`
	Signalling string    `json:"signalling"` // path of the WebSocket
	Ticket     string    `json:"ticket"`     // single use
	ExpiresAt  time.Time `json:"expiresAt"`
}

// Join asks to be admitted to the conference of a meeting.
func (c *Client) Join(ctx context.Context, link string, r JoinRequest) (Admission, error) {
	return send[Admission](ctx, c, http.MethodPost, "/join/"+url.PathEscape(link), r)
}

func get[T any](ctx context.Context, c *Client, path string) (T, error) {
	return send[T](ctx, c, http.MethodGet, path, nil)
}

func send[T any](ctx context.Context, c *Client, method, path string, in any) (T, error) {
	var out T
	err := c.Do(ctx, method, path, in, &out)
	return out, err
}
