// Package user is about people with an account: who they are, not how they prove it (auth) and not what they may do (access).
package user

import (
	"time"

	"konklave/access"
	"konklave/fault"
)

// Language is what a person reads: the language of the client and of texts made for that person.
type Language string

// The languages of Konklave.
const (
	German  Language = "de"
	English Language = "en"
)

// DefaultLanguage is used where nothing says otherwise.
const DefaultLanguage = German

// User is a person with an account.
type User struct {
	ID         string
	Tenant     string
	Email      string       // as CleanEmail returns it; unique in the tenant
	Name       string       // as CleanName returns it
	Roles      access.Roles // at least one
	Language   Language
	CreatedAt  time.Time // UTC, whole milliseconds
	DisabledAt time.Time // zero while the account may be used
}

// Disabled reports whether the account may no longer be used.
func (u User) Disabled() bool { return !u.DisabledAt.IsZero() }

// Actor is the user acting in person. Roles that nobody may hold together count for nothing, however they came together.
func (u User) Actor() access.Actor {
	a := access.Actor{Kind: access.KindAccount, ID: u.ID, UserID: u.ID, Tenant: u.Tenant}
	if u.Roles.Check() == nil {
		a.Roles = u.Roles.List()
	}
	return a
}

// The faults of the other fields of an account.
var (
	ErrUnknown         = fault.New(fault.KindNotFound, "user.unknown", "There is no such account.")
	ErrOwnAccess       = fault.New(fault.KindConflict, "role.own", "Nobody changes their own roles or disables their own account. Please ask another user administrator.")
	ErrLastAdmin       = fault.New(fault.KindConflict, "user.last_administrator", "Nobody would be left who can administer accounts without an identity provider. Make another user administrator with a password first. On the server, `konklave user roles` changes any account.")
	ErrLanguageInvalid = fault.New(fault.KindInvalid, "language.invalid", `The language must be "de" or "en".`).At("/language")
)

// cleanLanguage takes an empty language for the default.
func cleanLanguage(l Language) (Language, error) {
	switch l {
	case "":
		return DefaultLanguage, nil
	case German, English:
		return l, nil
	}
	return "", ErrLanguageInvalid
}
