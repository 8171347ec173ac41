// Package fault is the one error type that reaches people: a stable code, a text fit for a user, and the cause for the log.
//
// Everything that is not a *Fault is internal: an edge (HTTP, WebSocket, command line) shows only Internal and logs the rest.
package fault

import (
	"errors"
	"fmt"
)

// Kind is the class of a fault; each edge maps it to its own status in one place.
type Kind int

// The kinds, from the caller's point of view.
const (
	KindInternal        Kind = iota // our failure; details only in the log
	KindInvalid                     // the request is wrong and will stay wrong
	KindUnauthenticated             // who are you
	KindDenied                      // you may not
	KindNotFound                    // there is no such thing, or not for you
	KindConflict                    // the thing is in another state
	KindTooLarge                    // over a size limit
	KindTooMany                     // over a rate or a count limit
	KindUnavailable                 // try again later
	KindGone                        // it was there and is over
)

// Code is a stable, dotted, lower-case name such as "meeting.unknown"; clients branch on it and translate it.
type Code string

// CodeInternal is the code of every error that is not a *Fault.
const CodeInternal Code = "internal"

// Fault is an error that may be shown to a user.
type Fault struct {
	Kind    Kind
	Code    Code
	Message string // one or two sentences in English, without internals: what happened and what to do
	Field   string // the offending input, as a JSON pointer or flag name; empty when none
	cause   error
}

// New returns a fault without a cause.
func New(kind Kind, code Code, message string) *Fault {
	return &Fault{Kind: kind, Code: code, Message: message}
}

// Newf is New with formatting of the message.
func Newf(kind Kind, code Code, format string, args ...any) *Fault {
	return New(kind, code, fmt.Sprintf(format, args...))
}

// At returns a copy that names the offending field.
func (f *Fault) At(field string) *Fault {
	c := *f
	c.Field = field
	return &c
}

// Kinded returns a copy of another kind, for an edge where the same fact means something else.
func (f *Fault) Kinded(kind Kind) *Fault {
	c := *f
	c.Kind = kind
	return &c
}

// Because returns a copy that wraps the cause, which is logged and never shown.
func (f *Fault) Because(cause error) *Fault {
	c := *f
	c.cause = cause
	return &c
}

// Error has the code, the message and the cause: for logs, not for users.
func (f *Fault) Error() string {
	if f.cause == nil {
		return string(f.Code) + ": " + f.Message
	}
	return string(f.Code) + ": " + f.Message + ": " + f.cause.Error()
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.cause }

// Is reports two faults with the same code as equal, so that errors.Is works with a package's exported faults.
func (f *Fault) Is(target error) bool {
	t, ok := target.(*Fault)
	return ok && t.Code == f.Code
}

// As returns the first Fault in err's chain, or an internal one that hides err.
func As(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return New(KindInternal, CodeInternal, "Something went wrong on the server. Please try again; if it happens again, tell your administrator the error id.").Because(err)
}
