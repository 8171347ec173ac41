package app

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json"
)

// acted is what a process that acts as the owner of a directory sees of itself.
type acted struct {
	User, Group     int
	Groups          []int
	Denied, Allowed bool // whether root's file was out of reach, and was not with the rights from before
}

// act is the other process of TestACommandOfRootActsAsTheOwner.
func act(dir, secret string) error {
	r, err := ActAsOwner(dir)
	if err != nil {
		return err
	}
	groups, err := os.Getgroups()
	if err != nil {
		return err
	}
	_, denied := os.ReadFile(secret)
	allowed := r.Back(func() error {
		_, err := os.ReadFile(secret)
		return err
	})
	_, again := os.ReadFile(secret)
	return json.MarshalWrite(os.Stdout, acted{
		User: os.Geteuid(), Group: os.Getegid(), Groups: groups,
		Denied: os.IsPermission(denied) && os.IsPermission(again), Allowed: allowed == nil,
	})
}

func TestACommandOfRootActsAsTheOwner(t *testing.T) {
	t.Parallel()
	c, victim := owned(t)
	secret := filepath.Join(victim, "shadow")
	must(t, os.Symlink(victim, c.Data+".link"), os.Lchown(c.Data+".link", hostileUser, hostileUser))
	for dir, want := range map[string]acted{
		c.Data:                          {User: hostileUser, Group: hostileUser, Denied: true, Allowed: true},
		c.Data + ".link":                {User: hostileUser, Group: hostileUser, Denied: true, Allowed: true},
		filepath.Join(c.Data, "absent"): {Allowed: true},
		victim:                          {Allowed: true},
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "act", dir, secret)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		must(t, err)
		var got acted
		must(t, json.Unmarshal(out, &got))
		if got.User != want.User || got.Group != want.Group || got.Denied != want.Denied || got.Allowed != want.Allowed || want.User != 0 && len(got.Groups) != 0 {
			t.Errorf("%s: %+v, want %+v", dir, got, want)
		}
	}
}

func TestWhatIsDoneAsSomebodyElseLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	c, victim := owned(t)
	err := as(hostileUser, hostileUser, func() error {
		if os.Geteuid() != hostileUser || os.Getegid() != hostileUser {
			t.Errorf("user %d, group %d", os.Geteuid(), os.Getegid())
		}
		elsewhere := make(chan int)
		go func() { elsewhere <- os.Geteuid() }()
		if uid := <-elsewhere; uid != 0 {
			t.Errorf("another goroutine is user %d", uid)
		}
		must(t, os.WriteFile(filepath.Join(c.Data, "mine"), nil, 0o600))
		return os.WriteFile(filepath.Join(victim, "cron"), nil, 0o600)
	})
	if !os.IsPermission(err) {
		t.Errorf("written where only root may: %v", err)
	}
	if got := owners(t, c.Data)["/mine"]; got != hostileUser {
		t.Errorf("made as user %d", got)
	}
}
