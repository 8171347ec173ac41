package seal_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/audittest"
	"konklave/audit/leaf"
	"konklave/audit/seal"
	"konklave/vault"
)

type settings map[string]string

func (s settings) Setting(_ context.Context, name string) (string, error) { return s[name], nil }

func (s settings) AddSetting(_ context.Context, name, value string) (string, error) {
	if _, there := s[name]; !there {
		s[name] = value
	}
	return s[name], nil
}

func newVault(t testing.TB) *vault.Vault {
	t.Helper()
	v, err := vault.Open(t.Context(), filepath.Join(t.TempDir(), "master.key"), settings{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func newLog(t *testing.T) *audittest.Log {
	t.Helper()
	l, err := audittest.New(newVault(t))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// created says that one person made an account for another.
func created(at time.Time) audit.Entry {
	anna := access.Actor{Kind: access.KindAccount, ID: "anna", UserID: "anna", Tenant: access.DefaultTenant}
	return audit.UserCreated(audit.Origin{At: at, Actor: anna}, "berta", access.Ordinary)
}

func sealed(t *testing.T, s *seal.Sealer, e audit.Entry) (seal.Sealed, leaf.Body) {
	t.Helper()
	out, err := s.Entry(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	body, err := leaf.DecodeBody(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return out, body
}

func TestAnEntryComesBackAsItWas(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	for i := range 12 {
		e := audittest.Entry(i)
		out, body := sealed(t, l.Sealer, e)
		opened, err := l.Sealer.Open(t.Context(), body, out.Personal)
		if err != nil {
			t.Fatal(err)
		}
		back, err := seal.Record(body, opened)
		want := e.Record()
		if err != nil || back.ActorID != want.ActorID || back.ActorUser != want.ActorUser || back.ObjectID != want.ObjectID || len(back.Details) != len(want.Details) || back.Kind != want.Kind || back.ID != want.ID || !back.At.Equal(want.At) {
			t.Errorf("got %+v, want %+v, %v", back, want, err)
		}
		for _, secret := range []string{"user0", "user1", "user2", "192.0.2", "198.51.100"} {
			if all := bytes.Join(append(slices.Clone(out.Personal), out.Leaf, out.Body), nil); bytes.Contains(all, []byte(secret)) {
				t.Errorf("%s is in clear: %s", secret, all)
			}
		}
	}
}

func TestL7ErasingOnePersonLeavesTheOthers(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	out, body := sealed(t, l.Sealer, created(audittest.Start()))
	if len(out.Personal) != 2 || len(body.Keys) != 2 || body.Keys[0] == body.Keys[1] {
		t.Fatalf("%d parts, keys %v", len(out.Personal), body.Keys)
	}
	l.Keys.Erase("anna")
	opened, err := l.Sealer.Open(t.Context(), body, out.Personal)
	if err != nil {
		t.Fatal(err)
	}
	back, err := seal.Record(body, opened)
	if err != nil || back.ActorID != "" || back.ActorUser != "" || back.ObjectID != "berta" {
		t.Errorf("got %+v, %v", back, err)
	}
	again, next := sealed(t, l.Sealer, created(audittest.Start()))
	if next.Keys[0] == body.Keys[0] || next.Keys[1] != body.Keys[1] {
		t.Errorf("keys %v after %v", next.Keys, body.Keys)
	}
	if opened, err := l.Sealer.Open(t.Context(), next, again.Personal); err != nil || opened[0].Fields["actor.id"] != "anna" {
		t.Errorf("what is logged later: %v, %v", opened, err)
	}
	out.Personal[0] = nil // pruned
	if opened, err := l.Sealer.Open(t.Context(), body, out.Personal); err != nil || opened[0].Key != nil || opened[1].Fields["object.id"] != "berta" {
		t.Errorf("what was pruned: %v, %v", opened, err)
	}
}

func TestEachMonthHasItsKeys(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	last := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	_, november := sealed(t, l.Sealer, created(last.Add(-time.Millisecond)))
	_, december := sealed(t, l.Sealer, created(last.In(time.FixedZone("", -3600))))
	_, same := sealed(t, l.Sealer, created(last.AddDate(0, 1, 0).Add(-time.Millisecond)))
	if slices.Equal(november.Keys, december.Keys) || !slices.Equal(december.Keys, same.Keys) {
		t.Errorf("%v, %v, %v", november.Keys, december.Keys, same.Keys)
	}
}

func TestMarksFindAddressesAndNothingElseDoes(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	if mark, err := l.Sealer.Mark(t.Context(), access.DefaultTenant, "2026-11", "source", "192.0.2.0/24"); err != nil || mark != "" {
		t.Errorf("before there is a key: %q, %v", mark, err)
	}
	_, body := sealed(t, l.Sealer, audittest.Entry(0))
	_, december := sealed(t, l.Sealer, audit.SessionStarted(audit.Origin{At: audittest.Start().AddDate(0, 1, 0), Actor: access.Nobody()}, "s", "192.0.2.0/24"))
	find := func(tenant, period, name, value string) string {
		mark, err := l.Sealer.Mark(t.Context(), tenant, period, name, value)
		if err != nil {
			t.Fatal(err)
		}
		return mark
	}
	mark := body.Marks["source"]
	if mark == "" || find(access.DefaultTenant, "2026-11", "source", "192.0.2.0/24") != mark {
		t.Errorf("it is not found: %q", mark)
	}
	for name, other := range map[string]string{
		"another address": find(access.DefaultTenant, "2026-11", "source", "192.0.3.0/24"), "another period": find(access.DefaultTenant, "2026-12", "source", "192.0.2.0/24"),
		"another name": find(access.DefaultTenant, "2026-11", "target", "192.0.2.0/24"), "another organisation": find("other", "2026-11", "source", "192.0.2.0/24"),
		"the next month": december.Marks["source"],
	} {
		if other == mark {
			t.Errorf("%s has the same mark", name)
		}
	}
}

func TestWhatWasChangedDoesNotOpen(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	out, body := sealed(t, l.Sealer, created(audittest.Start()))
	other, otherBody := sealed(t, l.Sealer, created(audittest.Start()))
	fails := func(name string, body leaf.Body, personal [][]byte) {
		t.Helper()
		if opened, err := l.Sealer.Open(t.Context(), body, personal); !errors.Is(err, seal.ErrDamaged) {
			t.Errorf("%s: %v, %v", name, opened, err)
		}
	}
	for i := range out.Personal[0] {
		changed := bytes.Clone(out.Personal[0])
		changed[i] ^= 1
		fails("a byte", body, [][]byte{changed, out.Personal[1]})
	}
	fails("the parts of another entry", body, other.Personal)
	fails("the body of another entry", otherBody, out.Personal)
	fails("exchanged", body, [][]byte{out.Personal[1], out.Personal[0]})
	fails("too few", body, out.Personal[:1])
	fails("too short", body, [][]byte{out.Personal[0][:20], out.Personal[1]})
	opened, err := l.Sealer.Open(t.Context(), body, out.Personal)
	if err != nil {
		t.Fatal(err)
	}
	v := (*vault.Vault)(nil)
	if fields, err := seal.OpenPart(v, opened[0].Key, body.Entry.ID, body.Keys[0], out.Personal[0]); err != nil || fields["actor.id"] != "anna" {
		t.Errorf("with its own key: %v, %v", fields, err)
	}
	for name, try := range map[string]struct {
		key          []byte
		entry, keyID string
		sealed       []byte
	}{
		"the key of another part": {opened[1].Key, body.Entry.ID, body.Keys[0], out.Personal[0]},
		"another entry":           {opened[0].Key, "other", body.Keys[0], out.Personal[0]},
		"another key id":          {opened[0].Key, body.Entry.ID, body.Keys[1], out.Personal[0]},
		"no key":                  {nil, body.Entry.ID, body.Keys[0], out.Personal[0]},
		"the next entry's part":   {opened[0].Key, otherBody.Entry.ID, body.Keys[0], other.Personal[0]},
	} {
		if _, err := seal.OpenPart(v, try.key, try.entry, try.keyID, try.sealed); !errors.Is(err, seal.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAKeyBelongsToItsSubjectAndPeriod(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	out, body := sealed(t, l.Sealer, created(audittest.Start()))
	for _, row := range l.Keys.All() {
		for name, change := range map[string]func(*seal.Key){
			"another person": func(k *seal.Key) { k.Subject = "clara" }, "another period": func(k *seal.Key) { k.Period = "2025-01" },
			"another organisation": func(k *seal.Key) { k.Tenant = "other" }, "another key": func(k *seal.Key) { k.Wrapped[20]++ },
		} {
			changed := row
			changed.Wrapped = bytes.Clone(row.Wrapped)
			change(&changed)
			l.Keys.Put(changed)
			if _, err := l.Sealer.Open(t.Context(), body, out.Personal); !errors.Is(err, seal.ErrDamaged) {
				t.Errorf("%s: %v", name, err)
			}
			l.Keys.Put(row)
		}
	}
	if s := seal.New(newVault(t), l.Keys); s != nil {
		if _, err := s.Open(t.Context(), body, out.Personal); !errors.Is(err, seal.ErrDamaged) {
			t.Errorf("with another master key: %v", err)
		}
		if _, err := s.Entry(t.Context(), created(audittest.Start())); err == nil || strings.Contains(err.Error(), "anna") {
			t.Errorf("sealing with another master key: %v", err)
		}
	}
}
