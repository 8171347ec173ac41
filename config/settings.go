package config

import "slices"

// Settings lists every key in the order of the example file.
func Settings() []Setting {
	return slices.Concat(doorSettings(), conferenceSettings(), guardSettings(), machineSettings(), networkSettings(), keptSettings(), mailSettings())
}

// doorSettings say where people reach this instance.
func doorSettings() []Setting {
	return []Setting{
		{"listen", "Address of the web server, host:port. Without TLS it must be a loopback address.",
			func(c *Config) value { return textValue{&c.Listen} }},
		{"data", "Directory of everything that lasts: database, keys, run-time sockets.",
			func(c *Config) value { return textValue{&c.Data} }},
		{"database", "Database: sqlite:PATH or postgres://USER@HOST/NAME. Empty means SQLite in the data directory.",
			func(c *Config) value { return dsnValue{textValue{&c.Database}} }},
		{"name", "Name of this instance, as people see it.",
			func(c *Config) value { return textValue{&c.Name} }},
		{"public-url", "Address under which people reach this instance, used in links; without a path.\nEmpty means the listen address.",
			func(c *Config) value { return textValue{&c.PublicURL} }},
		{"trusted-proxies", "Addresses and networks (such as 10.0.0.0/24), separated by commas, of your own proxies in front of this server.\nWhat these, and nobody else, say in X-Forwarded-For or Forwarded about the client is believed. Empty means none.",
			func(c *Config) value { return prefixesValue{&c.Proxies} }},
		{"tls.mode", "Where the certificate comes from: off (plain HTTP, loopback only), files, acme,\nor local-ca (a CA of this instance, for a trial on the local network).",
			func(c *Config) value {
				return choiceValue[TLSMode]{&c.TLS.Mode, []TLSMode{TLSOff, TLSFiles, TLSACME, TLSLocalCA}}
			}},
		{"tls.certificate", "File with the certificate and its chain (PEM), for tls.mode files. Read again when it changes.",
			func(c *Config) value { return textValue{&c.TLS.Certificate} }},
		{"tls.key", "File with the private key (PEM), for tls.mode files. Read again when it changes.",
			func(c *Config) value { return textValue{&c.TLS.Key} }},
		{"tls.directory", "ACME directory that certificates are fetched from, for tls.mode acme.",
			func(c *Config) value { return textValue{&c.TLS.Directory} }},
		{"tls.email", "Address that the ACME server may write to when something is wrong.",
			func(c *Config) value { return textValue{&c.TLS.Email} }},
		{"tls.roots", "File with CA certificates (PEM) by which the ACME server is trusted. Empty means those of the system.",
			func(c *Config) value { return textValue{&c.TLS.Roots} }},
		{"tls.redirect", "Address of a plain HTTP listener that leads people to HTTPS, usually 0.0.0.0:80. Empty means none.",
			func(c *Config) value { return textValue{&c.TLS.Redirect} }},
		{"turn.listen", "UDP address of the relay for media, usually 0.0.0.0:3478. Empty means none;\nwith TLS the relay is reached through the web server's port in any case.",
			func(c *Config) value { return textValue{&c.TURN.Listen} }},
	}
}

// conferenceSettings say how conferences run.
func conferenceSettings() []Setting {
	return []Setting{
		{"log.level", "Least important message that is logged: debug, info, warn or error.",
			func(c *Config) value { return levelValue{&c.Log.Level} }},
		{"log.format", "Shape of the log: text or json.",
			func(c *Config) value { return choiceValue[LogFormat]{&c.Log.Format, []LogFormat{LogText, LogJSON}} }},
		{"media.addresses", "IP addresses at which media is received and which browsers are told; by default the machine's first one that is not loopback.",
			func(c *Config) value { return addressesValue{&c.Media.Addresses} }},
		{"media.ports", "UDP ports for media; each running conference takes one.",
			func(c *Config) value { return portsValue{&c.Media.Ports} }},
		{"media.codec", "Video codec that browsers publish when they can: vp8, vp9 or av1. VP8 is always the second choice.",
			func(c *Config) value { return choiceValue[Codec]{&c.Media.Codec, []Codec{VP8, VP9, AV1}} }},
		{"conference.linger", "How long an empty conference stays after the last participant left.",
			func(c *Config) value { return durationValue{&c.Conference.Linger} }},
		{"conference.resume-window", "How long a participant whose connection is lost keeps the place.",
			func(c *Config) value { return durationValue{&c.Conference.ResumeWindow} }},
		{"conference.max-participants", "Most participants in one conference.",
			func(c *Config) value { return intValue[int]{&c.Conference.MaxParticipants} }},
		{"conference.max-running", "Most conferences at the same time; each is a process and takes a media port.",
			func(c *Config) value { return intValue[int]{&c.Conference.MaxRunning} }},
		{"conference.restarts", "How often a conference that dies is started again within a minute, before it is left alone for a while.",
			func(c *Config) value { return intValue[int]{&c.Conference.Restarts} }},
	}
}

