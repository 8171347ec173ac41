package app

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"konklave/auth"
	"konklave/config"
	"konklave/notify"
	"konklave/notify/smtp"
	"konklave/store"
)

// unlockPage is the page of the web client to which links in mails about locks lead.
const unlockPage = "/unlock"

// mails returns signIn such that locks cause mails, what ends locks by them, and what sends them. Without a mail server signIn stays
// as it is, there is nothing that ends locks, and what an earlier configuration has left in the queue is forgotten.
func mails(c config.Config, db *store.Store, signIn *auth.SignIn, log *slog.Logger) (*auth.SignIn, *auth.Unlocking, func(context.Context) error, error) {
	if !c.Mail.On() {
		return signIn, nil, func(ctx context.Context) error {
			if err := db.ForgetMails(ctx); err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, "mails that nobody sends any more were not forgotten", "error", err)
			}
			<-ctx.Done()
			return nil
		}, nil
	}
	carrier, err := smtp.New(c.Mail)
	if err != nil {
		return nil, nil, nil, err
	}
	telling := signIn.TellingOwners()
	unlocking := auth.NewUnlocking(db, telling, auth.UnlockSite{Name: c.Name, Address: strings.TrimSuffix(c.PublicURL, "/") + unlockPage, Zone: time.Local})
	sender := notify.NewSender(db, unlocking, carrier, time.Now, log)
	return telling, unlocking, func(ctx context.Context) error {
		ticker := time.NewTicker(notify.Interval)
		defer ticker.Stop()
		sender.Run(ctx, ticker.C)
		return nil
	}, nil
}
