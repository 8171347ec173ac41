package config

import (
	"reflect"
	"strings"
)

// Flags is one optional flag for every setting, and the path of the file: embed it in a kong command line.
type Flags struct {
	File string `name:"config" help:"Configuration file (YAML)." placeholder:"FILE" env:"KONKLAVE_CONFIG"`

	Listen                    *string `help:"Address of the web server." placeholder:"HOST:PORT"`
	Data                      *string `help:"Directory of everything that lasts." placeholder:"DIR"`
	Database                  *string `help:"Database: sqlite:PATH or postgres://…" placeholder:"DSN"`
	Name                      *string `help:"Name of this instance."`
	PublicURL                 *string `name:"public-url" help:"Address under which people reach this instance." placeholder:"URL"`
	TrustedProxies            *string `help:"Addresses and networks of your proxies in front of this server, separated by commas." placeholder:"NETWORKS"`
	TLS                       *string `name:"tls" help:"Where the certificate comes from: off, files, acme, local-ca." placeholder:"MODE"`
	TLSCertificate            *string `name:"tls-certificate" help:"File with the certificate and its chain." placeholder:"FILE"`
	TLSKey                    *string `name:"tls-key" help:"File with the private key." placeholder:"FILE"`
	TLSDirectory              *string `name:"tls-directory" help:"ACME directory." placeholder:"URL"`
	TLSEmail                  *string `name:"tls-email" help:"Contact for the ACME account." placeholder:"ADDRESS"`
	TLSRoots                  *string `name:"tls-roots" help:"CA certificates by which the ACME server is trusted." placeholder:"FILE"`
	TLSRedirect               *string `name:"tls-redirect" help:"Address of the plain HTTP listener that leads to HTTPS." placeholder:"HOST:PORT"`
	TURNListen                *string `name:"turn-listen" help:"UDP address of the relay for media." placeholder:"HOST:PORT"`
	LogLevel                  *string `help:"Least important message: debug, info, warn, error." placeholder:"LEVEL"`
	LogFormat                 *string `help:"Shape of the log: text, json." placeholder:"FORMAT"`
	MediaAddresses            *string `help:"IP addresses for media, separated by commas." placeholder:"IPS"`
	MediaPorts                *string `help:"UDP ports for media." placeholder:"FIRST-LAST"`
	MediaCodec                *string `help:"Video codec: vp8, vp9, av1." placeholder:"CODEC"`
	ConferenceLinger          *string `help:"How long an empty conference stays." placeholder:"DURATION"`
	ConferenceResumeWindow    *string `help:"How long a lost participant keeps the place." placeholder:"DURATION"`
	ConferenceMaxParticipants *string `help:"Most participants in one conference." placeholder:"N"`
	ConferenceMaxRunning      *string `help:"Most conferences at the same time." placeholder:"N"`
	ConferenceRestarts        *string `help:"Most restarts of a conference within a minute." placeholder:"N"`
	SessionsIdle              *string `help:"How long a browser stays signed in without a request." placeholder:"DURATION"`
	SessionsLifetime          *string `help:"How long a browser stays signed in at most." placeholder:"DURATION"`
	MachinesTokenLifetime     *string `help:"How long the access token of a machine is good." placeholder:"DURATION"`
	NetworksUser              *string `help:"Networks from which alone accounts with the role user may be used." placeholder:"NETWORKS"`
	NetworksMeetingManager    *string `help:"The same for the role meeting_manager." placeholder:"NETWORKS"`
	NetworksOperator          *string `help:"The same for the role operator." placeholder:"NETWORKS"`
	NetworksUserAdmin         *string `help:"The same for the role user_admin." placeholder:"NETWORKS"`
	NetworksSecurityOfficer   *string `help:"The same for the role security_officer." placeholder:"NETWORKS"`
	NetworksAuditor           *string `help:"The same for the role auditor." placeholder:"NETWORKS"`
	SessionsMax               *string `help:"Most browsers in which one account is signed in." placeholder:"N"`
	SessionsProof             *string `help:"How long a proof of who one is lets one do what is sensitive." placeholder:"DURATION"`
	AccessApprovals           *string `help:"Whether sensitive acts need a second person: required, off." placeholder:"POLICY"`
	Isolation                 *string `help:"Where a layer of isolation is missing: best-effort, strict." placeholder:"MODE"`
	IsolationUIDBase          *string `name:"isolation-uid-base" help:"First user id of the processes." placeholder:"UID"`
	IsolationMemoryMiB        *string `name:"isolation-memory-mib" help:"Most memory of one conference." placeholder:"MIB"`
	IsolationCPUs             *string `name:"isolation-cpus" help:"Most processor time of one conference." placeholder:"N"`
	IsolationProcesses        *string `help:"Most threads of one conference." placeholder:"N"`
	LimitsRequestBytes        *string `help:"Largest body of an API request." placeholder:"BYTES"`
	LimitsHeaderBytes         *string `help:"Largest header of a request." placeholder:"BYTES"`
	LimitsSourceRate          *string `help:"API requests a second from one address." placeholder:"N"`
	LimitsSourceBurst         *string `help:"API requests from one address at once." placeholder:"N"`
	LimitsSessionRate         *string `help:"API requests a second in one session." placeholder:"N"`
	LimitsSessionBurst        *string `help:"API requests in one session at once." placeholder:"N"`
	LimitsMissesPerHour       *string `help:"Unknown meeting links from one address in an hour." placeholder:"N"`
	MailServer                *string `help:"Mail server to which mails are handed." placeholder:"HOST:PORT"`
	MailSecurity              *string `help:"How the way to the mail server is encrypted: starttls, tls, off." placeholder:"MODE"`
	MailFrom                  *string `help:"Address that mails come from." placeholder:"ADDRESS"`
	MailUser                  *string `help:"Name with which to sign in to the mail server." placeholder:"NAME"`
	MailPasswordFile          *string `help:"File with the password for that." placeholder:"FILE"`
	MailRoots                 *string `help:"CA certificates by which the mail server is trusted." placeholder:"FILE"`
	BackupDirectory           *string `help:"Directory of the backups." placeholder:"DIR"`
	BackupInterval            *string `help:"Time between two backups; 0s makes none." placeholder:"DURATION"`
	BackupKeep                *string `help:"How many of the newest backups stay." placeholder:"N"`
	BackupKeepDays            *string `help:"Of how many days a backup stays." placeholder:"N"`
	AuditWitnessKeys          *string `help:"Public keys of the witnesses of the audit log, separated by commas." placeholder:"KEYS"`
	DetectionGeoipFile        *string `help:"File in the MaxMind DB format that tells countries of addresses." placeholder:"FILE"`
	PasswordsRefusedFile      *string `help:"File of passwords that nobody may choose." placeholder:"FILE"`
	ScimProvider              *string `help:"Identity provider whose people are provisioned." placeholder:"ID"`
	VaultMasterKeyFile        *string `help:"File of the master key." placeholder:"FILE"`

	AuditKeepSecurityDays       *string `help:"For how many days entries about signing in, roles and keys are kept." placeholder:"N"`
	AuditKeepAdministrationDays *string `help:"For how many days entries about accounts and backups are kept." placeholder:"N"`
	AuditKeepConferenceDays     *string `help:"For how many days entries about meetings are kept." placeholder:"N"`
}

// given returns the flags that were set, by the key of their setting.
func (f Flags) given() map[string]string {
	given := map[string]string{}
	v := reflect.ValueOf(f)
	byName := map[string]*string{}
	for i := range v.NumField() {
		if p, ok := v.Field(i).Interface().(*string); ok && p != nil {
			byName[v.Type().Field(i).Name] = p
		}
	}
	for _, s := range Settings() {
		if p := byName[fieldName(s.short())]; p != nil {
			given[s.Key] = *p
		}
	}
	return given
}

// fieldName is the name of the field of Flags for a key: "media.ports" is MediaPorts.
func fieldName(key string) string {
	var name strings.Builder
	for part := range strings.FieldsFuncSeq(key, func(r rune) bool { return r == '.' || r == '-' }) {
		switch part {
		case "url", "tls", "turn", "uid":
			part = strings.ToUpper(part)
		case "mib":
			part = "MiB"
		case "cpus":
			part = "CPUs"
		}
		name.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return name.String()
}
