package config

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "konklave.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, file string, environ []string, args ...string) (Loaded, error) {
	t.Helper()
	var flags Flags
	parser, err := kong.New(&flags)
	if err != nil {
		t.Fatal(err)
	}
	if file != "" {
		args = append(args, "--config", write(t, file))
	}
	if _, err := parser.Parse(args); err != nil {
		t.Fatal(err)
	}
	return Load(flags, environ)
}

func TestDefaultIsValid(t *testing.T) {
	t.Parallel()
	if err := Default().Validate(); err != nil {
		t.Fatal(err)
	}
	loaded, err := load(t, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := loadedDefault(); !reflect.DeepEqual(loaded.Config, want) {
		t.Errorf("got  %+v\nwant %+v", loaded.Config, want)
	}
	if got, want := loaded.DSN(), "sqlite:var/konklave.db"; got != want {
		t.Errorf("DSN() = %q, want %q", got, want)
	}
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	file := "name: File\ndata: file\nlog:\n  level: debug\nmedia:\n  addresses: [10.0.0.1, '::1']\n"
	env := []string{"KONKLAVE_NAME=Env", "KONKLAVE_DATA=env", "PATH=/bin"}
	l, err := load(t, file, env, "--name", "Flag")
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Name, want.Data, want.Log.Level = "Flag", "env", -4
	want.Media.Addresses = []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("::1")}
	if !reflect.DeepEqual(l.Config, want) {
		t.Errorf("got  %+v\nwant %+v", l.Config, want)
	}
	for key, source := range map[string]string{
		"name": "--name", "data": "KONKLAVE_DATA", "log.level": "konklave.yaml:4", "listen": SourceDefault,
	} {
		if l.Sources[key] != source {
			t.Errorf("source of %s = %q, want %q", key, l.Sources[key], source)
		}
	}
}

// Every setting can be set by every source: the default value of each is written, one source at a time.
func TestEverySourceKnowsEverySetting(t *testing.T) {
	t.Parallel()
	other := map[string]string{
		"listen": "[::1]:9", "data": "d", "database": "sqlite:x.db", "name": "N", "public-url": "https://localhost:1", "trusted-proxies": "10.0.0.0/24,2001:db8::1/128",
		"tls.mode": "files", "tls.certificate": "c.pem", "tls.key": "k.pem", "tls.directory": "https://ca.example.org/directory",
		"tls.email": "admin@example.org", "tls.roots": "ca.pem", "tls.redirect": "0.0.0.0:80", "turn.listen": "0.0.0.0:3478",
		"log.level": "warn", "log.format": "json", "media.addresses": "10.1.1.1", "media.ports": "50000-50009", "media.codec": "av1",
		"conference.linger": "1s", "conference.resume-window": "6s", "conference.max-participants": "7", "conference.max-running": "8", "conference.restarts": "3",
		"sessions.idle": "30m0s", "sessions.lifetime": "8h0m0s", "sessions.max": "3", "sessions.proof": "2m0s", "access.approvals": "off",
		"machines.token-lifetime": "1h0m0s", "networks.user": "10.0.0.0/8", "networks.meeting-manager": "10.1.0.0/16", "networks.operator": "10.2.0.0/16",
		"networks.user-admin": "10.3.0.0/16", "networks.security-officer": "10.4.0.0/16", "networks.auditor": "10.5.0.1/32,2001:db8::/32",
		"isolation.mode": "strict", "isolation.uid-base": "70000", "isolation.memory-mib": "512", "isolation.cpus": "1.5", "isolation.processes": "32",
		"limits.request-bytes": "2048", "limits.header-bytes": "5000", "limits.source-rate": "1.5", "limits.source-burst": "3",
		"limits.session-rate": "2", "limits.session-burst": "4", "limits.misses-per-hour": "5",
		"vault.master-key-file": "elsewhere.key",
		"backup.directory":      "b", "backup.interval": "1h0m0s", "backup.keep": "3", "backup.keep-days": "0",
		"audit.keep-security-days": "90", "audit.keep-administration-days": "7", "audit.keep-conference-days": "30",
		"audit.witness-keys":     witnessKey,
		"passwords.refused-file": "words.txt",
		"detection.geoip-file":   "places.mmdb",
		"scim.provider":          "amt",
		"mail.server":            "mail.example.org:465",
		"mail.security":          "tls",
		"mail.from":              "Konklave <konklave@example.org>",
		"mail.user":              "konklave",
		"mail.password-file":     "/etc/konklave/mail-password",
		"mail.roots":             "/etc/konklave/ca.pem",
	}
	if len(other) != len(Settings()) {
		t.Fatalf("the test knows %d settings, there are %d", len(other), len(Settings()))
	}
	var file strings.Builder
	var env, args []string
	for _, s := range Settings() {
		if group, rest, ok := strings.Cut(s.Key, "."); ok {
			if !strings.Contains(file.String(), "\n"+group+":\n") {
				fmt.Fprintf(&file, "%s:\n", group)
			}
			fmt.Fprintf(&file, "  %s: %q\n", rest, other[s.Key])
		} else {
			fmt.Fprintf(&file, "%s: %q\n", s.Key, other[s.Key])
		}
		env = append(env, s.Env()+"="+other[s.Key])
		args = append(args, s.Flag(), other[s.Key])
	}
	providers := uncommentedProviders(t) // one of which scim.provider is
	for source, load := range map[string]func() (Loaded, error){
		"file":        func() (Loaded, error) { return load(t, file.String()+providers, nil) },
		"environment": func() (Loaded, error) { return load(t, providers, env) },
		"flags":       func() (Loaded, error) { return load(t, providers, nil, args...) },
	} {
		l, err := load()
		if err != nil {
			t.Errorf("%s: %v", source, err)
		}
		for _, s := range Settings() {
			if got := s.Show(l.Config); got != other[s.Key] {
				t.Errorf("%s: %s = %q, want %q", source, s.Key, got, other[s.Key])
			}
		}
	}
}

