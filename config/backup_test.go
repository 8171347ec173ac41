package config

import (
	"strings"
	"testing"
	"time"
)

func TestBackupBounds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		set  func(*Backup)
		want string
	}{
		{func(b *Backup) { b.Interval = 0 }, ""},
		{func(b *Backup) { b.Interval = MinBackupInterval }, ""},
		{func(b *Backup) { b.Interval = MaxBackupInterval }, ""},
		{func(b *Backup) { b.Interval = MinBackupInterval - 1 }, "backup.interval"},
		{func(b *Backup) { b.Interval = -time.Minute }, "backup.interval"},
		{func(b *Backup) { b.Interval = MaxBackupInterval + 1 }, "backup.interval"},
		{func(b *Backup) { b.Keep = 1 }, ""},
		{func(b *Backup) { b.Keep = MaxBackups }, ""},
		{func(b *Backup) { b.Keep = 0 }, "backup.keep "},
		{func(b *Backup) { b.Keep = MaxBackups + 1 }, "backup.keep "},
		{func(b *Backup) { b.KeepDays = 0 }, ""},
		{func(b *Backup) { b.KeepDays = MaxBackups }, ""},
		{func(b *Backup) { b.KeepDays = -1 }, "backup.keep-days"},
		{func(b *Backup) { b.KeepDays = MaxBackups + 1 }, "backup.keep-days"},
	} {
		c := Default()
		test.set(&c.Backup)
		err := c.Validate()
		if (err == nil) != (test.want == "") || (err != nil && !strings.HasPrefix(err.Error(), test.want)) {
			t.Errorf("%+v: %v, want %q", c.Backup, err, test.want)
		}
	}
	c := Default()
	if c.Data = "d"; c.BackupDir() != "d/backups" {
		t.Errorf("directory %s", c.BackupDir())
	}
	if c.Backup.Directory = "/b"; c.BackupDir() != "/b" {
		t.Errorf("directory %s", c.BackupDir())
	}
}
