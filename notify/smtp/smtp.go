// Package smtp brings mail to the operator's mail server (RFC 5321, RFC 6409), encrypted or over loopback alone.
package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"os"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"konklave/config"
	"konklave/notify"
)

// replyLimit is how long the server may take to answer, in each of the few steps.
const replyLimit = 10 * time.Second

// Carrier sends over one mail server. It may be used by many goroutines at once.
type Carrier struct {
	settings config.Mail
	from     *mail.Address
	host     string
	port     int
}

var _ notify.Carrier = (*Carrier)(nil)

// New returns a Carrier with checked settings. The server is asked and files are read when something is sent.
func New(settings config.Mail) (*Carrier, error) {
	host, port, err := net.SplitHostPort(settings.Server)
	if err != nil {
		return nil, fmt.Errorf("mail.server: %w", err)
	}
	c := &Carrier{settings: settings, host: host}
	if c.port, err = strconv.Atoi(port); err != nil {
		return nil, fmt.Errorf("mail.server: %w", err)
	}
	if c.from, err = mail.ParseAddress(settings.From); err != nil {
		return nil, fmt.Errorf("mail.from: %w", err)
	}
	return c, nil
}

// Carry implements notify.Carrier.
func (c *Carrier) Carry(ctx context.Context, m notify.Message) error {
	message, err := c.message(m)
	if err != nil {
		return err
	}
	client, err := c.dial(ctx)
	if err != nil {
		return err
	}
	err = sendError(client.Send(message))
	_ = client.Close() // the server has taken the mail, or not: how it takes leave changes neither
	return err
}

// Check connects, encrypts, signs in and leaves.
func (c *Carrier) Check(ctx context.Context) error {
	client, err := c.dial(ctx)
	if err != nil {
		return err
	}
	_ = client.Close() // as in Carry
	return nil
}

func (c *Carrier) dial(ctx context.Context) (*gomail.Client, error) {
	patience := replyLimit
	if end, bounded := ctx.Deadline(); bounded {
		patience = max(time.Millisecond, min(patience, time.Until(end))) // the library has a limit of its own for each step
	}
	options, err := c.options(patience)
	if err != nil {
		return nil, err
	}
	client, err := gomail.NewClient(c.host, options...)
	if err != nil {
		return nil, err
	}
	if err := client.DialWithContext(ctx); err != nil {
		return nil, fmt.Errorf("mail server %s: %w", c.settings.Server, err)
	}
	return client, nil
}

func (c *Carrier) options(patience time.Duration) ([]gomail.Option, error) {
	trust := &tls.Config{ServerName: c.host, MinVersion: tls.VersionTLS12}
	if c.settings.Roots != "" {
		pem, err := os.ReadFile(c.settings.Roots)
		if err != nil {
			return nil, fmt.Errorf("mail.roots: %w", err)
		}
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("mail.roots: there is no certificate in the file")
		}
	}
	options := []gomail.Option{gomail.WithPort(c.port), gomail.WithTimeout(patience), gomail.WithTLSConfig(trust)}
	switch c.settings.Security {
	case config.MailTLS:
		options = append(options, gomail.WithSSL())
	case config.MailOff:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	case config.MailStartTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	default:
		return nil, fmt.Errorf("mail.security is %q", c.settings.Security)
	}
	if c.settings.User == "" {
		return options, nil
	}
	password, err := os.ReadFile(c.settings.PasswordFile)
	if err != nil {
		return nil, fmt.Errorf("mail.password-file: %w", err)
	}
	return append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(c.settings.User),
		gomail.WithPassword(strings.TrimRight(string(password), "\r\n"))), nil
}

// message is a mail that a program has made: nobody's holiday notice answers it (RFC 3834).
func (c *Carrier) message(m notify.Message) (*gomail.Msg, error) {
	to, err := mail.ParseAddress(m.To)
	if err != nil || to.Address != m.To { // the error has the address
		return nil, fmt.Errorf("%w: it is none", notify.ErrRefused)
	}
	made := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	made.FromMailAddress(c.from)
	made.ToMailAddress(to)
	_, domain, _ := strings.Cut(c.from.Address, "@")
	made.SetMessageIDWithValue(m.ID + "@" + domain)
	made.SetDateWithValue(m.At)
	made.Subject(oneLine(m.Subject))
	made.SetGenHeader("Auto-Submitted", "auto-generated")
	made.SetBodyString(gomail.TypeTextPlain, m.Text)
	return made, nil
}

// oneLine keeps a header from becoming two.
func oneLine(text string) string {
	return strings.Join(strings.Fields(text), " ")
}

// sendError says what the server answered, without the address, which the library's own text has.
func sendError(err error) error {
	var failed *gomail.SendError
	if !errors.As(err, &failed) {
		return err
	}
	code := failed.ErrorCode()
	enhanced := enhancedCode(code, failed.Error())
	said := fmt.Errorf("the mail server does not take the mail: %s (reply %s)", failed.Reason, strings.TrimSpace(fmt.Sprint(code, " ", enhanced)))
	if failed.Reason == gomail.ErrSMTPRcptTo && !failed.IsTemp() && noSuchAddress(code, enhanced) {
		return fmt.Errorf("%w: %w", notify.ErrRefused, said)
	}
	return said
}

// enhancedCode is the enhanced status code (RFC 3463) of a reply, whether or not the server announced that it has them; empty when
// there is none.
func enhancedCode(code int, text string) string {
	_, reply, _ := strings.Cut(text, fmt.Sprintf(": %d ", code))
	reply = strings.TrimPrefix(reply, `"`) // the library quotes what the server says
	found := reply[:len(reply)-len(strings.TrimLeft(reply, "0123456789."))]
	class, rest, _ := strings.Cut(found, ".")
	subject, detail, _ := strings.Cut(rest, ".")
	for _, number := range []string{class, subject, detail} {
		if n, err := strconv.ParseUint(number, 10, 16); err != nil || n > 999 {
			return ""
		}
	}
	return found
}

// noSuchAddress reports whether an answer to a recipient is about the address, and not about who sends, from where or how much.
func noSuchAddress(code int, enhanced string) bool {
	switch {
	case enhanced == "5.1.7", enhanced == "5.1.8": // about the sender, though it is asked when the recipient is named
		return false
	case strings.HasPrefix(enhanced, "5.1."):
		return code >= 500
	}
	return (code == 550 || code == 553) && !strings.HasPrefix(enhanced, "5.7.")
}
