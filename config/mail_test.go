package config

import (
	"strings"
	"testing"
)

func TestMailSettingsAgree(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		change func(*Config)
		wrong  string // the setting that is named; empty for none
	}{
		{func(*Config) {}, ""},
		{func(c *Config) { c.Mail = Mail{} }, ""},
		{func(c *Config) { c.Mail = Mail{}; c.PublicURL = "" }, ""},
		{func(c *Config) { c.Mail.Server = "" }, "mail.from"},
		{func(c *Config) { c.Mail.Server = "mail.example.org" }, "mail.server"},
		{func(c *Config) { c.Mail.Server = ":587" }, "mail.server"},
		{func(c *Config) { c.Mail.Server = "mail.example.org:0" }, "mail.server"},
		{func(c *Config) { c.Mail.Server = "mail.example.org:1" }, ""},
		{func(c *Config) { c.Mail.Server = "mail.example.org:65535" }, ""},
		{func(c *Config) { c.Mail.Server = "mail.example.org:65536" }, "mail.server"},
		{func(c *Config) { c.Mail.Security = MailTLS }, ""},
		{func(c *Config) { c.Mail.Security = MailOff }, "mail.security"},
		{func(c *Config) { c.Mail.Server, c.Mail.Security = "127.0.0.1:25", MailOff }, ""},
		{func(c *Config) { c.Mail.Server, c.Mail.Security = "[::1]:25", MailOff }, ""},
		{func(c *Config) { c.Mail.Server, c.Mail.Security = "192.0.2.1:25", MailOff }, "mail.security"},
		{func(c *Config) { c.Mail.From = "" }, "mail.from"},
		{func(c *Config) { c.Mail.From = "konklave" }, "mail.from"},
		{func(c *Config) { c.Mail.From = "konklave@example.org" }, ""},
		{func(c *Config) { c.Mail.User = "konklave" }, "mail.password-file"},
		{func(c *Config) { c.Mail.PasswordFile = "secret" }, "mail.password-file"},
		{func(c *Config) { c.Mail.User, c.Mail.PasswordFile = "konklave", "secret" }, ""},
		{func(c *Config) {
			c.Mail = Mail{Server: "127.0.0.1:25", Security: MailOff, From: c.Mail.From, User: "konklave", PasswordFile: "secret"}
		}, "mail.user"},
		{func(c *Config) { c.PublicURL = "" }, "public-url"},
	} {
		d := Default()
		d.PublicURL = "http://localhost:8080"
		d.Mail = Mail{Server: "mail.example.org:587", Security: MailStartTLS, From: "Konklave <konklave@example.org>"}
		c.change(&d)
		if err := d.Validate(); (err == nil) != (c.wrong == "") || err != nil && (!strings.HasPrefix(err.Error(), c.wrong+" ") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%+v: %v, want %q", d.Mail, err, c.wrong)
		}
	}
}
