package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"konklave/config"
)

// userLocks is where the launchers of a machine lock the user ids of their workers: workers of two launchers with one user id
// could send each other signals. Root alone may write there.
const userLocks = "/run/konklave/users"

// userBlock is how many user ids one lock stands for. Blocks begin at its multiples, whatever range a launcher wants.
const userBlock = 64

// rangesTried bounds the search above a base that is not below the users whom nobody may be.
const rangesTried = 64

// errNoUsers says that every range of user ids is taken.
var errNoUsers = errors.New("all user ids from isolation.uid-base on are used by other launchers or by workers that one left behind")

// users is a range of user ids that no other launcher uses.
type users struct {
	first  int
	beside bool // another launcher has a range before it
	locks  []*os.File
}

// claimUsers locks the first range of count user ids from base on that no other launcher has, and as whom nobody runs: workers
// outlive a launcher that is killed. The first reserved ids of a range are for others than workers.
func claimUsers(dir string, base, count, reserved int, running func() (map[int]bool, error)) (users, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return users{}, err
	}
	busy, err := running()
	if err != nil {
		return users{}, err
	}
	end := base + rangesTried*count
	if base < config.UnmappedUsers {
		end = config.UnmappedUsers
	}
	beside := false
	for first := base; first+count <= end; {
		if last := lastOf(busy, first+reserved, first+count); last >= 0 {
			first = last/userBlock*userBlock + userBlock
			continue
		}
		locks, taken, err := lockUsers(dir, first, count)
		if err != nil {
			return users{}, err
		}
		if taken < 0 {
			return users{first, beside, locks}, nil
		}
		beside = true
		first = (taken + 1) * userBlock
	}
	return users{}, errNoUsers
}

// lastOf is the highest user id in a range that is in a set; -1 when none is.
func lastOf(set map[int]bool, from, to int) int {
	for uid := to - 1; uid >= from; uid-- {
		if set[uid] {
			return uid
		}
	}
	return -1
}

// lockUsers locks all blocks of a range, or none; then taken is one that another launcher has.
func lockUsers(dir string, first, count int) (locks []*os.File, taken int, err error) {
	defer func() {
		if err != nil || taken >= 0 {
			closeFiles(locks)
		}
	}()
	for block := first / userBlock; block <= (first+count-1)/userBlock; block++ {
		f, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(block)), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return locks, -1, err
		}
		locks = append(locks, f)
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return locks, block, nil
		}
		if err != nil {
			return locks, -1, fmt.Errorf("lock user ids: %w", err)
		}
	}
	return locks, -1, nil
}

// Close lets others use the range; all workers have ended.
func (u users) Close() { closeFiles(u.locks) }

func closeFiles(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // unlocks
	}
}

// runningUsers are the users as whom processes run on this machine.
func runningUsers() (map[int]bool, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	running := map[int]bool{}
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		status, err := os.ReadFile(filepath.Join("/proc", e.Name(), "status"))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it has just ended
		}
		if err != nil {
			return nil, err
		}
		_, line, _ := strings.Cut(string(status), "\nUid:")
		line, _, _ = strings.Cut(line, "\n")
		for _, uid := range strings.Fields(line) {
			if n, err := strconv.Atoi(uid); err == nil {
				running[n] = true
			}
		}
	}
	return running, nil
}
