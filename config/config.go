// Package config is everything an operator can set: one struct, read from a strict YAML file, the environment and flags.
//
// Later sources win: default, file, environment, flag. Every mistake is reported at once, as a sentence that names the
// setting and where it was set.
package config

import (
	"log/slog"
	"net/netip"
	"path/filepath"
	"time"

	"konklave/audit/retention"
	"konklave/auth/settings"
)

// Config is the complete configuration of one instance. Default gives a valid one.
type Config struct {
	Listen     string         // address of the public HTTP listener, host:port
	Data       string         // directory of everything that lasts, and of the run-time sockets
	Database   string         // data source name; empty for SQLite in the data directory (see DSN)
	Name       string         // name of the instance as people see it
	PublicURL  string         // canonical address for links, without a path; empty when only the listen address is used
	Proxies    []netip.Prefix // of the operator, in front of this server: what they say about the client is believed
	TLS        TLS
	TURN       TURN
	Log        Log
	Media      Media
	Conference Conference
	Sessions   Sessions
	Access     Access
	Machines   Machines
	Networks   Networks
	Isolation  Isolation
	Limits     Limits
	Vault      Vault
	Backup     Backup
	Audit      Audit
	Passwords  Passwords
	Detection  Detection
	Identity   settings.Identity // the identity providers; in the file alone
	Scim       Scim
	Mail       Mail
}

// Scim is how an identity management system keeps accounts here (SCIM 2.0).
type Scim struct {
	Provider string // id of the identity provider whose people they are; empty when nobody is provisioned
}

// TLS says where the certificate of the public listener comes from.
type TLS struct {
	Mode        TLSMode
	Certificate string // file with the certificate and its chain (PEM), for TLSFiles
	Key         string // file with its private key (PEM), for TLSFiles
	Directory   string // URL of the ACME directory, for TLSACME
	Email       string // contact for the ACME account; may be empty
	Roots       string // file with CA certificates (PEM) that the ACME server is trusted by; empty for the system's
	Redirect    string // address of a plain HTTP listener that leads to HTTPS, host:port; empty for none
}

// TLSMode is a source of certificates.
type TLSMode string

// The sources of certificates.
const (
	TLSOff     TLSMode = "off"      // plain HTTP, on loopback addresses only
	TLSFiles   TLSMode = "files"    // certificate and key in files of the operator
	TLSACME    TLSMode = "acme"     // fetched and renewed from an ACME server (RFC 8555)
	TLSLocalCA TLSMode = "local-ca" // of a CA in the data directory that each device has to be told to trust
)

// On reports whether the public listener speaks TLS.
func (t TLS) On() bool { return t.Mode != TLSOff }

// TURN says where the relay for media listens. With TLS it is reached at the address of the web server too.
type TURN struct {
	Listen string // UDP address, host:port; empty for none
}

// Log says what is logged and how.
type Log struct {
	Level  slog.Level
	Format LogFormat
}

// LogFormat is the shape of a log line.
type LogFormat string

// The log formats.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Media says where media packets are received and how videos are coded.
type Media struct {
	Addresses []netip.Addr // bound and announced to browsers, in this order
	Ports     PortRange    // UDP; one port for each running conference
	Codec     Codec        // published by policy; VP8 is always the second choice
}

// Codec is a video codec.
type Codec string

// The video codecs.
const (
	VP8 Codec = "vp8"
	VP9 Codec = "vp9"
	AV1 Codec = "av1"
)

// PortRange is a range of port numbers, both ends included.
type PortRange struct {
	First, Last uint16
}

// Len is the number of ports in the range.
func (r PortRange) Len() int { return int(r.Last) - int(r.First) + 1 }

// Conference bounds the live conferences.
type Conference struct {
	Linger          time.Duration // how long an empty conference stays, after the last participant left
	ResumeWindow    time.Duration // how long a participant without a connection keeps the place
	MaxParticipants int           // in one conference
	MaxRunning      int           // conferences at the same time
	Restarts        int           // of a conference within a minute, before it is left alone for a while
}

// Sessions bounds how long and in how many browsers a person stays signed in.
type Sessions struct {
	Idle     time.Duration // without a request
	Lifetime time.Duration // in any case
	Max      int           // of one account at once
	Proof    time.Duration // how long a proof of who somebody is lets that person do what is sensitive
}

// Approvals says whether sensitive acts need a second person.
type Approvals string

// The choices.
const (
	ApprovalsRequired Approvals = "required"
	ApprovalsOff      Approvals = "off"
)

// Access says under what conditions people do what their roles allow.
type Access struct {
	Approvals Approvals
}

// Machines bounds what programs with a secret of their own get.
type Machines struct {
	TokenLifetime time.Duration // of an access token
}

// Networks says from where those who hold a role may come; none means from everywhere.
type Networks struct {
	User, MeetingManager, Operator, UserAdmin, SecurityOfficer, Auditor []netip.Prefix
}

// Vault says where the keys of encryption at rest lie.
type Vault struct {
	MasterKeyFile string // empty for master.key in the data directory (see MasterKeyFile)
}

