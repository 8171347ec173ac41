package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
)

const (
	nameBegin  = "konklave-"
	nameEnd    = ".backup"
	nameTime   = "20060102T150405Z"
	unfinished = ".part" // end of a file that is being written
	lockName   = ".lock"
)

// retryAfter is how long the keeper waits after a backup that failed, unless its interval is shorter.
const retryAfter = time.Minute

// Keeper keeps backups in a directory: it makes them at intervals and removes old ones.
type Keeper struct {
	Instance
	By       string // who makes them, for the audit log: "controller" or "command-line"
	Dir      string
	Interval time.Duration // between two backups; 0 makes none
	Keep     int           // the newest that stay
	KeepDays int           // days, counted from the newest backup's, of which the newest backup of the day stays
	Log      *slog.Logger
	// Output runs what MakeFile does at the file's own place; nil where the process has the rights for that anyway.
	Output func(do func() error) error

	failing bool // the last try failed
	told    bool // which files are left out
}

// Made is one backup in a directory.
type Made struct {
	Name string
	At   time.Time // by the clock of then, whole seconds
	Size int64     // bytes
}

// List returns the backups in a directory, the newest first; none when there is no directory.
func List(dir string) ([]Made, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []Made
	for _, e := range entries {
		text, isBackup := strings.CutPrefix(e.Name(), nameBegin)
		text, isComplete := strings.CutSuffix(text, nameEnd)
		at, err := time.Parse(nameTime, text)
		if !isBackup || !isComplete || err != nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // removed meanwhile
		}
		all = append(all, Made{Name: e.Name(), At: at, Size: info.Size()})
	}
	slices.SortFunc(all, func(a, b Made) int { return b.At.Compare(a.At) })
	return all, nil
}

// Run makes backups until ctx ends: at once when the newest is older than the interval, then at intervals. After counts the
// time; it is time.After outside of tests.
func (k *Keeper) Run(ctx context.Context, after func(time.Duration) <-chan time.Time) error {
	if k.Interval <= 0 {
		<-ctx.Done()
		return nil
	}
	wait, err := k.firstWait()
	if err != nil {
		k.Log.ErrorContext(ctx, "the directory of the backups cannot be read", "err", err)
	}
	for {
		select {
		case <-after(wait):
		case <-ctx.Done():
			return nil
		}
		wait = k.Interval
		if err := k.attempt(ctx); err != nil {
			wait = min(retryAfter, k.Interval)
		}
	}
}

// firstWait is the rest of the interval since the newest backup; a backup from the future says nothing.
func (k *Keeper) firstWait() (time.Duration, error) {
	all, err := List(k.Dir)
	now := k.Now()
	for _, m := range all {
		if !m.At.After(now) {
			return max(0, k.Interval-now.Sub(m.At)), err
		}
	}
	return 0, err
}

// attempt makes a backup and tells what became of it; of failures in a row, the first.
func (k *Keeper) attempt(ctx context.Context) error {
	began := time.Now()
	made, summary, err := k.Make(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		k.failing = false
		if len(summary.Unread) > 0 && !k.told {
			k.told = true
			k.Log.WarnContext(ctx, "files of another user are not in the backups; `konklave backup` as root takes them along", "names", summary.Unread)
		}
		k.Log.InfoContext(ctx, "backup made", "name", made.Name, "bytes", made.Size, "duration", time.Since(began))
		return nil
	}
	if k.failing {
		return err
	}
	k.failing = true
	if errors.Is(err, ErrNoRecipient) { // as before the set-up
		k.Log.WarnContext(ctx, "no backups are made before there is a recovery key: konklave recovery-key new")
		return err
	}
	code := string(fault.As(err).Code)
	k.Log.ErrorContext(ctx, "no backup could be made; it is tried again", "code", code, "err", err)
	if note := k.Store.Record(ctx, audit.BackupFailed(k.origin(), code)); note != nil {
		k.Log.ErrorContext(ctx, "the failed backup could not be recorded", "err", note)
	}
	return err
}

func (k *Keeper) origin() audit.Origin {
	actor := access.System(k.By)
	actor.Tenant = access.DefaultTenant
	return audit.Origin{At: k.Now(), Actor: actor}
}

// Make makes one backup in the directory and removes those that need not stay. Under its name a backup is there complete or
// not at all. Several programs may do this at once; one waits for the other. It must not run as root in a directory that
// somebody else can write to.
func (k *Keeper) Make(ctx context.Context) (Made, Summary, error) {
	if err := k.makeDir(); err != nil {
		return Made{}, Summary{}, err
	}
	lock, err := os.OpenFile(filepath.Join(k.Dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return Made{}, Summary{}, err
	}
	defer lock.Close() // unlocks
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return Made{}, Summary{}, err
	}
	if err := k.removeUnfinished(); err != nil {
		return Made{}, Summary{}, err
	}
	at := k.Now().UTC().Truncate(time.Second)
	path := filepath.Join(k.Dir, nameBegin+at.Format(nameTime)+nameEnd)
	for _, err := os.Lstat(path); err == nil; _, err = os.Lstat(path) { // two in one second
		at = at.Add(time.Second)
		path = filepath.Join(k.Dir, nameBegin+at.Format(nameTime)+nameEnd)
	}
	if err := k.KeepErasures(ctx); err != nil { // first: what fails each minute must not leave a file each minute
		return Made{}, Summary{}, err
	}
	size, summary, err := k.makeFile(ctx, path, plainly)
	if err != nil {
		return Made{}, summary, err
	}
	made := Made{Name: filepath.Base(path), At: at, Size: size}
	return made, summary, k.prune(made)
}

