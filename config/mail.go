package config

import (
	"net"
	"net/mail"
	"slices"
	"strconv"
	"strings"
)

// Mail says over which mail server mails are sent.
type Mail struct {
	Server       string // host:port; empty when no mail is sent
	Security     MailSecurity
	From         string // address that mails come from, also with a name: Konklave <konklave@example.org>
	User         string // to sign in with; empty for none
	PasswordFile string // for User, read when something is sent
	Roots        string // file with CA certificates (PEM) that the server is trusted by; empty for the system's
}

// MailSecurity is how the way to the mail server is encrypted.
type MailSecurity string

// The ways.
const (
	MailStartTLS MailSecurity = "starttls" // STARTTLS, or nothing is sent (RFC 3207)
	MailTLS      MailSecurity = "tls"      // TLS from the first byte (RFC 8314)
	MailOff      MailSecurity = "off"      // not at all, to loopback addresses only
)

// On reports whether mails are sent.
func (m Mail) On() bool { return m.Server != "" }

// Files are the files that are read when a mail is sent, those that are named.
func (m Mail) Files() []string {
	return slices.DeleteFunc([]string{m.PasswordFile, m.Roots}, func(name string) bool { return name == "" })
}

// mailSettings say over which mail server mails are sent.
func mailSettings() []Setting {
	return []Setting{
		{"mail.server", "Mail server to which mails are handed, host:port, usually port 587 (starttls) or 465 (tls). Empty means that no mails are sent:\nthen nobody can end the lock of an account by mail.",
			func(c *Config) value { return textValue{&c.Mail.Server} }},
		{"mail.security", "How the way there is encrypted: starttls (nothing is sent without), tls (from the first byte), or off (to a server on this machine only).",
			func(c *Config) value {
				return choiceValue[MailSecurity]{&c.Mail.Security, []MailSecurity{MailStartTLS, MailTLS, MailOff}}
			}},
		{"mail.from", "Address that mails come from, also with a name: Konklave <konklave@example.org>.",
			func(c *Config) value { return textValue{&c.Mail.From} }},
		{"mail.user", "Name with which this server signs in to the mail server. Empty means that it does not.",
			func(c *Config) value { return textValue{&c.Mail.User} }},
		{"mail.password-file", "File with the password that belongs to mail.user. It is read each time.",
			func(c *Config) value { return textValue{&c.Mail.PasswordFile} }},
		{"mail.roots", "File with CA certificates (PEM) by which the mail server is trusted. Empty means those of the system.",
			func(c *Config) value { return textValue{&c.Mail.Roots} }},
	}
}

func (v *validator) mail(c Config) {
	m := c.Mail
	if !m.On() {
		v.check("mail.from", m.From == "", "is set, but mail.server is not: set both or neither")
		return
	}
	host, port, err := net.SplitHostPort(m.Server)
	n, numberErr := strconv.ParseUint(port, 10, 16)
	v.check("mail.server", err == nil && numberErr == nil && n > 0 && host != "", "is %q, but must be a host and a port such as mail.example.org:587", m.Server)
	v.check("mail.security", m.Security != MailOff || IsLoopback(host), "is off, but %s is another machine: mails and the password would be readable on the way. Use starttls or tls", m.Server)
	from, err := mail.ParseAddress(m.From)
	v.check("mail.from", err == nil && !strings.ContainsAny(from.Name, "\r\n"), "is %q, but must be an e-mail address such as konklave@example.org, or Konklave <konklave@example.org>", m.From)
	v.check("mail.password-file", (m.User != "") == (m.PasswordFile != ""), "goes together with mail.user: set both or neither")
	v.check("mail.user", m.User == "" || m.Security != MailOff, "is set, but without encryption (mail.security) no password is sent")
	v.check("public-url", c.PublicURL != "", "is empty, but must be the address of the links in mails (mail.server is set)")
}
