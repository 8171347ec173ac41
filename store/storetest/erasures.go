package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/finding"
	"konklave/privacy"
	"konklave/store"
	"konklave/user"
)

var erasures = map[string]func(*testing.T, *house){
	"L7WhoIsErasedIsGoneButForAPseudonym": func(t *testing.T, h *house) {
		admin, anna := h.account(t, "admin@example.org", access.Administrator), h.account(t, "anna@example.org", access.Ordinary)
		m := h.meeting(t, anna, "Rat")
		h.signedIn(t, anna)
		h.integrate(t)
		before := h.entries(t)
		erased, err := h.users.Erase(t.Context(), admin.Actor(), anna.ID)
		if err != nil {
			t.Fatal(err)
		}
		name := user.Pseudonym(anna.Tenant, anna.ID)
		if got, err := h.Store.User(t.Context(), anna.Tenant, anna.ID); err != nil || got != erased || !got.Disabled() || got.ErasedAt != h.clock.Now() || got.Email != "erased-"+name+"@erased.invalid" || strings.Contains(got.Name, "anna") {
			t.Errorf("what stays: %+v, %v; returned %+v", got, err, erased)
		}
		if got, err := h.Store.Meeting(t.Context(), anna.Tenant, m.ID); err != nil || got.OwnerID != anna.ID {
			t.Errorf("the meeting: %+v, %v", got, err)
		}
		after := h.entries(t)
		for i, e := range after[:len(before)] {
			if text := fmt.Sprint(e); strings.Contains(text, anna.ID) || strings.Contains(fmt.Sprint(before[i]), anna.ID) != (e.Lost == audit.LossErased) {
				t.Errorf("%+v became %s", before[i], text)
			}
		}
		if e := after[len(before)]; len(after) != len(before)+1 || e.Kind != audit.KindUserErased || e.ObjectID != name || e.ActorUser != admin.ID || e.Details != `{"sessionsEnded":1}` {
			t.Errorf("the entry: %+v", e)
		}
		h.integrate(t)
		h.wantExport(t)
		for what, do := range map[string]func() (user.User, error){
			"erase":   func() (user.User, error) { return h.users.Erase(t.Context(), admin.Actor(), anna.ID) },
			"enable":  func() (user.User, error) { return h.users.Enable(t.Context(), admin.Actor(), anna.ID) },
			"disable": func() (user.User, error) { return h.users.Disable(t.Context(), admin.Actor(), anna.ID) },
			"assign": func() (user.User, error) {
				return h.users.Assign(t.Context(), admin.Actor(), anna.ID, access.RoleAuditor)
			},
		} {
			if _, err := do(); !errors.Is(err, user.ErrErased) {
				t.Errorf("%s: %v", what, err)
			}
		}
		h.account(t, "anna@example.org", access.Ordinary) // the address is free
	},
	"L7NothingIsLeftInAnyTableButWhatIsSaidToStay": func(t *testing.T, h *house) {
		admin, anna := h.account(t, "admin@example.org", access.Administrator), h.account(t, "anna@example.org", access.Ordinary)
		marks := h.wellKnown(t, anna, admin)
		before := h.traces(t, marks...)
		for _, table := range privacy.Tables() {
			columns := h.columns(t, table.Name)
			if named := slices.ContainsFunc(columns, func(c string) bool { return slices.Contains(personal, c) }); named && table.About == "" {
				t.Errorf("table %s has a column about people, and the map of what is stored says that it is about nobody: %v", table.Name, columns)
			}
			if table.About != "" && columns != nil && before[table.Name] == nil && !slices.Contains(unseen, table.Name) {
				t.Errorf("nothing is known about anybody in table %s: write something there in wellKnown, and remove it in an erasure", table.Name)
			}
		}
		if _, err := h.users.Erase(t.Context(), admin.Actor(), anna.ID); err != nil {
			t.Fatal(err)
		}
		if ended, err := h.EndedAdmissions(t.Context(), h.clock.Now()); err != nil || !slices.Equal(ended["c1"], []string{"h1"}) {
			t.Errorf("whom conferences are told to put out: %v, %v", ended, err)
		}
		for table, columns := range h.traces(t, marks...) {
			for _, c := range columns {
				if staying[table+"."+c] == "" {
					t.Errorf("something about the person is left in %s.%s", table, c)
				}
			}
		}
		if err := h.Record(t.Context(), audit.UserDisabled(audit.Origin{At: h.clock.Now(), Actor: access.System("test")}, anna.ID, 0)); err != nil {
			t.Fatal(err)
		}
		if left := h.traces(t, anna.ID)["audit_keys"]; left != nil {
			t.Errorf("what is written about somebody who is erased has a key: %v", left)
		}
		if e := h.entries(t, audit.KindUserDisabled); len(e) != 1 || e[0].Lost != audit.LossErased {
			t.Errorf("what is written later: %+v", e)
		}
		h.integrate(t)
		h.wantExport(t)
	},
	"L7WhatWasAskedForBeforeAnErasureWritesNothingAfterIt": func(t *testing.T, h *house) {
		anna := h.account(t, "anna@example.org", access.Ordinary)
		actor, name := h.signedInActor(t, anna), "Anna"
		if _, err := h.users.Erase(t.Context(), access.System("test"), anna.ID); err != nil {
			t.Fatal(err)
		}
		for what, do := range map[string]func() error{
			"a name": func() error {
				_, err := h.users.UpdateProfile(t.Context(), actor, user.Change{Name: &name})
				return err
			},
			"an API token": func() error {
				_, _, err := h.tokens.Create(t.Context(), actor, auth.NewToken{Name: name})
				return err
			},
			"a factor": func() error {
				f := auth.Factor{ID: "f1", Tenant: anna.Tenant, UserID: anna.ID, Kind: auth.FactorTOTP, Name: name, Secret: []byte{1}, CreatedAt: h.clock.Now()}
				_, err := h.AddFactor(t.Context(), f, auth.FactorUse{}, nil, func(bool) []audit.Entry { return nil })
				return err
			},
		} {
			if err := do(); !errors.Is(err, user.ErrErased) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := h.KeepFinding(t.Context(), finding.New(anna.Tenant, h.clock.Now(), finding.NewBrowser, anna.ID, "t", 0, finding.Evidence{Agent: name})); err != nil {
			t.Fatal(err)
		}
		for table, columns := range h.traces(t, anna.ID, name) {
			for _, c := range columns {
				if staying[table+"."+c] == "" {
					t.Errorf("something about the person is in %s.%s", table, c)
				}
			}
		}
	},
	"TheLastAdministratorStays": func(t *testing.T, h *house) {
		admin, anna := h.account(t, "admin@example.org", access.Administrator), h.account(t, "anna@example.org", access.Ordinary)
		system := access.System("test")
		if _, err := h.users.Erase(t.Context(), system, admin.ID); !errors.Is(err, user.ErrLastAdmin) {
			t.Errorf("the last one: %v", err)
		}
		if got, err := h.Store.User(t.Context(), admin.Tenant, admin.ID); err != nil || got != admin {
			t.Errorf("%+v, %v", got, err)
		}
		second := h.account(t, "second@example.org", access.Administrator)
		if _, err := h.users.Erase(t.Context(), system, admin.ID); err != nil {
			t.Errorf("one of two: %v", err)
		}
		if _, err := h.users.Disable(t.Context(), system, second.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := h.users.Erase(t.Context(), system, anna.ID); err != nil {
			t.Errorf("somebody else, where nobody administers: %v", err)
		}
	},
	"NobodyErasesWithoutTheRight": func(t *testing.T, h *house) {
		admin, anna := h.account(t, "admin@example.org", access.Administrator), h.account(t, "anna@example.org", access.Ordinary)
		for who, want := range map[user.User]error{anna: access.ErrDenied, admin: user.ErrOwnAccess} {
			if _, err := h.users.Erase(t.Context(), who.Actor(), admin.ID); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", who.Email, err, want)
			}
		}
		h.refuse(t, "audit_log")
		if _, err := h.users.Erase(t.Context(), admin.Actor(), anna.ID); err == nil {
			t.Error("erased without an entry")
		}
		h.allow(t, "audit_log")
		if got, err := h.Store.User(t.Context(), anna.Tenant, anna.ID); err != nil || got != anna {
			t.Errorf("%+v, %v", got, err)
		}
		if list, err := h.Erasures(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("%v, %v", list, err)
		}
	},
	"TheListOfErasuresOnlyGrows": func(t *testing.T, h *house) {
		anna := h.account(t, "anna@example.org", access.Ordinary)
		if _, err := h.users.Erase(t.Context(), access.System("test"), anna.ID); err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{"DELETE FROM erasures", "UPDATE erasures SET at = 7", "TRUNCATE erasures"} {
			if _, err := h.Raw.ExecContext(t.Context(), statement); err == nil {
				t.Errorf("%s succeeded", statement)
			}
		}
	},
	"A85AnErasureIsDoneAgain": func(t *testing.T, h *house) {
		anna := h.account(t, "anna@example.org", access.Ordinary)
		h.signedIn(t, anna)
		at := h.clock.Now().Add(-time.Hour)
		want := []store.Erasure{{Tenant: anna.Tenant, Pseudonym: user.Pseudonym(anna.Tenant, anna.ID), At: at}, {Tenant: anna.Tenant, Pseudonym: "guest", At: at.Add(time.Second)}}
		entry := func(pseudonym string, ended int) audit.Entry {
			return audit.UserErased(audit.Origin{At: h.clock.Now(), Actor: access.System("test")}, pseudonym, ended)
		}
		for _, n := range []int{1, 0} {
			if again, err := h.EraseAgain(t.Context(), want, entry); err != nil || again != n {
				t.Errorf("%d were erased again, %v; want %d", again, err, n)
			}
		}
		if got, err := h.Store.User(t.Context(), anna.Tenant, anna.ID); err != nil || got != anna.Erased(at) {
			t.Errorf("%+v, %v", got, err)
		}
		if left := h.traces(t, anna.ID)["sessions"]; left != nil {
			t.Errorf("in sessions: %v", left)
		}
		if list, err := h.Erasures(t.Context()); err != nil || !slices.Equal(list, want) {
			t.Errorf("%+v, %v", list, err)
		}
		if got := h.entries(t, audit.KindUserErased); len(got) != 1 {
			t.Errorf("entries %+v", got)
		}
	},
}
