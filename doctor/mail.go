package doctor

import (
	"context"

	"konklave/config"
	"konklave/notify/smtp"
)

// mailServer looks whether the mail server answers, and lets this installation in.
func mailServer(ctx context.Context, c config.Config) []Finding {
	if !c.Mail.On() {
		return []Finding{advice("Set mail.server; see docs/operate/mail.md.",
			"No mails are sent (mail.server is empty): people cannot end the lock of their account by mail.")}
	}
	carrier, err := smtp.New(c.Mail)
	if err == nil {
		err = carrier.Check(ctx)
	}
	if err != nil {
		return []Finding{failed("Compare mail.server, mail.security, mail.roots, mail.user and mail.password-file with what the mail server wants; see docs/operate/mail.md.",
			"Mails cannot be sent: %v.", err)}
	}
	return []Finding{good("The mail server %s answers and lets this installation in.", c.Mail.Server)}
}
