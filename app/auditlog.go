package app

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/archive"
	"konklave/audit/notary"
	"konklave/audit/signer"
	"konklave/audit/signing"
	"konklave/config"
	"konklave/store"
)

// AuditArchive hands out the audit log of an instance.
func AuditArchive(c config.Config, db *store.Store, now func() time.Time) *archive.Archive {
	return archive.New(db, archive.KeysIn(c.AuditKeysFile()), c.Audit.WitnessKeys, now)
}

// newNotary has the audit log signed by the signer of this instance.
func newNotary(c config.Config, db *store.Store, log *slog.Logger) *notary.Notary {
	tellAlarm(c, "", log) // of a run before
	return notary.New(notary.Options{
		Log: db, Signer: signing.NewClient(SignerSocket(c)), Machine: machine(c), Now: time.Now, Logger: log,
		Origin: func() audit.Origin { return audit.Origin{At: time.Now(), Actor: access.System("controller")} },
		Keys:   func(l signer.Log) error { return keepKeys(c, append(l.Earlier, l.Key)) },
		Alarm:  func(text string) { tellAlarm(c, text, log) },
	})
}

// keepKeys adds keys to the file of the public ones, and puts the last of them at its end.
func keepKeys(c config.Config, keys []string) error {
	there, err := archive.KeysIn(c.AuditKeysFile())()
	if err != nil {
		return err
	}
	all := strings.Join(ordered(append(there, keys...)), "\n") + "\n"
	next := c.AuditKeysFile() + ".new"
	if err := os.WriteFile(next, []byte(all), 0o644); err != nil { //nolint:gosec // they are for everybody
		return err
	}
	return os.Rename(next, c.AuditKeysFile())
}

// ordered is each key once, where it stands last.
func ordered(keys []string) []string {
	var once []string
	for i, key := range keys {
		if !slices.Contains(keys[i+1:], key) {
			once = append(once, key)
		}
	}
	return once
}

// tellAlarm puts down why the audit log is not signed, for doctor; nothing ends it.
func tellAlarm(c config.Config, text string, log *slog.Logger) {
	err := os.Remove(c.AuditAlarmFile())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if text != "" {
		err = os.WriteFile(c.AuditAlarmFile(), []byte(text+"\n"), 0o600)
	}
	if err != nil {
		log.Warn("whether there is an alarm about the audit log cannot be put down", "error", err)
	}
}

// NewAuditLog ends the audit log and begins another one. The server must not run. When this process is root's, it acts as the
// user to whom the signer's directory belongs. It fails as signer.NewLog does.
func NewAuditLog(c config.Config, now func() time.Time) (log signer.Log, err error) {
	info, err := os.Lstat(c.SignerDir())
	if err != nil {
		return log, fmt.Errorf("there is no signer yet; start the server once: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() {
		return log, fmt.Errorf("%s is not the directory that it should be", c.SignerDir())
	}
	begin := func() (err error) {
		log, err = signer.NewLog(c.SignerDir(), logHost(c), now)
		return err
	}
	if os.Geteuid() == 0 && owner.Uid != 0 {
		err = as(int(owner.Uid), int(owner.Gid), begin)
	} else {
		err = begin()
	}
	return log, err
}
