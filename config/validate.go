package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"konklave/audit/retention"
	"konklave/auth/settings"
)

// The bounds of the settings; both ends are allowed.
const (
	MaxNameLength = 100 // characters

	MinMediaPort = 1024

	MaxLinger       = 24 * time.Hour
	MinResumeWindow = 5 * time.Second
	MaxResumeWindow = 10 * time.Minute

	MinParticipants = 2
	MaxParticipants = 5000
	MaxRunning      = 10000
	MaxRestarts     = 1000

	MinSessionIdle     = time.Minute
	MaxSessionLifetime = 366 * 24 * time.Hour
	MaxSessions        = 1000 // of one account
	MinSessionProof    = time.Minute
	MaxSessionProof    = time.Hour
	MinTokenLifetime   = time.Minute
	MaxTokenLifetime   = time.Hour

	MinUIDBase    = 1000
	MaxUIDBase    = 1 << 30
	MinMemoryMiB  = 128
	MaxMemoryMiB  = 1 << 20
	MinCPUs       = 0.1
	MaxCPUs       = 1024
	MinProcesses  = 16 // the Go runtime needs a dozen threads
	MaxProcesses  = 1 << 16
	UnmappedUsers = 65534 // "nobody": to the kernel also everybody whom it cannot name

	MinRequestBytes = 1 << 10
	MaxRequestBytes = 16 << 20
	MinHeaderBytes  = 4 << 10
	MaxHeaderBytes  = 1 << 20
	MaxRate         = 1e6
	MaxBurst        = 1e6
	MaxMisses       = 1e6

	MinBackupInterval = time.Minute
	MaxBackupInterval = 7 * 24 * time.Hour
	MaxBackups        = 1000 // and as many days
)

// Validate reports every mistake at once, one sentence each, joined; nil when there is none.
func (c Config) Validate() error {
	return errors.Join(c.contradictions(nil)...)
}

