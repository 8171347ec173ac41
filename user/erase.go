package user

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
)

// ErrErased refuses what can be done with the account of a person who is there.
var ErrErased = fault.New(fault.KindConflict, "user.erased", "The person behind this account was erased. Nothing can be done with the account any more; please make a new one.")

// pseudonymSize is how much of the hash is kept, in bytes.
const pseudonymSize = 16

// Pseudonym stands for somebody who was erased, an account or a guest: who does not know the id cannot tell who that was.
func Pseudonym(tenant, id string) string {
	sum := sha256.Sum256([]byte("konklave erased 1\n" + tenant + "\n" + id))
	return hex.EncodeToString(sum[:pseudonymSize])
}

// Erased is what stays of an account: nothing that tells whose it was.
func (u User) Erased(at time.Time) User {
	at = at.UTC().Truncate(time.Millisecond)
	u.Email = "erased-" + Pseudonym(u.Tenant, u.ID) + "@erased.invalid"
	u.Name = map[Language]string{German: "Gelöschtes Konto", English: "Erased account"}[u.Language]
	u.Roles = access.Ordinary
	if u.ErasedAt = at; !u.Disabled() {
		u.DisabledAt = at
	}
	return u
}

// Erase removes a person: name, address, roles, and everything that the person signs in with; and destroys the keys of what the
// audit log tells about the person. The account stays without them, disabled for ever, for meetings and votes belong to it. It
// cannot be undone. Faults: access, user.unknown, user.erased, user.last_administrator, role.own.
func (s *Service) Erase(ctx context.Context, actor access.Actor, id string) (User, error) {
	return s.store.EraseUser(ctx, actor.Tenant, id, actor.UserID, decided(actor, access.UserErase, func(u User) (AccessChange, error) {
		return AccessChange{User: u.Erased(s.now()), SignOut: true, Entry: func(ended int) audit.Entry {
			return audit.UserErased(audit.Origin{At: s.now(), Actor: actor}, Pseudonym(u.Tenant, u.ID), ended)
		}}, nil
	}))
}
