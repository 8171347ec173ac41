package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"konklave/config"
	"konklave/sandbox"
)

// systemFiles are what Go's resolver, certificate checks and clocks read.
func systemFiles() []string {
	return []string{"/etc", "/usr/share/zoneinfo", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/run/systemd/resolve", "/proc/sys/net"}
}

// confineFront leaves the front the network, the system's files, and the certificates.
func confineFront(c config.Config, log *slog.Logger) {
	makeDir(CertificateDir(c), log) // what is not there now could not be made later
	read := append(systemFiles(), around(c.TLS.Certificate, c.TLS.Key, c.TLS.Roots)...)
	tellConfined(sandbox.Confine(sandbox.Profile{Read: read, Write: []string{CertificateDir(c)}}), log)
}

// around are the directories from which files are read, now and after they were renewed.
func around(files ...string) []string {
	var dirs []string
	for _, f := range files {
		if f == "" {
			continue
		}
		dirs = append(dirs, filepath.Dir(f)) // a renewed file comes by renaming
		if target, err := filepath.EvalSymlinks(f); err == nil {
			dirs = append(dirs, filepath.Dir(target)) // or by pointing elsewhere
		}
	}
	return dirs
}

// confineController leaves the controller the network, the system's files, the data, and what identity providers are set up with.
func confineController(c config.Config, log *slog.Logger) {
	makeDir(c.BackupDir(), log)
	write := []string{c.Data, c.BackupDir(), filepath.Dir(c.MasterKeyFile()), os.TempDir()} // SQLite sorts in temporary files
	if path, ok := strings.CutPrefix(c.DSN(), "sqlite:"); ok {
		write = append(write, filepath.Dir(path))
	}
	tellConfined(sandbox.Confine(sandbox.Profile{Read: append(systemFiles(), around(slices.Concat(c.Identity.Files(), c.Mail.Files())...)...), Write: write}), log)
}

// confineSigner leaves the signer the directory that it is in and what tells the time zone, and no network.
func confineSigner(log *slog.Logger) {
	read := []string{"/etc/localtime", "/usr/share/zoneinfo"}
	tellConfined(sandbox.Confine(sandbox.Profile{Read: read, Write: []string{"."}, Alone: true}), log)
}

func makeDir(dir string, log *slog.Logger) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		log.Warn("a directory cannot be made", "error", err)
	}
}

func tellConfined(r sandbox.Report, log *slog.Logger) {
	var missing []string
	for _, f := range r {
		if !f.InForce {
			missing = append(missing, string(f.Layer)+" ("+f.Detail+")")
		}
	}
	if len(missing) > 0 {
		log.Warn("This process is not confined completely.", "missing", strings.Join(missing, ", "))
		return
	}
	log.Debug("confined")
}
