package config

import (
	"net/url"
	"strings"
)

// Setting describes one key: its name in the file and what it means. Environment and flag names follow from the key.
type Setting struct {
	Key string // dotted path in the file
	Doc string // what it does, in sentences; one line each
	at  func(*Config) value
}

// Env is the name of the setting's environment variable.
func (s Setting) Env() string {
	return envPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(s.short()))
}

// Flag is the name of the setting's command line flag, with the dashes before it.
func (s Setting) Flag() string { return "--" + strings.ReplaceAll(s.short(), ".", "-") }

// short is the key as flags and variables name it: the mode of a group goes by the name of the group.
func (s Setting) short() string { return strings.TrimSuffix(s.Key, ".mode") }

// Show is the setting's value in c as text, without secrets.
func (s Setting) Show(c Config) string { return s.at(&c).String() }

// masked stands where a secret is not shown.
const masked = "***"

// maskDSN replaces the password of a data source name.
func maskDSN(dsn string) string {
	if dsn == "" || strings.HasPrefix(dsn, "sqlite:") {
		return dsn
	}
	u, err := url.Parse(dsn)
	if err != nil || u.Host == "" {
		return masked
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), masked)
	}
	q := u.Query()
	if q.Has("password") || q.Has("sslpassword") {
		for _, k := range []string{"password", "sslpassword"} {
			if q.Has(k) {
				q.Set(k, masked)
			}
		}
		u.RawQuery = q.Encode()
	}
	return strings.ReplaceAll(u.String(), url.QueryEscape(masked), masked)
}
