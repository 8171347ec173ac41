package signer

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/audit/checkpoint"
)

// Beginning says why a log was begun.
type Beginning string

// The beginnings.
const (
	ByStart    Beginning = "start"    // at the first start of an instance
	ByOperator Beginning = "operator" // because an operator asked for another log
)

// EarlierMax is how many earlier keys a signer remembers; the oldest are forgotten first.
const EarlierMax = 50

// Log is which log a signer signs, as everybody may know it.
type Log struct {
	Origin  string
	Key     string   // public
	Earlier []string // the public keys of the logs that were signed before this one, the oldest first
	Begun   Beginning
}

// Errors of the directory of a signer.
var (
	// ErrKeyLost says that something was signed, but the key is not there any more.
	ErrKeyLost = errors.New("the secret key of the log is not there any more")
	// ErrHost says that no log can be named after this host.
	ErrHost = errors.New("no log can be named after this host")
)

// Directory is where a signer keeps its key and what it signed last. Nobody else may read it.
type Directory struct {
	Log Log

	signer *Signer
	file   *File
	lock   *os.File
}

// Names in the directory.
const (
	keyName     = "log.json"
	lockName    = "lock"
	statePrefix = "signed-" // and the id of the key
)

// keyVersion is that of the file with the key.
const keyVersion = 1

// keyText is the file with the key.
type keyText struct {
	Version int       `json:"v"`
	Secret  string    `json:"secret"`
	Public  string    `json:"public"`
	Begun   Beginning `json:"begun"`
	Earlier []string  `json:"earlier"`
}

// OpenDirectory opens the directory of a signer and keeps it for this process. Where there is none it begins a log, named after
// the host. It fails with ErrInUse, ErrLost, ErrKeyLost, ErrHost, checkpoint.ErrKey.
func OpenDirectory(dir, host string, now func() time.Time) (*Directory, error) {
	lock, err := lockDirectory(dir)
	if err != nil {
		return nil, err
	}
	d, err := openDirectory(dir, host, now)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	d.lock = lock
	return d, nil
}

// NewLog ends the log of a signer and begins another: with an origin and a key of its own, of which nothing was signed yet. The
// old secret key is destroyed, the public one stays among the earlier ones, and so does what was signed last with it, as far as they
// are there. The signer must not run. It fails with ErrInUse, ErrHost.
func NewLog(dir, host string, now func() time.Time) (log Log, err error) {
	lock, err := lockDirectory(dir)
	if err != nil {
		return Log{}, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	old, err := readKey(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, checkpoint.ErrKey) { // what is lost may be why
		return Log{}, err
	}
	next := keyText{Version: keyVersion, Begun: ByOperator, Earlier: old.Earlier}
	if old.Public != "" {
		next.Earlier = append(next.Earlier, old.Public)
	}
	next.Earlier = next.Earlier[max(0, len(next.Earlier)-EarlierMax):]
	if err := begin(dir, host, now(), &next); err != nil {
		return Log{}, err
	}
	return next.log()
}

// Signer returns the one signer that uses the directory.
func (d *Directory) Signer() *Signer { return d.signer }

// Close lets another process use the directory.
func (d *Directory) Close() error { return errors.Join(d.file.Close(), d.lock.Close()) }

func openDirectory(dir, host string, now func() time.Time) (*Directory, error) {
	t, err := readKey(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err := neverSigned(dir); err != nil {
			return nil, err
		}
		t = keyText{Version: keyVersion, Begun: ByStart}
		err = begin(dir, host, now(), &t)
	}
	if err != nil {
		return nil, err
	}
	d := &Directory{}
	if d.Log, err = t.log(); err != nil {
		return nil, err
	}
	key, err := checkpoint.LogSigner(t.Secret)
	if err != nil {
		return nil, err
	}
	if key.Name() != d.Log.Origin {
		return nil, fmt.Errorf("%w: the secret and the public key in %s are of two logs", checkpoint.ErrKey, keyName)
	}
	if d.file, err = OpenFile(filepath.Join(dir, stateName(t.Public))); err != nil {
		return nil, err
	}
	d.signer = New(key, d.file)
	return d, nil
}

// log is what everybody may know.
func (t keyText) log() (Log, error) {
	trust, err := checkpoint.NewTrust([]string{t.Public}, nil, 0)
	if err != nil {
		return Log{}, err
	}
	return Log{Origin: trust.Origin(), Key: t.Public, Earlier: t.Earlier, Begun: t.Begun}, nil
}

// stateName is the file with what was signed last with a key.
func stateName(public string) string {
	return statePrefix + strings.Split(public, "+")[1]
}

func lockDirectory(dir string) (*os.File, error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make the signer's directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the signer's directory: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrInUse, dir), lock.Close())
	}
	return lock, nil
}

func readKey(dir string) (keyText, error) {
	var t keyText
	text, err := os.ReadFile(filepath.Join(dir, keyName))
	if err != nil {
		return t, fmt.Errorf("read the key of the log: %w", err)
	}
	if err := json.Unmarshal(text, &t, json.RejectUnknownMembers(true)); err != nil || t.Version != keyVersion {
		return t, fmt.Errorf("%w: %s is damaged, or of a later version", checkpoint.ErrKey, filepath.Join(dir, keyName))
	}
	return t, nil
}

// neverSigned fails with ErrKeyLost when something was signed from this directory.
func neverSigned(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), statePrefix) || strings.HasSuffix(e.Name(), lockSuffix) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil || string(text) != unused {
			return errors.Join(fmt.Errorf("%w: %s", ErrKeyLost, filepath.Join(dir, keyName)), err)
		}
	}
	return nil
}

// begin makes a key, and of the log that it is for the file of what was signed. The log is another one when the new key is in
// its place; until then nothing has changed.
func begin(dir, host string, at time.Time, t *keyText) error {
	origin := host + "/audit/" + at.UTC().Format(time.DateOnly) + "-" + strings.ToLower(rand.Text()[:originRandom])
	if host == "" || !checkpoint.ValidOrigin(origin) {
		return fmt.Errorf("%w: %q", ErrHost, host)
	}
	var err error
	if t.Secret, t.Public, err = checkpoint.NewLogKey(rand.Reader, origin); err != nil {
		return err
	}
	if t.Earlier == nil {
		t.Earlier = []string{}
	}
	if err := CreateFile(filepath.Join(dir, stateName(t.Public))); err != nil {
		return err
	}
	text, err := json.Marshal(*t, json.Deterministic(true))
	if err != nil {
		return err
	}
	return replace(filepath.Join(dir, keyName), text)
}

// originRandom is how many random characters end the name of a log: no two of one host and day have one name.
const originRandom = 6
