// Package notify is the queue of what leaves the house for people: mail, so far. What is to be told is put into the database in the
// transaction of what causes it; of several controllers one at a time sends it.
//
// A mail that waits says only what it is about. Whom it goes to and what stands in it is made when it is sent: so no address and no
// link lies in the database or in a backup, and nobody can tell from the queue whether there is such an account.
package notify

import (
	"context"
	"errors"
	"time"

	"konklave/audit"
)

// Kind says what a mail is about; it is stable and dotted.
type Kind string

// The kinds.
const (
	AccountLocked       Kind = "account.locked"               // failed sign-ins have locked an account
	AccountLockedSecond Kind = "account.locked_second_factor" // and whoever it was knew the password: graver
)

const (
	// MailLifetime is how long a mail waits to be sent before it is dropped.
	MailLifetime = time.Hour
	// MaxQueued is how many mails wait at once; beyond it what would cause one causes none.
	MaxQueued = 10_000
)

// Mail is a mail that waits to be sent. Times are in UTC and whole milliseconds.
type Mail struct {
	ID        string // stable over all attempts
	Tenant    string
	Kind      Kind
	UserID    string // whom it is for; empty when there is no such account, and then it is never sent
	CreatedAt time.Time
	ExpiresAt time.Time // from then on it is not sent any more
	DueAt     time.Time // not before then
	Attempts  int       // that failed
}

// Message is what is sent: plain text to one person.
type Message struct {
	ID      string // of the Mail: the same in each attempt, so that a repeated one can be told
	To      string // e-mail address
	Subject string
	Text    string // lines end with \n
	At      time.Time
}

// ErrRefused says that the address is refused for good: another attempt is in vain.
var ErrRefused = errors.New("the mail server refuses the address")

// Store keeps the queue.
type Store interface {
	// TakeLease gives a lease to a holder for so long, or renews it, unless another one has it; it returns who has it now.
	TakeLease(ctx context.Context, name, holder string, length time.Duration) (now string, err error)
	// NextMail returns the mail that has been due for the longest time, and drops those that have expired; false when none is due.
	NextMail(ctx context.Context, now time.Time) (m Mail, due bool, dropped int, err error)
	// ForgetTold forgets what is kept of mails and matters no longer: that they were caused, and links in them that have expired.
	ForgetTold(ctx context.Context, now time.Time) error
	// PostponeMail counts a failed attempt, and makes the mail due later.
	PostponeMail(ctx context.Context, id string, due time.Time) error
	// RemoveMail removes a mail that was sent or will not be, and writes the entries about it.
	RemoveMail(ctx context.Context, id string, entries ...audit.Entry) error
}

// Writer makes what stands in mails.
type Writer interface {
	// Write makes the message of a mail; false when there is nobody to send it to.
	Write(ctx context.Context, m Mail) (Message, bool, error)
}

// Carrier brings messages to a mail server.
type Carrier interface {
	// Carry returns nil when the server has taken the message. It fails with ErrRefused.
	Carry(ctx context.Context, m Message) error
}