// contradictions lists the mistakes; sources, when known, says where each setting came from.
func (c Config) contradictions(sources map[string]string) []error {
	v := validator{sources: sources}
	v.listen(c.Listen, c.TLS.On())
	v.tls(c)
	v.address("turn.listen", c.TURN.Listen)
	v.check("data", c.Data != "", "is empty, but must name a directory")
	v.check("database", c.Database == "" || strings.HasPrefix(c.Database, "sqlite:") || strings.HasPrefix(c.Database, "postgres://") || strings.HasPrefix(c.Database, "postgresql://"),
		"must begin with sqlite: or postgres://")
	n := utf8.RuneCountInString(c.Name)
	v.check("name", n >= 1 && n <= MaxNameLength && strings.TrimSpace(c.Name) == c.Name && utf8.ValidString(c.Name),
		"must have 1 to %d characters and no space around them", MaxNameLength)
	v.publicURL(c.PublicURL, c.Media.Addresses)
	v.proxies(c.Proxies)
	v.media(c.Media, c.Conference.MaxRunning)
	v.within("conference.linger", c.Conference.Linger >= 0 && c.Conference.Linger <= MaxLinger, c.Conference.Linger, time.Duration(0), MaxLinger)
	v.within("conference.resume-window", c.Conference.ResumeWindow >= MinResumeWindow && c.Conference.ResumeWindow <= MaxResumeWindow, c.Conference.ResumeWindow, MinResumeWindow, MaxResumeWindow)
	v.number("conference.max-participants", float64(c.Conference.MaxParticipants), MinParticipants, MaxParticipants)
	v.number("conference.max-running", float64(c.Conference.MaxRunning), 1, MaxRunning)
	v.number("conference.restarts", float64(c.Conference.Restarts), 1, MaxRestarts)
	v.within("sessions.idle", c.Sessions.Idle >= MinSessionIdle && c.Sessions.Idle <= c.Sessions.Lifetime, c.Sessions.Idle, MinSessionIdle, "sessions.lifetime")
	v.within("sessions.lifetime", c.Sessions.Lifetime >= MinSessionIdle && c.Sessions.Lifetime <= MaxSessionLifetime, c.Sessions.Lifetime, MinSessionIdle, MaxSessionLifetime)
	v.within("sessions.proof", c.Sessions.Proof >= MinSessionProof && c.Sessions.Proof <= MaxSessionProof, c.Sessions.Proof, MinSessionProof, MaxSessionProof)
	v.within("machines.token-lifetime", c.Machines.TokenLifetime >= MinTokenLifetime && c.Machines.TokenLifetime <= MaxTokenLifetime, c.Machines.TokenLifetime, MinTokenLifetime, MaxTokenLifetime)
	v.number("sessions.max", float64(c.Sessions.Max), 1, MaxSessions)
	v.check("scim.provider", c.Scim.Provider == "" || slices.ContainsFunc(c.Identity.Providers(), func(p settings.Provider) bool { return p.ID == c.Scim.Provider }),
		"must be the id of a provider in identity.providers")
	v.mail(c)
	v.isolation(c.Isolation, c.Conference.MaxRunning)
	v.number("limits.request-bytes", float64(c.Limits.RequestBytes), MinRequestBytes, MaxRequestBytes)
	v.number("limits.header-bytes", float64(c.Limits.HeaderBytes), MinHeaderBytes, MaxHeaderBytes)
	v.number("limits.source-rate", c.Limits.SourceRate, 1, MaxRate)
	v.number("limits.source-burst", float64(c.Limits.SourceBurst), 1, MaxBurst)
	v.number("limits.session-rate", c.Limits.SessionRate, 1, MaxRate)
	v.number("limits.session-burst", float64(c.Limits.SessionBurst), 1, MaxBurst)
	v.number("limits.misses-per-hour", float64(c.Limits.MissesPerHour), 1, MaxMisses)
	v.check("backup.interval", c.Backup.Interval == 0 || (c.Backup.Interval >= MinBackupInterval && c.Backup.Interval <= MaxBackupInterval),
		"is %v, but must be 0s, or from %v to %v", c.Backup.Interval, MinBackupInterval, MaxBackupInterval)
	v.number("backup.keep", float64(c.Backup.Keep), 1, MaxBackups)
	v.number("backup.keep-days", float64(c.Backup.KeepDays), 0, MaxBackups)
	v.number("audit.keep-security-days", float64(c.Audit.Keep.Security), retention.MinSecurityDays, retention.MaxDays)
	v.number("audit.keep-administration-days", float64(c.Audit.Keep.Administration), retention.MinDays, retention.MaxDays)
	v.number("audit.keep-conference-days", float64(c.Audit.Keep.Conference), retention.MinDays, retention.MaxDays)
	redirecting := len(c.Identity.OpenID) + len(c.Identity.SAML)
	v.check("public-url", redirecting == 0 || c.PublicURL != "", "is empty, but must be the address to which the identity providers of kind oidc and saml send browsers back")
	return v.mistakes
}

// UIDReserve is how many user ids are needed beside those of the conferences.
const UIDReserve = 10

func (v *validator) isolation(i Isolation, running int) {
	v.number("isolation.uid-base", float64(i.UIDBase), MinUIDBase, MaxUIDBase)
	last := i.UIDBase + UIDReserve + running
	v.check("isolation.uid-base", i.UIDBase > UnmappedUsers || last < UnmappedUsers,
		"is %d, but then the user ids reach %d, and %d is nobody's: choose a lower one, or one above", i.UIDBase, last, UnmappedUsers)
	v.number("isolation.memory-mib", float64(i.MemoryMiB), MinMemoryMiB, MaxMemoryMiB)
	v.number("isolation.cpus", i.CPUs, MinCPUs, MaxCPUs)
	v.number("isolation.processes", float64(i.Processes), MinProcesses, MaxProcesses)
}

type validator struct {
	sources  map[string]string
	mistakes []error
}

func (v *validator) check(key string, ok bool, format string, args ...any) {
	if ok {
		return
	}
	name := key
	if where := v.sources[key]; where != "" && where != SourceDefault {
		name += " (" + where + ")"
	}
	v.mistakes = append(v.mistakes, fmt.Errorf("%s %s", name, fmt.Sprintf(format, args...)))
}

func (v *validator) within(key string, ok bool, got, least, most any) {
	v.check(key, ok, "is %v, but must be from %v to %v", got, least, most)
}

func (v *validator) number(key string, n, least, most float64) {
	v.within(key, n >= least && n <= most, show(n), show(least), show(most))
}

