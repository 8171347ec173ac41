package httpapi

import (
	"time"

	"konklave/access"
	"konklave/meeting"
	"konklave/user"
)

// empty is the answer without a body.
type empty struct{}

// body is the answer with one.
type body[T any] struct{ Body T }

// page is a part of a list.
type page[T any] struct {
	Items []T `json:"items" nullable:"false"`
}

// User is an account as the API shows it.
type User struct {
	ID        string        `json:"id"`
	Email     string        `json:"email" format:"email"`
	Name      string        `json:"name"`
	Roles     []access.Role `json:"roles" enum:"user,meeting_manager,operator,user_admin,security_officer,auditor" nullable:"false"`
	Language  user.Language `json:"language" enum:"de,en"`
	CreatedAt time.Time     `json:"createdAt"`
	Disabled  bool          `json:"disabled" doc:"The account may not be used."`
	Erased    bool          `json:"erased" doc:"The person behind the account was erased; what is left stands for nobody."`
}

func showUser(u user.User) User {
	return User{ID: u.ID, Email: u.Email, Name: u.Name, Roles: u.Roles.List(), Language: u.Language, CreatedAt: u.CreatedAt, Disabled: u.Disabled(), Erased: !u.ErasedAt.IsZero()}
}

// Meeting is a meeting as its owner sees it.
type Meeting struct {
	ID            string    `json:"id"`
	Title         string    `json:"title"`
	Link          string    `json:"link" doc:"The secret of the join link; people join at /join/{link}."`
	GuestsAllowed bool      `json:"guestsAllowed"`
	Running       bool      `json:"running" doc:"People are in it now."`
	CreatedAt     time.Time `json:"createdAt"`
	UpdatedAt     time.Time `json:"updatedAt"`
}

func showMeeting(m meeting.Meeting, running bool) Meeting {
	return Meeting{
		ID: m.ID, Title: m.Title, Link: m.Link, GuestsAllowed: m.GuestsAllowed, Running: running,
		CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt,
	}
}

// show applies f to each element.
func show[A, B any](list []A, f func(A) B) []B {
	shown := make([]B, len(list))
	for i, a := range list {
		shown[i] = f(a)
	}
	return shown
}
