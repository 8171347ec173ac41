package app

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"konklave/config"
	"konklave/sandbox"
)

// Names of the system's users for controller and front, used where they exist.
const (
	controllerUser = "konklave"
	frontUser      = "konklave-front"
)

// identities are the users that controller and front run as. Without separate both are whoever started Serve.
type identities struct {
	separate   bool
	why        string // why they are not separate
	controller int    // user id; it owns the data
	front      int    // user id; it owns nothing but certificates that it fetches or makes
	group      int    // group id of both: for the sockets between them
}

// findIdentities says who the processes are to be: with the privileges of root and a data directory that other users can
// reach, the users konklave and konklave-front, or user ids from isolation.uid-base on where these do not exist.
func findIdentities(c config.Config) identities {
	if os.Geteuid() != 0 {
		return identities{why: "not started as root"}
	}
	if closed := closedTo(c.Data); closed != "" {
		return identities{why: "the data directory lies below " + closed + ", which other users may not enter"}
	}
	id := identities{
		separate:   true,
		controller: c.Isolation.UIDBase + sandbox.ControllerUser, front: c.Isolation.UIDBase + sandbox.FrontUser, group: c.Isolation.UIDBase,
	}
	if u, err := user.Lookup(controllerUser); err == nil {
		id.controller, id.group = number(u.Uid, id.controller), number(u.Gid, id.group)
	}
	if u, err := user.Lookup(frontUser); err == nil {
		id.front = number(u.Uid, id.front)
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

// Modes of what controller and front share: they may pass through the directories, and talk through the sockets.
const (
	sharedDirectory = 0o710
	sharedSocket    = 0o660
)

// own gives the data directory to the controller, what is the front's to the front, and the sockets to both. A directory
// that belonged to root, as at the first start, is given away with everything in it.
func (id identities) own(c config.Config) error {
	if !id.separate {
		return nil
	}
	st, err := os.Stat(c.Data)
	if err != nil {
		return err
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok && sys.Uid == 0 {
		if err := id.giveTo(c.Data, id.controller); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(CertificateDir(c), 0o700); err != nil {
		return err
	}
	var errs []error
	for _, dir := range []string{c.Data, c.RunDir(), ConferenceDir(c)} {
		errs = append(errs, os.Chown(dir, id.controller, id.group), os.Chmod(dir, sharedDirectory))
	}
	for _, socket := range []string{ControllerSocket(c), FrontSocket(c)} {
		errs = append(errs, os.Lchown(socket, id.controller, id.group), os.Chmod(socket, sharedSocket))
	}
	errs = append(errs, os.Lchown(instanceKeyFile(c.Data), id.controller, id.group), id.giveTo(CertificateDir(c), id.front))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("give the data directory to its users: %w", err)
	}
	return nil
}

// giveTo makes a user own a tree. It follows no links.
func (id identities) giveTo(dir string, uid int) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, id.group)
	})
}

// tell says what is missing when the processes are not kept apart.
func (id identities) tell(log *slog.Logger) {
	if !id.separate {
		log.Warn("Front and controller are not separate users: a fault in the front reaches the data.", "why", id.why)
	}
}
