package directory_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"konklave/auth/directory"
	"konklave/auth/providertest"
	"konklave/auth/settings"
)

func TestExamineTellsWhatASignInNeeds(t *testing.T) {
	t.Parallel()
	s, config := slapd(t)
	absent, stop := listen(t, func(net.Conn) {})
	stop()
	wrong := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(wrong, []byte("not it\n"), 0o600))
	type change func(*settings.Directory)
	for name, c := range map[string]struct {
		change                 change
		reached, based, people bool
	}{
		"LDAPS":              {func(*settings.Directory) {}, true, true, true},
		"StartTLS":           {func(d *settings.Directory) { d.Servers = []string{s.StartTLS} }, true, true, true},
		"absent":             {func(d *settings.Directory) { d.Servers = []string{"ldaps://" + absent} }, false, true, false},
		"no trust":           {func(d *settings.Directory) { d.Roots = "" }, false, true, false},
		"another password":   {func(d *settings.Directory) { d.BindPasswordFile = wrong }, false, true, false},
		"another base":       {func(d *settings.Directory) { d.Base = "ou=nowhere," + providertest.SlapdBase }, true, false, false},
		"a filter of nobody": {func(d *settings.Directory) { d.Filter = "(objectClass=room)" }, true, true, false},
	} {
		d := config
		c.change(&d)
		all := open(t, d).Examine(t.Context())
		if len(all) != 1 {
			t.Fatalf("%s: %+v", name, all)
		}
		h := all[0]
		if (h.Err == nil) != c.reached || (h.Base == nil) != c.based || h.People != c.people || h.Server != d.Servers[0] || h.Ends.After(time.Now()) != c.reached || h.Clock {
			t.Errorf("%s: %+v", name, h)
		}
	}
	config.Servers = []string{"ldaps://" + absent, s.LDAPS}
	if all := open(t, config).Examine(t.Context()); len(all) != 2 || all[0].Err == nil || all[1].Err != nil {
		t.Errorf("one of two: %+v", all)
	}
}

func TestExamineReadsTheClockOfActiveDirectory(t *testing.T) {
	t.Parallel()
	_, config := samba(t)
	if h := open(t, config).Examine(t.Context())[0]; h.Err != nil || h.Base != nil || !h.People || !h.Clock || h.Ahead.Abs() > directory.OperationTimeout {
		t.Errorf("%+v", h)
	}
}
