package storetest

import (
	"errors"
	"testing"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/user"
)

// providersOwn makes an account one that an identity provider decides about.
func (h *house) providersOwn(t *testing.T, u user.User) {
	t.Helper()
	if _, err := h.Raw.ExecContext(t.Context(), "UPDATE users SET password_hash = '' WHERE id = $1", u.ID); err != nil {
		t.Fatal(err)
	}
}

func (h *house) wantSetUp(t *testing.T) {
	t.Helper()
	if needed, err := h.setup.Needed(t.Context()); err != nil || needed {
		t.Errorf("the instance is to be set up again: %v, %v", needed, err)
	}
	if _, err := h.setup.Issue(t.Context()); !errors.Is(err, auth.ErrSetupDone) {
		t.Errorf("a set-up link is issued: %v", err)
	}
}

// lastAdmins are about who is left to administer accounts.
var lastAdmins = map[string]func(*testing.T, *house){
	"TheLastAdministratorIsNotTakenAway": func(t *testing.T, h *house) {
		officer, admin := h.account(t, "sec@example.org", "security_officer").Actor(), h.account(t, "admin@example.org", access.Administrator)
		other := h.account(t, "other@example.org", access.Administrator)
		h.providersOwn(t, other)
		h.wantNewEntries(t, func() {
			if _, err := h.users.Disable(t.Context(), officer, admin.ID); !errors.Is(err, user.ErrLastAdmin) {
				t.Errorf("the last one with a password is disabled: %v", err)
			}
			if _, err := h.users.Assign(t.Context(), other.Actor(), admin.ID, access.RoleUser); !errors.Is(err, user.ErrLastAdmin) {
				t.Errorf("the last one with a password loses the role: %v", err)
			}
		})
		h.wantNewEntries(t, func() {
			if _, err := h.users.Disable(t.Context(), officer, other.ID); err != nil {
				t.Errorf("one of two: %v", err)
			}
		}, audit.KindUserDisabled)
		third := h.account(t, "third@example.org", access.Administrator)
		pair := [...]user.User{admin, third}
		succeeded, failures := sideBySide(len(pair), func(i int) error {
			_, err := h.users.Disable(t.Context(), officer, pair[i].ID)
			return err
		})
		if succeeded != 1 || !errors.Is(failures[0], user.ErrLastAdmin) {
			t.Errorf("%d of the last two were disabled, %v", succeeded, failures)
		}
	},
	"TheServersOwnerMayTakeTheLastAdministratorAway": func(t *testing.T, h *house) {
		admin := h.account(t, "admin@example.org", access.Administrator)
		if _, err := h.users.Assign(t.Context(), access.System("cli"), admin.ID, access.RoleUser); err != nil {
			t.Fatal(err)
		}
		h.wantSetUp(t)
	},
	"RulesThatTakeTheLastAdministratorAwayDoNotOpenTheSetUp": func(t *testing.T, h *house) {
		f, v := h.federation()
		in := h.enter(t, f)
		if _, err := h.users.Assign(t.Context(), access.System("cli"), in.Identity.User.ID, access.RoleUser, access.RoleUserAdmin); err != nil {
			t.Fatal(err)
		}
		h.wantSetUp(t)
		v.id.Groups = []string{"staff"}
		h.clock.Advance(review)
		h.wantNewEntries(t, func() { h.wantReview(t, f) }, audit.KindRolesAssigned)
		h.wantSetUp(t)
	},
	"ARoleThatMakesTheFirstAdministratorEndsTheSetUp": func(t *testing.T, h *house) {
		token, err := h.setup.Issue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		anna := h.account(t, "anna@example.org", access.Ordinary)
		if _, err := h.users.Assign(t.Context(), access.System("cli"), anna.ID, access.RoleUser, access.RoleUserAdmin); err != nil {
			t.Fatal(err)
		}
		var kept int
		if err := h.Raw.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM setup_tokens").Scan(&kept); err != nil || kept != 0 {
			t.Errorf("%d set-up tokens are kept, %v", kept, err)
		}
		if _, err := h.Raw.ExecContext(t.Context(), "UPDATE users SET roles = 'user'"); err != nil {
			t.Fatal(err)
		}
		_, _, err = h.setup.Complete(t.Context(), access.Nobody(), token, user.New{Email: "thief@example.org", Name: "Thief", Password: password})
		if !errors.Is(err, auth.ErrSetupDone) {
			t.Errorf("the link is still good: %v", err)
		}
	},
}