func show(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

func (v *validator) listen(listen string, secure bool) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		v.check("listen", false, "is %q, but must be a host and a port such as 127.0.0.1:8080", listen)
		return
	}
	_, err = strconv.ParseUint(port, 10, 16)
	v.check("listen", err == nil, "has the port %q, but a port is a number from 0 to 65535", port)
	v.check("listen", secure || IsLoopback(host), "is %s, which other machines can reach, but without TLS only loopback addresses are served: "+
		"browsers give neither cameras nor secure cookies to plain HTTP from elsewhere. Use 127.0.0.1:%s, or set tls.mode (--tls local-ca for a trial)", listen, port)
}

// IsLoopback reports whether host, a name or an IP address without port, is this machine and nothing else.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback() && a.Zone() == ""
}

// address checks the address of an optional listener.
func (v *validator) address(key, address string) {
	if address == "" {
		return
	}
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	v.check(key, err == nil, "is %q, but must be a host and a port such as 0.0.0.0:80", address)
}

func (v *validator) tls(c Config) {
	t := c.TLS
	files := t.Mode == TLSFiles
	v.check("tls.certificate", (t.Certificate != "") == files, "goes together with tls.mode files: set both or neither")
	v.check("tls.key", (t.Key != "") == files, "goes together with tls.mode files: set both or neither")
	v.address("tls.redirect", t.Redirect)
	v.check("tls.redirect", t.Redirect == "" || t.On(), "is set, but there is no HTTPS to lead to: set tls.mode, or leave it empty")
	u, err := url.Parse(c.PublicURL)
	v.check("public-url", !t.On() || c.PublicURL == "" || err != nil || u.Scheme == "https", "is %q, but must begin with https:// when tls.mode is %s", c.PublicURL, t.Mode)
	if t.Mode != TLSACME {
		return
	}
	v.check("public-url", c.PublicURL != "", "is empty, but must name the host that the ACME server issues the certificate for")
	d, err := url.Parse(t.Directory)
	v.check("tls.directory", err == nil && d.Scheme == "https" && d.Host != "", "is %q, but must be an address that begins with https://", t.Directory)
}

func (v *validator) publicURL(raw string, media []netip.Addr) {
	if raw == "" {
		return
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" {
		v.check("public-url", false, "is %q, but must be an address such as https://meet.example.org, without a path", raw)
		return
	}
	local := IsLoopback(u.Hostname())
	v.check("public-url", local || u.Scheme == "https", "is %q, but must begin with https://: browsers give neither cameras nor secure cookies to plain HTTP", raw)
	reachable := local
	for _, a := range media {
		reachable = reachable || !a.IsLoopback()
	}
	v.check("media.addresses", reachable, "has loopback addresses only, but public-url invites people on other machines: add an address of this machine that they can reach")
}

func (v *validator) proxies(list []netip.Prefix) {
	seen := map[netip.Prefix]bool{}
	for _, p := range list {
		v.check("trusted-proxies", p.Bits() > 0, "contains %s, which is everybody: name the addresses of your own proxies", p)
		v.check("trusted-proxies", !seen[p], "contains %s twice", p)
		seen[p] = true
	}
}

func (v *validator) media(m Media, running int) {
	v.check("media.addresses", len(m.Addresses) > 0, "is empty, but must name at least one IP address")
	seen := map[netip.Addr]bool{}
	for _, a := range m.Addresses {
		v.check("media.addresses", !a.IsUnspecified() && !a.IsMulticast(), "contains %s, but browsers must be told concrete addresses of this machine", a)
		v.check("media.addresses", !seen[a], "contains %s twice", a)
		seen[a] = true
	}
	v.check("media.ports", m.Ports.First >= MinMediaPort, "begins at %d, but must be %d or higher", m.Ports.First, MinMediaPort)
	v.check("media.ports", m.Ports.First <= m.Ports.Last, "is %d-%d, but the first port must not be above the last", m.Ports.First, m.Ports.Last)
	if m.Ports.First <= m.Ports.Last {
		v.check("conference.max-running", running <= m.Ports.Len(), "is %d, but media.ports has %d ports and each conference takes one", running, m.Ports.Len())
	}
}
