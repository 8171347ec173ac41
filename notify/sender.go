package notify

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"konklave/access"
	"konklave/audit"
)

const (
	// Interval is between two looks for mails that are due.
	Interval = 2 * time.Second
	// ForgetInterval is between two times that what matters no longer is forgotten.
	ForgetInterval = time.Minute
	// FirstPause and LongestPause are between two attempts to send one mail: it doubles each time.
	FirstPause   = 15 * time.Second
	LongestPause = 10 * time.Minute
	// CarryLimit is how long one attempt may take.
	CarryLimit = 45 * time.Second

	// leaseLength is longer than an attempt: nobody else sends a mail that is on its way.
	leaseLength = 2 * CarryLimit
	leaseName   = "mail"
)

// Sender sends what waits. It is for one goroutine.
type Sender struct {
	store   Store
	writer  Writer
	carrier Carrier
	now     func() time.Time
	log     *slog.Logger
	holder  string
	failing bool
	forgot  time.Time // when it was last tried
}

// NewSender returns a Sender that takes turns with those of other controllers.
func NewSender(store Store, writer Writer, carrier Carrier, now func() time.Time, log *slog.Logger) *Sender {
	return &Sender{store: store, writer: writer, carrier: carrier, now: now, log: log, holder: rand.Text()}
}

// Run sends at each tick what is due, until ctx ends. It goes on after failures, of which it logs the first.
func (s *Sender) Run(ctx context.Context, tick <-chan time.Time) {
	for {
		select {
		case <-tick:
		case <-ctx.Done():
			return
		}
		for {
			s.forget(ctx)
			more, err := s.Send(ctx)
			s.tell(ctx, more, err)
			if err != nil || !more {
				break
			}
		}
	}
}

// Send sends the mail that is due first, and reports whether there was one. While another Sender has the turn there is none. After
// an error the mail waits for another attempt.
func (s *Sender) Send(ctx context.Context) (more bool, err error) {
	// The turn is taken only when there is something to do: a process that has replaced another one need not wait then.
	if _, due, err := s.next(ctx); err != nil || !due {
		return false, err
	}
	holder, err := s.store.TakeLease(ctx, leaseName, s.holder, leaseLength)
	if err != nil || holder != s.holder {
		return false, err
	}
	m, due, err := s.next(ctx) // another one may have sent it meanwhile
	if err != nil || !due {
		return false, err
	}
	message, wanted, err := s.writer.Write(ctx, m)
	if err != nil {
		return true, s.postpone(ctx, m, fmt.Errorf("write mail: %w", err))
	}
	if !wanted {
		return true, s.store.RemoveMail(ctx, m.ID)
	}
	limited, cancel := context.WithTimeout(ctx, CarryLimit)
	defer cancel()
	switch err := s.carrier.Carry(limited, message); {
	case errors.Is(err, ErrRefused):
		s.log.WarnContext(ctx, "the mail server refuses the address of an account for good", "user", m.UserID, "error", err)
		return true, s.store.RemoveMail(ctx, m.ID)
	case err != nil:
		return true, s.postpone(ctx, m, err)
	}
	origin := audit.Origin{At: s.now(), Actor: access.System("mail")}
	return true, s.store.RemoveMail(ctx, m.ID, audit.MailSent(origin, m.UserID, string(m.Kind)))
}

// forget forgets what matters no longer, if it is time for that. It needs no turn: to do it twice does no harm.
func (s *Sender) forget(ctx context.Context) {
	now := s.now()
	if now.Sub(s.forgot).Abs() < ForgetInterval {
		return
	}
	s.forgot = now
	if err := s.store.ForgetTold(ctx, now); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "what is over of mails was not forgotten; it is tried again", "error", err)
	}
}

func (s *Sender) next(ctx context.Context) (m Mail, due bool, err error) {
	m, due, dropped, err := s.store.NextMail(ctx, s.now())
	if dropped > 0 {
		s.log.WarnContext(ctx, "mails were not sent in time and are dropped", "mails", dropped)
	}
	return m, due, err
}

// postpone keeps the mail for a later attempt, and returns why it was not sent.
func (s *Sender) postpone(ctx context.Context, m Mail, why error) error {
	if ctx.Err() != nil { // it was not the mail's fault
		return why
	}
	pause := LongestPause
	if m.Attempts < 10 {
		pause = min(FirstPause<<m.Attempts, LongestPause)
	}
	return errors.Join(why, s.store.PostponeMail(ctx, m.ID, s.now().Add(pause)))
}

// tell logs the first of failures in a row, and their end.
func (s *Sender) tell(ctx context.Context, sent bool, err error) {
	switch {
	case ctx.Err() != nil:
	case err != nil && !s.failing:
		s.failing = true
		s.log.ErrorContext(ctx, "a mail was not sent; it is tried again until it expires", "error", err)
	case err == nil && sent && s.failing:
		s.failing = false
		s.log.InfoContext(ctx, "mails are sent again")
	}
}