func TestFileMistakes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ file, want string }{
		"unknown key":          {"name: A\nnmae: B\n", "konklave.yaml:2: nmae is not a setting; `konklave config example` lists all"},
		"unknown nested key":   {"log:\n  levle: info\n", "konklave.yaml:2: log.levle is not a setting; `konklave config example` lists all"},
		"wrong case":           {"Name: A\n", "konklave.yaml:1: Name is not a setting; `konklave config example` lists all"},
		"dotted key":           {"log.level: info\n", "konklave.yaml:1: log.level is not a setting; `konklave config example` lists all"},
		"duplicate key":        {"name: A\n\nname: B\n", "konklave.yaml:3: name is set twice, first in line 1"},
		"duplicate nested key": {"log:\n  level: info\n  level: warn\n", "konklave.yaml:3: log.level is set twice, first in line 2"},
		"null":                 {"name:\n", "konklave.yaml:1: name has no value"},
		"mapping for a value":  {"name: {a: b}\n", "konklave.yaml:1: name must be a plain value"},
		"value for a group":    {"log: info\n", "konklave.yaml:1: the file.log must hold keys and values"},
		"alias":                {"name: &a X\ndata: *a\n", "konklave.yaml:2: data uses a YAML alias; write the value itself"},
		"list of lists":        {"media:\n  addresses: [[a]]\n", "konklave.yaml:2: media.addresses must be a list of plain values"},
		"two documents":        {"name: A\n---\nname: B\n", "konklave.yaml must hold one YAML document only"},
		"not a mapping":        {"- a\n", "konklave.yaml:1: the file must hold keys and values"},
		"no YAML":              {"a: [", "konklave.yaml is not valid YAML: line 1: did not find expected node content"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, test.file, nil)
			if err == nil || err.Error() != test.want {
				t.Errorf("error = %v\nwant    %s", err, test.want)
			}
		})
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	_, err := load(t, "nmae: A\nlog:\n  level: loud\n", []string{"KONKLAVE_MEDIA_CODEC=h264", "KONKLAVE_LISTNE=x"},
		"--listen", "0.0.0.0:80", "--conference-linger", "10")
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"konklave.yaml:1: nmae is not a setting",
		`log.level (konklave.yaml:3) is "loud", but must be one of debug, info, warn, error`,
		`media.codec (KONKLAVE_MEDIA_CODEC) is "h264", but must be one of vp8, vp9, av1`,
		"the environment variable KONKLAVE_LISTNE is not a setting",
		"listen (--listen) is 0.0.0.0:80, which other machines can reach",
		`conference.linger (--conference-linger) is "10", but must be a duration with a unit`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no mention of: %s\nin: %v", want, err)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 6 {
		t.Errorf("%d mistakes, want 6:\n%v", n, err)
	}
}