// Isolation says how conferences are kept apart from each other and from the server.
type Isolation struct {
	Mode      IsolationMode
	UIDBase   int     // first of the user ids that the processes run as, when started as root
	MemoryMiB int     // of one conference, in MiB
	CPUs      float64 // of one conference; 2 is the time of two processors
	Processes int     // processes and threads of one conference
}

// IsolationMode says what happens where the machine lacks a layer of isolation.
type IsolationMode string

// The isolation modes.
const (
	IsolationBestEffort IsolationMode = "best-effort" // go on with what is there, and say so
	IsolationStrict     IsolationMode = "strict"      // start no conference
)

// Detection says what is known for finding what is unusual.
type Detection struct {
	GeoIPFile string // file in the MaxMind DB format that tells countries, or cities, of addresses; empty means none
}

// Passwords says which passwords nobody may choose, beside the common ones.
type Passwords struct {
	RefusedFile string // one on each line; empty for none
}

// Backup says when backups are made by themselves and which stay.
type Backup struct {
	Directory string        // empty for "backups" in the data directory (see BackupDir)
	Interval  time.Duration // between two backups; 0 makes none
	Keep      int           // the newest that stay
	KeepDays  int           // days of which the newest backup stays
}

// Audit says who watches over the audit log.
type Audit struct {
	WitnessKeys []string         // public keys of the witnesses whose cosignatures are taken
	Keep        retention.Policy // for how long
}

// Limits bounds what one caller may ask of the API.
type Limits struct {
	RequestBytes  int64   // body of one API request
	HeaderBytes   int     // all header lines of one request
	SourceRate    float64 // API requests a second from one address, on average
	SourceBurst   int     // and at once
	SessionRate   float64 // API requests a second in one session or with one token, on average
	SessionBurst  int     // and at once
	MissesPerHour int     // unknown meeting links asked for from one address
}

// Default is the configuration of an instance of which nothing was said: loopback only, data in ./var.
func Default() Config {
	return Config{
		Listen: "127.0.0.1:8080",
		Data:   "./var",
		Name:   "Konklave",
		TLS:    TLS{Mode: TLSOff, Directory: "https://acme-v02.api.letsencrypt.org/directory"},
		Log:    Log{Level: slog.LevelInfo, Format: LogText},
		Media: Media{
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})},
			Ports:     PortRange{First: 40000, Last: 40999},
			Codec:     VP8,
		},
		Conference: Conference{
			Linger:          60 * time.Second,
			ResumeWindow:    60 * time.Second,
			MaxParticipants: 500,
			MaxRunning:      200,
			Restarts:        5,
		},
		Sessions: Sessions{Idle: 12 * time.Hour, Lifetime: 7 * 24 * time.Hour, Max: 20, Proof: 5 * time.Minute},
		Access:   Access{Approvals: ApprovalsRequired},
		Machines: Machines{TokenLifetime: 10 * time.Minute},
		Isolation: Isolation{
			Mode:      IsolationBestEffort,
			UIDBase:   62000,
			MemoryMiB: 1024,
			CPUs:      2,
			Processes: 64,
		},
		Limits: Limits{
			RequestBytes:  64 << 10,
			HeaderBytes:   16 << 10,
			SourceRate:    50,
			SourceBurst:   200,
			SessionRate:   20,
			SessionBurst:  100,
			MissesPerHour: 60,
		},
		Backup: Backup{Interval: 15 * time.Minute, Keep: 8, KeepDays: 14},
		Audit:  Audit{Keep: retention.Default()},
		Mail:   Mail{Security: MailStartTLS},
	}
}

// DSN is the data source name of the database: the configured one, or SQLite in the data directory.
func (c Config) DSN() string {
	if c.Database != "" {
		return c.Database
	}
	return "sqlite:" + filepath.Join(c.Data, "konklave.db")
}

// MasterKeyFile is the file of the master key: the configured one, or the one in the data directory.
func (c Config) MasterKeyFile() string {
	if c.Vault.MasterKeyFile != "" {
		return c.Vault.MasterKeyFile
	}
	return filepath.Join(c.Data, "master.key")
}

// BackupDir is the directory of the backups: the configured one, or one in the data directory.
func (c Config) BackupDir() string {
	if c.Backup.Directory != "" {
		return c.Backup.Directory
	}
	return filepath.Join(c.Data, "backups")
}

// SignerDir is the directory of the signer, with the key of the audit log.
func (c Config) SignerDir() string { return filepath.Join(c.Data, "signer") }

// AuditKeysFile is the file with the public keys of the audit log, one on each line, the present one last.
func (c Config) AuditKeysFile() string { return filepath.Join(c.Data, "audit.keys") }

// AuditAlarmFile is where it stands, in words for the operator, why the audit log is not signed; it is there only then.
func (c Config) AuditAlarmFile() string { return filepath.Join(c.RunDir(), "audit.alarm") }

// RunDir is the directory of the run-time sockets.
func (c Config) RunDir() string { return filepath.Join(c.Data, "run") }
