package app

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"konklave/activation"
	"konklave/config"
)

// Users of the tests that play a controller which turned against its server.
const (
	hostileUser  = 63600 // the controller's user and the common group
	hostileFront = 63601
	honestSigner = 63602
)

func hostile() identities {
	return identities{separate: true, controller: hostileUser, front: hostileFront, signer: honestSigner, group: hostileUser}
}

// seen is what must not change about a file.
type seen struct {
	Mode     fs.FileMode
	UID, GID uint32
	Content  string
}

// inspect describes everything in a directory.
func inspect(t *testing.T, dir string) map[string]seen {
	t.Helper()
	all := map[string]seen{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		sys, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			t.Fatal("no owner")
		}
		s := seen{Mode: info.Mode(), UID: sys.Uid, GID: sys.Gid}
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			s.Content = string(content)
		}
		all[path] = s
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// owned makes a directory of the hostile controller, and beside it one of root with secrets.
func owned(t *testing.T) (c config.Config, victim string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be several users")
	}
	top, err := os.MkdirTemp("", "k")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	c = config.Default()
	c.Listen, c.Data = "127.0.0.1:0", filepath.Join(top, "data")
	victim = filepath.Join(top, "etc")
	must(t, os.Chmod(top, 0o755), os.Mkdir(c.Data, 0o710), os.Chown(c.Data, hostileUser, hostileUser), os.Mkdir(victim, 0o755),
		os.WriteFile(filepath.Join(victim, "shadow"), []byte("root:secret-secret-secret-secret"), 0o600),
		os.WriteFile(filepath.Join(victim, "controller.sock"), []byte("not a socket"), 0o600),
		os.Mkdir(filepath.Join(victim, "c"), 0o755))
	return c, victim
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// mine makes a directory of the hostile controller.
func mine(t *testing.T, path ...string) string {
	t.Helper()
	dir := filepath.Join(path...)
	must(t, os.Mkdir(dir, 0o710), os.Lchown(dir, hostileUser, hostileUser))
	return dir
}

func TestAStartAsRootFollowsNoLinkOfTheController(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(t *testing.T, data, victim string){
		"run": func(t *testing.T, data, victim string) {
			must(t, os.Symlink(victim, filepath.Join(data, "run")))
		},
		"the sockets of the conferences": func(t *testing.T, data, victim string) {
			must(t, os.Symlink(victim, filepath.Join(mine(t, data, "run"), "c")))
		},
		"the certificates": func(t *testing.T, data, victim string) {
			must(t, os.Symlink(victim, filepath.Join(data, "tls")))
		},
		"a certificate": func(t *testing.T, data, victim string) {
			must(t, os.Symlink(filepath.Join(victim, "shadow"), filepath.Join(mine(t, data, "tls"), "ca.pem")))
		},
		"a certificate by a hard link": func(t *testing.T, data, victim string) {
			must(t, os.Link(filepath.Join(victim, "shadow"), filepath.Join(mine(t, data, "tls"), "ca.pem")))
		},
		"the signer": func(t *testing.T, data, victim string) {
			must(t, os.Symlink(victim, filepath.Join(data, "signer")))
		},
		"a signer of its own": func(t *testing.T, data, victim string) {
			must(t, os.Link(filepath.Join(victim, "shadow"), filepath.Join(mine(t, data, "signer"), "log.json")))
		},
		"the lock": func(t *testing.T, data, victim string) {
			must(t, os.Symlink(filepath.Join(victim, "cron"), filepath.Join(data, "lock")))
		},
		"the key": func(t *testing.T, data, victim string) {
			must(t, os.Symlink(filepath.Join(victim, "shadow"), filepath.Join(data, "instance.key")))
		},
		"a key that is not there": func(t *testing.T, data, victim string) {
			must(t, os.Symlink(filepath.Join(victim, "cron"), filepath.Join(data, "instance.key")))
		},
		"a socket": func(t *testing.T, data, victim string) {
			must(t, os.Symlink(filepath.Join(victim, "shadow"), filepath.Join(mine(t, data, "run"), "controller.sock")))
		},
		"everything by its name": func(t *testing.T, data, victim string) {
			must(t, os.Rename(data, data+".away"), os.Symlink(victim, data), os.Lchown(data, hostileUser, hostileUser))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, victim := owned(t)
			plant(t, c.Data, victim)
			before := inspect(t, victim)
			p, err := prepare(t.Context(), c, hostile(), &activation.Set{})
			if err == nil {
				p.Close()
			}
			if after := inspect(t, victim); !reflect.DeepEqual(after, before) {
				t.Errorf("root changed what is its own:\n%v\nwas\n%v (%v)", after, before, err)
			}
			if err == nil && name == "the key" {
				t.Error("root read its secret for the controller")
			}
		})
	}
}