// MakeFile makes one backup in a file that does not exist yet, and returns its size in bytes. A backup that cannot be
// recorded in the audit log is removed.
func (k *Keeper) MakeFile(ctx context.Context, path string) (int64, Summary, error) {
	if k.Output != nil {
		return k.makeFile(ctx, path, k.Output)
	}
	return k.makeFile(ctx, path, plainly)
}

func (k *Keeper) makeFile(ctx context.Context, path string, there func(func() error) error) (int64, Summary, error) {
	size, summary, err := writeFile(ctx, path, k.Instance, there)
	if err != nil {
		return 0, summary, err
	}
	if err := k.Store.Record(ctx, audit.BackupMade(k.origin(), filepath.Base(path), size)); err != nil {
		return 0, summary, errors.Join(err, there(func() error { return os.Remove(path) }))
	}
	return size, summary, nil
}

func plainly(do func() error) error { return do() }

// makeDir makes the directory unless it is there.
func (k *Keeper) makeDir() error {
	if _, err := os.Stat(k.Dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.MkdirAll(k.Dir, 0o700)
}

// WriteFile writes a backup to a file that does not exist yet, and returns its size in bytes. The file is there complete
// or not at all.
func WriteFile(ctx context.Context, path string, in Instance) (size int64, s Summary, err error) {
	return writeFile(ctx, path, in, plainly)
}

// writeFile is WriteFile, which does with there what it does in the directory of the file.
func writeFile(ctx context.Context, path string, in Instance, there func(func() error) error) (size int64, s Summary, err error) {
	part := path + unfinished
	var f *os.File
	err = there(func() (err error) {
		f, err = os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // never what somebody has placed there
		return err
	})
	if errors.Is(err, fs.ErrExist) {
		return 0, s, fmt.Errorf("another backup is being written there, or was interrupted; in that case remove the file: %w", err)
	}
	if err != nil {
		return 0, s, err
	}
	defer func() {
		if err != nil {
			_ = there(func() error { return os.Remove(part) }) // the other error is the one that matters
		}
	}()
	s, err = Write(ctx, f, in)
	if err == nil {
		err = f.Sync()
	}
	info, errInfo := f.Stat()
	if err = errors.Join(err, errInfo, f.Close()); err != nil {
		return 0, s, full(err)
	}
	err = there(func() error {
		if err := os.Link(part, path); err != nil { // unlike a rename, never over a file that is there
			return err
		}
		return errors.Join(os.Remove(part), syncDir(filepath.Dir(path)))
	})
	return info.Size(), s, err
}

// ErrDiskFull says that there is no room for the backup.
var ErrDiskFull = fault.New(fault.KindUnavailable, "backup.disk_full", "There is no room for a backup. Make room in the directory of the backups, or keep fewer.")

func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return ErrDiskFull.Because(err)
	}
	return err
}

// removeUnfinished removes what an interrupted backup left.
func (k *Keeper) removeUnfinished() error {
	left, err := filepath.Glob(filepath.Join(k.Dir, nameBegin+"*"+nameEnd+unfinished))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// prune removes the backups that need not stay, never the one that was just made.
func (k *Keeper) prune(made Made) error {
	all, err := List(k.Dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range superfluous(all, made, k.Keep, k.KeepDays) {
		if err := os.Remove(filepath.Join(k.Dir, m.Name)); err != nil {
			errs = append(errs, fmt.Errorf("remove an old backup: %w", err))
		}
	}
	return errors.Join(errs...)
}

// superfluous returns the backups that need not stay. Those that seem to be newer than the one just made were made by a
// clock that was wrong; they count as the oldest.
func superfluous(newestFirst []Made, made Made, keep, keepDays int) []Made {
	ordered := slices.Clone(newestFirst)
	slices.SortStableFunc(ordered, func(a, b Made) int {
		wrongA, wrongB := a.At.After(made.At), b.At.After(made.At)
		switch {
		case wrongA == wrongB:
			return 0
		case wrongA:
			return 1
		}
		return -1
	})
	var gone []Made
	days := map[string]bool{}
	for i, m := range ordered {
		day := m.At.Format(time.DateOnly)
		newOfDay := !days[day] && len(days) < keepDays
		if newOfDay {
			days[day] = true
		}
		if i >= keep && !newOfDay && m.Name != made.Name {
			gone = append(gone, m)
		}
	}
	return gone
}
