package app

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"konklave/config"
	"konklave/sandbox"
)

// Names of the system's users for controller, front and signer, used where they exist.
const (
	controllerUser = "konklave"
	frontUser      = "konklave-front"
	signerUser     = "konklave-signer"
)

// identities are the users that controller, front and signer run as. Without separate all are whoever started Serve.
type identities struct {
	separate   bool
	root       bool   // they have the rights of root, because they are not separate
	why        string // why they are not separate
	controller int    // user id; it owns the data
	front      int    // user id; it owns nothing but certificates that it fetches or makes
	signer     int    // user id; it owns nothing but the key of the audit log and what it signed
	group      int    // group id of all: for the way to the data directory, and the sockets between controller and front
}

// findIdentities says who the processes are to be: with the privileges of root and a data directory that other users can
// reach, the users konklave, konklave-front and konklave-signer, or user ids from isolation.uid-base on where these do not exist.
func findIdentities(c config.Config) identities {
	if os.Geteuid() != 0 {
		return identities{why: "not started as root"}
	}
	if closed := closedTo(c.Data); closed != "" {
		return identities{root: true, why: "the data directory lies below " + closed + ", which other users may not enter"}
	}
	id := identities{
		separate:   true,
		controller: c.Isolation.UIDBase + sandbox.ControllerUser, front: c.Isolation.UIDBase + sandbox.FrontUser,
		signer: c.Isolation.UIDBase + sandbox.SignerUser, group: c.Isolation.UIDBase,
	}
	if u, err := user.Lookup(controllerUser); err == nil {
		id.controller, id.group = number(u.Uid, id.controller), number(u.Gid, id.group)
	}
	if u, err := user.Lookup(frontUser); err == nil {
		id.front = number(u.Uid, id.front)
	}
	if u, err := user.Lookup(signerUser); err == nil {
		id.signer = number(u.Uid, id.signer)
	}
	return id
}

func number(text string, otherwise int) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return otherwise
	}
	return n
}

// closedTo is the outermost directory above dir that not everybody may pass through; empty when there is none.
func closedTo(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	closed := ""
	for up := filepath.Dir(abs); ; up = filepath.Dir(up) {
		if st, err := os.Stat(up); err == nil && st.Mode()&0o001 == 0 {
			closed = up
		}
		if up == filepath.Dir(up) {
			return closed
		}
	}
}

// credential makes a command run as a user of the common group, and of no other group.
func (id identities) credential(uid int) *syscall.Credential {
	if !id.separate {
		return nil
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(id.group), Groups: []uint32{}} // bounded by the configuration
}

// asController runs do with the rights of the controller's user: root touches nothing below the data directory itself, because
// the controller, which may have turned against us, places there what it likes.
func (id identities) asController(do func() error) error {
	if !id.separate {
		return do()
	}
	return as(id.controller, id.group, do)
}

// own gives the data directory to the controller, in it the directory of the certificates to the front, and that of the signer to
// the signer. A directory that belonged to root, as at the first start, is given away with everything in it.
func (id identities) own(c config.Config) error {
	if err := makeWay(c.Data); err != nil {
		return err
	}
	if !id.separate {
		return nil
	}
	data, err := openPlace(c.Data, []int{id.controller, id.front, id.signer}, id.group)
	if err != nil {
		return err
	}
	defer data.Close()
	st, err := statOf(data)
	if err != nil {
		return err
	}
	if int(st.Uid) != id.controller && st.Uid != 0 {
		return fmt.Errorf("the data directory %s belongs to user %d, but the controller is user %d; give it to that one with everything in it (chown -R), or choose another data directory", data.Name(), st.Uid, id.controller)
	}
	certificates := filepath.Base(CertificateDir(c))
	signer := filepath.Base(c.SignerDir())
	first := gift{to: id.controller, group: id.group, other: map[string]int{certificates: id.front, signer: id.signer}}
	if st.Uid == 0 {
		err = first.directory(data)
	} else {
		err = first.take(data, st)
	}
	if err == nil {
		err = data.Chmod(id.modes().directory)
	}
	if err == nil {
		err = id.ownCertificates(data, certificates)
	}
	if err == nil {
		err = id.ownSigner(data, signer)
	}
	if err != nil {
		return fmt.Errorf("give the data directory to its users: %w", err)
	}
	return nil
}

// ownCertificates gives the front the directory in which it keeps certificates, also when a restored backup has made it.
func (id identities) ownCertificates(data *os.File, name string) error {
	err := id.asController(func() error { return unix.Mkdirat(int(data.Fd()), name, 0o700) })
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	dir, st, err := openDirectoryIn(data, name)
	if err != nil {
		return err
	}
	defer dir.Close()
	switch int(st.Uid) {
	case 0, id.controller:
		return gift{from: int(st.Uid), to: id.front, group: id.group}.directory(dir)
	case id.front:
		return gift{from: id.controller, to: id.front, group: id.group}.directory(dir)
	}
	return fmt.Errorf("%s belongs to user %d, but the front is user %d", dir.Name(), st.Uid, id.front)
}

// ownSigner makes the signer its directory. One that the controller has put there is refused: the key in it would be known.
func (id identities) ownSigner(data *os.File, name string) error {
	err := unix.Mkdirat(int(data.Fd()), name, 0o700)
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	dir, st, err := openDirectoryIn(data, name)
	if err != nil {
		return err
	}
	defer dir.Close()
	switch int(st.Uid) {
	case id.signer:
		return nil
	case 0:
		return gift{from: 0, to: id.signer, group: id.group}.directory(dir)
	}
	return fmt.Errorf("%s belongs to user %d, but the signer of the audit log is user %d: somebody has put it there. "+
		"If it was you, give it to that one with everything in it (chown -R); else move it away, bring back the one that was there, and find out who", dir.Name(), st.Uid, id.signer)
}

// openDirectoryIn opens a directory that lies in an open one, and says whose it is.
func openDirectoryIn(data *os.File, name string) (*os.File, unix.Stat_t, error) {
	dir, err := openIn(data, name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, unix.Stat_t{}, err
	}
	st, err := statOf(dir)
	if err != nil {
		return nil, st, errors.Join(err, dir.Close())
	}
	return dir, st, nil
}

// suffice refuses what strict mode must not put up with.
func (id identities) suffice(mode config.IsolationMode) error {
	if !id.root || mode != config.IsolationStrict {
		return nil
	}
	return fmt.Errorf("isolation is strict, but front and controller would have the rights of root, because %s; "+
		"choose a data directory that all users can reach, such as /var/lib/konklave, or --isolation=best-effort", id.why)
}

// tell says what is missing when the processes are not kept apart.
func (id identities) tell(log *slog.Logger) {
	switch {
	case id.root:
		log.Warn("Front, controller and signer run with the rights of root: a fault in the front gives away this machine.", "why", id.why)
	case !id.separate:
		log.Warn("Front, controller and signer are not separate users: a fault in the front reaches the data, and the key of the audit log.", "why", id.why)
	}
}