// owners says to whom everything in the data directory belongs.
func owners(t *testing.T, data string) map[string]uint32 {
	t.Helper()
	all := map[string]uint32{}
	for path, s := range inspect(t, data) {
		all[strings.TrimPrefix(path, data)] = s.UID
	}
	return all
}

func TestWhatWasRootsIsGivenAwayAtTheFirstStart(t *testing.T) {
	t.Parallel()
	c, _ := owned(t)
	must(t, os.RemoveAll(c.Data))
	for _, dir := range []string{"tls/acme", "backups"} {
		must(t, os.MkdirAll(filepath.Join(c.Data, dir), 0o700))
	}
	for _, file := range []string{"konklave.db", "tls/acme/key.pem", "backups/one"} {
		must(t, os.WriteFile(filepath.Join(c.Data, file), nil, 0o600))
	}
	must(t, os.Mkdir(filepath.Join(c.Data, "alien"), 0o700), os.WriteFile(filepath.Join(c.Data, "alien", "f"), nil, 0o600), os.Chown(filepath.Join(c.Data, "alien"), 7, 7))
	p, err := prepare(t.Context(), c, hostile(), &activation.Set{})
	must(t, err)
	p.Close()
	const us, front = hostileUser, hostileFront
	want := map[string]uint32{
		"": us, "/konklave.db": us, "/backups": us, "/backups/one": us, "/tls": front, "/tls/acme": front, "/tls/acme/key.pem": front,
		"/lock": us, "/instance.key": us, "/run": us, "/run/c": us, "/run/front.sock": us, "/run/controller.sock": us,
		"/run/signer.sock": us, "/signer": honestSigner,
		"/alien": 7, "/alien/f": 0,
	}
	if got := owners(t, c.Data); !maps.Equal(got, want) {
		t.Errorf("the owners are %v, want %v", got, want)
	}
	for name, mode := range map[string]fs.FileMode{"": 0o710, "run": 0o710, "run/c": 0o710, "run/front.sock": 0o660, "run/controller.sock": 0o660, "run/signer.sock": 0o600, "signer": 0o700} {
		if info, err := os.Stat(filepath.Join(c.Data, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%q: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestRestoredCertificatesAreGivenToTheFront(t *testing.T) {
	t.Parallel()
	c, _ := owned(t)
	dir := mine(t, c.Data, "tls")
	for name, uid := range map[string]int{"restored": hostileUser, "own": hostileFront, "roots": 0} {
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600), os.Chown(filepath.Join(dir, name), uid, uid))
	}
	must(t, hostile().own(c), hostile().own(c))
	want := map[string]uint32{"": hostileUser, "/tls": hostileFront, "/tls/restored": hostileFront, "/tls/own": hostileFront, "/tls/roots": 0, "/signer": honestSigner}
	if got := owners(t, c.Data); !maps.Equal(got, want) {
		t.Errorf("the owners are %v, want %v", got, want)
	}
}

func TestADataDirectoryThatCannotBeGivenIsRefused(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, data, victim string){
		"belongs to user 7": func(t *testing.T, data, _ string) { must(t, os.Chown(data, 7, 7)) },
		"has another name somewhere": func(t *testing.T, data, victim string) {
			must(t, os.Chown(data, 0, 0), os.Link(filepath.Join(victim, "shadow"), filepath.Join(data, "konklave.db")))
		},
		"but the signer of the audit log is user 63602": func(t *testing.T, data, _ string) { mine(t, data, "signer") },
		"belongs to user 63602, as whom":                func(t *testing.T, data, _ string) { must(t, os.Chown(filepath.Dir(data), honestSigner, 0)) },
		"belongs to user 63600, as whom":                func(t *testing.T, data, _ string) { must(t, os.Chown(filepath.Dir(data), hostileUser, 0)) },
		"belongs to user 63601, as whom":                func(t *testing.T, data, _ string) { must(t, os.Chown(filepath.Dir(data), hostileFront, 0)) },
		"may be written to by users":                    func(t *testing.T, data, _ string) { must(t, os.Chmod(filepath.Dir(data), 0o757)) },
		"way to the data directory, may be written": func(t *testing.T, data, _ string) {
			must(t, os.Chown(filepath.Dir(data), 0, hostileUser), os.Chmod(filepath.Dir(data), 0o775))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, victim := owned(t)
			spoil(t, c.Data, victim)
			before := inspect(t, victim)
			if err := hostile().own(c); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%v", err)
			}
			if after := inspect(t, victim); !reflect.DeepEqual(after, before) {
				t.Errorf("root changed what is its own:\n%v\nwas\n%v", after, before)
			}
		})
	}
}

func TestALinkOfRootsLeadsToTheDataDirectory(t *testing.T) {
	t.Parallel()
	c, _ := owned(t)
	must(t, os.Symlink(c.Data, c.Data+".link"))
	link := c
	link.Data += ".link"
	must(t, hostile().own(link))
	if got := owners(t, c.Data); got["/tls"] != hostileFront {
		t.Errorf("the owners are %v", got)
	}
}