// guardSettings say what is allowed: how long, how much, and behind which walls.
func guardSettings() []Setting {
	return []Setting{
		{"sessions.idle", "How long a browser stays signed in without a request. Who is in a meeting stays in it.",
			func(c *Config) value { return durationValue{&c.Sessions.Idle} }},
		{"sessions.lifetime", "How long a browser stays signed in at most; then the person is out of running meetings too.",
			func(c *Config) value { return durationValue{&c.Sessions.Lifetime} }},
		{"sessions.max", "In how many browsers one account is signed in at most; one more signs out where it was used longest ago.",
			func(c *Config) value { return intValue[int]{&c.Sessions.Max} }},
		{"sessions.proof", "How long after the sign-in, or after proving once more who one is, a person may do what is sensitive, such as giving roles.",
			func(c *Config) value { return durationValue{&c.Sessions.Proof} }},
		{"access.approvals", "Whether a second person must agree before somebody gets the role operator, user administrator, security officer or auditor,\nand before the audit log is exported: required or off. On the machine itself konklave user and konklave audit do these without one.",
			func(c *Config) value {
				return choiceValue[Approvals]{&c.Access.Approvals, []Approvals{ApprovalsRequired, ApprovalsOff}}
			}},
		{"isolation.mode", "What happens where this machine lacks a layer of a conference's isolation: best-effort (go on and say so) or strict (start none).",
			func(c *Config) value {
				return choiceValue[IsolationMode]{&c.Isolation.Mode, []IsolationMode{IsolationBestEffort, IsolationStrict}}
			}},
		{"isolation.uid-base", "First of the user ids that the processes run as when started as root; nobody else may use them.",
			func(c *Config) value { return intValue[int]{&c.Isolation.UIDBase} }},
		{"isolation.memory-mib", "Most memory of one conference, in MiB.",
			func(c *Config) value { return intValue[int]{&c.Isolation.MemoryMiB} }},
		{"isolation.cpus", "Most processor time of one conference; 2 is the time of two processors.",
			func(c *Config) value { return floatValue{&c.Isolation.CPUs} }},
		{"isolation.processes", "Most threads of one conference.",
			func(c *Config) value { return intValue[int]{&c.Isolation.Processes} }},
		{"limits.request-bytes", "Largest body of an API request, in bytes.",
			func(c *Config) value { return intValue[int64]{&c.Limits.RequestBytes} }},
		{"limits.header-bytes", "Largest header of a request, in bytes.",
			func(c *Config) value { return intValue[int]{&c.Limits.HeaderBytes} }},
		{"limits.source-rate", "API requests a second from one address, on average.",
			func(c *Config) value { return floatValue{&c.Limits.SourceRate} }},
		{"limits.source-burst", "API requests from one address at once.",
			func(c *Config) value { return intValue[int]{&c.Limits.SourceBurst} }},
		{"limits.session-rate", "API requests a second in one session or with one token, on average.",
			func(c *Config) value { return floatValue{&c.Limits.SessionRate} }},
		{"limits.session-burst", "API requests in one session or with one token at once.",
			func(c *Config) value { return intValue[int]{&c.Limits.SessionBurst} }},
		{"limits.misses-per-hour", "Unknown meeting links that one address may ask for in an hour.",
			func(c *Config) value { return intValue[int]{&c.Limits.MissesPerHour} }},
	}
}

// keptSettings say what is kept, and what guards it.
func keptSettings() []Setting {
	return []Setting{
		{"vault.master-key-file", "File of the master key, with which everything at rest is encrypted; keep it apart from the database and its backups.\nEmpty means master.key in the data directory.",
			func(c *Config) value { return textValue{&c.Vault.MasterKeyFile} }},
		{"backup.directory", "Directory of the backups that are made by themselves; better on another disk, or copied away from there.\nEmpty means backups in the data directory.",
			func(c *Config) value { return textValue{&c.Backup.Directory} }},
		{"backup.interval", "Time between two backups. 0s makes none. Backups need a recovery key (konklave recovery-key new).",
			func(c *Config) value { return durationValue{&c.Backup.Interval} }},
		{"backup.keep", "How many of the newest backups stay.",
			func(c *Config) value { return intValue[int]{&c.Backup.Keep} }},
		{"backup.keep-days", "Of how many days, counted from the newest backup's, the day's newest backup stays as well.",
			func(c *Config) value { return intValue[int]{&c.Backup.KeepDays} }},
		{"audit.witness-keys", "Public keys, separated by commas, of the witnesses that cosign the checkpoints of the audit log (konklave witness key).\nEmpty means that nobody does: then whoever has this machine can replace the log.",
			func(c *Config) value { return witnessesValue{&c.Audit.WitnessKeys} }},
		{"audit.keep-security-days", "For how many days the audit log keeps what entries about signing in, roles and keys tell. A change is recorded; what is removed stays proven.",
			func(c *Config) value { return intValue[int]{&c.Audit.Keep.Security} }},
		{"audit.keep-administration-days", "The same for entries about accounts and backups.",
			func(c *Config) value { return intValue[int]{&c.Audit.Keep.Administration} }},
		{"audit.keep-conference-days", "The same for entries about meetings and what happens in them.",
			func(c *Config) value { return intValue[int]{&c.Audit.Keep.Conference} }},
		{"passwords.refused-file", "File of passwords that nobody may choose, one on each line, beside the common ones that are always refused: names, places, the product.\nA listed one is refused with a few digits or signs around it too. It is read at the start. Empty means none.",
			func(c *Config) value { return textValue{&c.Passwords.RefusedFile} }},
		{"detection.geoip-file", "File in the MaxMind DB format that tells countries, or cities, of addresses, for finding sign-ins from unusual places.\nIt is read at the start and held in memory. Empty means that places are not looked at.",
			func(c *Config) value { return textValue{&c.Detection.GeoIPFile} }},
		{"scim.provider", "Id of the identity provider whose people and groups an identity management system keeps here (SCIM 2.0, PUBLIC-URL/scim/v2).\nThe rules of that provider then apply to those groups. Empty means that nobody is provisioned.",
			func(c *Config) value { return textValue{&c.Scim.Provider} }},
	}
}