func TestKubernetesServiceVariablesAreNoMistake(t *testing.T) {
	t.Parallel()
	_, err := load(t, "", []string{"KONKLAVE_PORT=tcp://10.0.0.1:80", "KONKLAVE_SERVICE_HOST=10.0.0.1",
		"KONKLAVE_SERVICE_PORT=80", "KONKLAVE_SERVICE_PORT_HTTP=80", "KONKLAVE_PORT_80_TCP_ADDR=10.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLoopbackOnly(t *testing.T) {
	t.Parallel()
	for listen, ok := range map[string]bool{
		"localhost:8080": true, "LOCALHOST:0": true, "127.0.0.1:8080": true, "127.1.2.3:80": true, "[::1]:65535": true, "[::ffff:127.0.0.1]:1": true,
		":8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "192.168.1.1:8080": false, "example.org:8080": false,
		"localhost.example.org:8080": false, "localhost": false, "localhost:65536": false, "localhost:http": false, "[::1%lo]:80": false,
	} {
		c := Default()
		c.Listen = listen
		if err := c.Validate(); (err == nil) != ok {
			t.Errorf("listen %q: error %v, want accepted %v", listen, err, ok)
		}
	}
}

// Each bound from both sides.
func TestBounds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		set      func(*Config)
		accepted bool
	}{
		{func(c *Config) { c.Name = strings.Repeat("ä", MaxNameLength) }, true},
		{func(c *Config) { c.Name = strings.Repeat("ä", MaxNameLength+1) }, false},
		{func(c *Config) { c.Name = "" }, false},
		{func(c *Config) { c.Name = " x" }, false},
		{func(c *Config) { c.Data = "" }, false},
		{func(c *Config) { c.Database = "mysql://x" }, false},
		{func(c *Config) { c.Database = "postgres://u@h/d" }, true},
		{func(c *Config) { c.Media.Ports.First = MinMediaPort }, true},
		{func(c *Config) { c.Media.Ports.First = MinMediaPort - 1 }, false},
		{func(c *Config) { c.Media.Ports = PortRange{5000, 4999} }, false},
		{func(c *Config) { c.Media.Ports = PortRange{5000, 5000}; c.Conference.MaxRunning = 1 }, true},
		{func(c *Config) { c.Media.Ports = PortRange{5000, 5000}; c.Conference.MaxRunning = 2 }, false},
		{func(c *Config) { c.Media.Addresses = nil }, false},
		{func(c *Config) { c.Media.Addresses = []netip.Addr{netip.IPv4Unspecified()} }, false},
		{func(c *Config) { c.Media.Addresses = []netip.Addr{netip.MustParseAddr("224.0.0.1")} }, false},
		{func(c *Config) { c.Media.Addresses = append(c.Media.Addresses, c.Media.Addresses[0]) }, false},
		{func(c *Config) { c.Conference.Linger = 0 }, true},
		{func(c *Config) { c.Conference.Linger = -1 }, false},
		{func(c *Config) { c.Conference.Linger = MaxLinger }, true},
		{func(c *Config) { c.Conference.Linger = MaxLinger + 1 }, false},
		{func(c *Config) { c.Sessions.Idle = MinSessionIdle }, true},
		{func(c *Config) { c.Sessions.Idle = MinSessionIdle - 1 }, false},
		{func(c *Config) { c.Sessions.Idle = c.Sessions.Lifetime }, true},
		{func(c *Config) { c.Sessions.Idle = c.Sessions.Lifetime + 1 }, false},
		{func(c *Config) { c.Sessions.Lifetime = MaxSessionLifetime }, true},
		{func(c *Config) { c.Sessions.Lifetime = MaxSessionLifetime + 1 }, false},
		{func(c *Config) { c.Sessions.Idle, c.Sessions.Lifetime = MinSessionIdle, MinSessionIdle }, true},
		{func(c *Config) { c.Sessions.Idle, c.Sessions.Lifetime = MinSessionIdle-1, MinSessionIdle-1 }, false},
		{func(c *Config) { c.Machines.TokenLifetime = MinTokenLifetime }, true},
		{func(c *Config) { c.Machines.TokenLifetime = MinTokenLifetime - 1 }, false},
		{func(c *Config) { c.Machines.TokenLifetime = MaxTokenLifetime }, true},
		{func(c *Config) { c.Machines.TokenLifetime = MaxTokenLifetime + 1 }, false},
		{func(c *Config) { c.Sessions.Max = 1 }, true},
		{func(c *Config) { c.Sessions.Max = 0 }, false},
		{func(c *Config) { c.Sessions.Max = MaxSessions }, true},
		{func(c *Config) { c.Sessions.Max = MaxSessions + 1 }, false},
		{func(c *Config) { c.Sessions.Proof = MinSessionProof }, true},
		{func(c *Config) { c.Sessions.Proof = MinSessionProof - 1 }, false},
		{func(c *Config) { c.Sessions.Proof = MaxSessionProof }, true},
		{func(c *Config) { c.Sessions.Proof = MaxSessionProof + 1 }, false},
		{func(c *Config) { c.Conference.ResumeWindow = MinResumeWindow }, true},
		{func(c *Config) { c.Conference.ResumeWindow = MinResumeWindow - 1 }, false},
		{func(c *Config) { c.Conference.ResumeWindow = MaxResumeWindow }, true},
		{func(c *Config) { c.Conference.ResumeWindow = MaxResumeWindow + time.Nanosecond }, false},
		{func(c *Config) { c.Conference.MaxParticipants = MinParticipants }, true},
		{func(c *Config) { c.Conference.MaxParticipants = MinParticipants - 1 }, false},
		{func(c *Config) { c.Conference.MaxParticipants = MaxParticipants }, true},
		{func(c *Config) { c.Conference.MaxParticipants = MaxParticipants + 1 }, false},
		{func(c *Config) { c.Conference.MaxRunning = 0 }, false},
		{func(c *Config) { c.Conference.Restarts = 1 }, true},
		{func(c *Config) { c.Conference.Restarts = 0 }, false},
		{func(c *Config) { c.Conference.Restarts = MaxRestarts }, true},
		{func(c *Config) { c.Conference.Restarts = MaxRestarts + 1 }, false},
		{func(c *Config) { c.Scim.Provider = "amt" }, false}, // there is none of that name
		{func(c *Config) { c.Limits.RequestBytes = MinRequestBytes }, true},
		{func(c *Config) { c.Limits.RequestBytes = MinRequestBytes - 1 }, false},
		{func(c *Config) { c.Limits.RequestBytes = MaxRequestBytes }, true},
		{func(c *Config) { c.Limits.RequestBytes = MaxRequestBytes + 1 }, false},
		{func(c *Config) { c.Limits.HeaderBytes = MinHeaderBytes }, true},
		{func(c *Config) { c.Limits.HeaderBytes = MinHeaderBytes - 1 }, false},
		{func(c *Config) { c.Limits.SourceRate = 0.5 }, false},
		{func(c *Config) { c.Limits.SourceBurst = 0 }, false},
		{func(c *Config) { c.Limits.SessionRate = 0 }, false},
		{func(c *Config) { c.Limits.SessionBurst = 0 }, false},
		{func(c *Config) { c.Limits.MissesPerHour = 0 }, false},
		{func(c *Config) { c.PublicURL = "https://meet.example.org/x" }, false},
		{func(c *Config) { c.PublicURL = "https://meet.example.org" }, false}, // media on loopback only
		{func(c *Config) {
			c.PublicURL, c.Media.Addresses = "https://meet.example.org", []netip.Addr{netip.MustParseAddr("192.0.2.1")}
		}, true},
		{func(c *Config) {
			c.PublicURL, c.Media.Addresses = "http://meet.example.org", []netip.Addr{netip.MustParseAddr("192.0.2.1")}
		}, false},
		{func(c *Config) { c.PublicURL = "http://localhost:8080" }, true},
	} {
		c := Default()
		test.set(&c)
		if err := c.Validate(); (err == nil) != test.accepted {
			t.Errorf("error %v, want accepted %v for %+v", err, test.accepted, c)
		}
	}
}

