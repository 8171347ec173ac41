package app

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"konklave/config"
)

func TestEachLauncherHasUsersOfItsOwn(t *testing.T) {
	t.Parallel()
	const base, count, reserved = 62000, 210, 10
	dir := filepath.Join(t.TempDir(), "run", "users")
	busy := map[int]bool{base: true, base + reserved - 1: true} // a controller's and a front's are not workers'
	running := func() (map[int]bool, error) { return busy, nil }
	claim := func(base int) users {
		t.Helper()
		u, err := claimUsers(dir, base, count, reserved, running)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	one := claim(base)
	if one.first != base || one.beside {
		t.Errorf("the first one has %+v", one)
	}
	all := []users{one, claim(base), claim(base + 100), claim(base + 1000)}
	for i, u := range all {
		for _, other := range all[:i] {
			if u.first < other.first+count && other.first < u.first+count {
				t.Errorf("ranges from %d and from %d on overlap", u.first, other.first)
			}
		}
	}
	if !all[1].beside || all[3].first != base+1000 || all[3].beside {
		t.Errorf("the ranges are %+v", all)
	}
	one.Close()
	if again := claim(base); again.first != base {
		t.Errorf("a free range was left out: %+v", again)
	} else {
		again.Close()
	}
	busy[base+count-1] = true // a worker that a killed launcher left behind
	if u := claim(base); u.first == base {
		t.Error("the user of a worker that runs was taken")
	}
}

func TestUsersEndBeforeTheOneWhomNobodyMayBe(t *testing.T) {
	t.Parallel()
	nobody := func() (map[int]bool, error) { return nil, nil }
	for _, c := range []struct {
		base int
		fits bool
	}{{config.UnmappedUsers - 100, true}, {config.UnmappedUsers - 99, false}, {config.UnmappedUsers + 1, true}} {
		dir := t.TempDir()
		u, err := claimUsers(dir, c.base, 100, 10, nobody)
		if (err == nil) != c.fits || !c.fits && !errors.Is(err, errNoUsers) {
			t.Errorf("from %d on: %+v, %v", c.base, u, err)
		}
	}
	dir := t.TempDir()
	for range 16 { // some of the ranges that there are
		if _, err := claimUsers(dir, 100000, userBlock, 10, nobody); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLocksOfUsersAreNotMadeThroughLinks(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "made")
	must(t, os.Symlink(elsewhere, filepath.Join(dir, "1000")))
	_, err := claimUsers(dir, 64000, 10, 1, func() (map[int]bool, error) { return nil, nil })
	if _, missing := os.Stat(elsewhere); !errors.Is(err, syscall.ELOOP) || !os.IsNotExist(missing) {
		t.Errorf("%v, %v", err, missing)
	}
}

func TestOurOwnUserRuns(t *testing.T) {
	t.Parallel()
	running, err := runningUsers()
	if err != nil || !running[os.Geteuid()] {
		t.Errorf("%v, %v", running, err)
	}
}