func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                          "",
		"10.0.0.1":                  "10.0.0.1/32",
		"10.0.0.0/24, ::1,fd00::/8": "10.0.0.0/24,::1/128,fd00::/8",
		"10.0.0.0/24,10.0.0.0/25":   "10.0.0.0/24,10.0.0.0/25",
		"10.0.0.1,10.0.0.1/32":      "!contains 10.0.0.1/32 twice",
		"0.0.0.0/0":                 "!which is everybody",
		"::/0":                      "!which is everybody",
		"10.0.0.1/24":               "!write 10.0.0.0/24",
		"::ffff:10.0.0.0/120":       "!contains \"::ffff:10.0.0.0/120\"",
		"::ffff:10.0.0.1":           "!contains \"::ffff:10.0.0.1\"",
		"fe80::1%eth0":              "!must be an IP address",
		"proxy.example.org":         "!must be an IP address",
		"10.0.0.1:80":               "!must be an IP address",
		"10.0.0.1,":                 "!contains \"\"",
		" ":                         "!contains \"\"",
	} {
		l, err := load(t, "", nil, "--trusted-proxies", text)
		mistake, wrong := strings.CutPrefix(want, "!")
		if wrong && (err == nil || !strings.Contains(err.Error(), "trusted-proxies (--trusted-proxies) ") || !strings.Contains(err.Error(), mistake)) {
			t.Errorf("%q: %v, want %q", text, err, mistake)
		}
		if got := (prefixesValue{&l.Proxies}).String(); !wrong && (err != nil || got != want) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

// loadedDefault is what is in force when nothing was set: media at the machine's own address.
func loadedDefault() Config {
	c := Default()
	if own := ownAddress(); own != nil {
		c.Media.Addresses = own
	}
	return c
}

func TestExampleLoadsAsDefault(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := WriteExample(&b); err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"as written": b.String(), "uncommented": settingLines(b.String())} {
		l, err := load(t, text, nil)
		if err != nil {
			t.Fatalf("%s: %v\n%s", what, err, text)
		}
		want := Default()
		if what == "as written" { // nothing is set
			want = loadedDefault()
		}
		if !reflect.DeepEqual(l.Config, want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", what, l.Config, want)
		}
		if what == "uncommented" && slices.Contains(slices.Collect(maps.Values(l.Sources)), SourceDefault) {
			t.Errorf("the example does not mention every setting: %v", l.Sources)
		}
	}
}

// settingLines removes the comment sign from every line of the example that is a setting or a group.
func settingLines(example string) string {
	var b strings.Builder
	for line := range strings.Lines(example) {
		name, _, ok := strings.Cut(strings.TrimLeft(line, "# "), ":")
		isDoc := strings.HasPrefix(line, "# ") && !strings.HasPrefix(line, "#  ") || strings.HasPrefix(line, "#   ")
		if ok && !isDoc && !strings.Contains(name, " ") {
			b.WriteString(strings.TrimPrefix(line, "#"))
		}
	}
	return b.String()
}

func TestShowMasksSecrets(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"postgres://konklave:hunter2@db/konklave":               "postgres://konklave:***@db/konklave",
		"postgres://db/konklave?password=hunter2&sslmode=allow": "postgres://db/konklave?password=***&sslmode=allow",
		"postgres://konklave@db/konklave":                       "postgres://konklave@db/konklave",
		"postgres://%zz:hunter2@db":                             "***",
		"sqlite:/var/lib/konklave.db":                           "sqlite:/var/lib/konklave.db",
	} {
		l, err := load(t, "", []string{"KONKLAVE_DATABASE=" + dsn})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := l.WriteShow(&b); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "hunter2") || !strings.Contains(b.String(), want) || !strings.Contains(b.String(), "KONKLAVE_DATABASE") {
			t.Errorf("show of %s lacks %s:\n%s", dsn, want, b.String())
		}
	}
}

func TestFileIsBounded(t *testing.T) {
	t.Parallel()
	line := "# a comment\n"
	fits := strings.Repeat(line, MaxFileBytes/len(line))
	if _, err := load(t, fits, nil); err != nil {
		t.Errorf("%d bytes: %v", len(fits), err)
	}
	if _, err := load(t, fits+line, nil); err == nil {
		t.Errorf("%d bytes were accepted", len(fits)+len(line))
	}
	if _, err := Load(Flags{File: "/does/not/exist"}, nil); err == nil {
		t.Error("a missing file was accepted")
	}
}
