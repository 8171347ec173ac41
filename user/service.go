package user

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"konklave/access"
	"konklave/audit"
)

// MaxPage is how many users one List returns at most.
const MaxPage = 200

// Store keeps users. A method that changes something writes the entry in the same transaction.
type Store interface {
	// InsertUser fails with ErrEmailTaken when the tenant has the address already.
	InsertUser(ctx context.Context, u User, passwordHash string, entry audit.Entry) error
	// User fails with ErrUnknown.
	User(ctx context.Context, tenant, id string) (User, error)
	// Users returns at most limit users whose address sorts after the given one, in the order of the address.
	Users(ctx context.Context, tenant, afterEmail string, limit int) ([]User, error)
	// ChangeUser reads the user, calls change and stores what it returns, all in one transaction; nothing is stored
	// when change fails. It fails with ErrUnknown and ErrErased.
	ChangeUser(ctx context.Context, tenant, id string, change func(User) (User, audit.Entry, error)) (User, error)
	// ChangeAccess is ChangeUser by somebody whose own account, if by names one, is read in the same transaction and cannot
	// change before its end; it ends all sessions of the user when the change says so. It fails with ErrLastAdmin when somebody
	// would take the last usable administrator away, or the last of them whom no identity provider decides about.
	ChangeAccess(ctx context.Context, tenant, id, by string, change func(u, by User) (AccessChange, error)) (User, error)
	// EraseUser is ChangeAccess that signs out in any case, and removes all that is known about the person: what stays of the
	// account is what the change says. It fails with ErrLastAdmin.
	EraseUser(ctx context.Context, tenant, id, by string, change func(u, by User) (AccessChange, error)) (User, error)
}

// Hasher checks the rules for passwords and turns one into what is stored.
type Hasher interface {
	Hash(ctx context.Context, password string) (string, error)
}

// Service creates, lists and changes accounts.
type Service struct {
	store  Store
	hasher Hasher
	now    func() time.Time
	second bool // guarded roles need a second person
}

// NeedingApproval is the service where a second person must agree before anybody gets a guarded role.
func (s *Service) NeedingApproval() *Service {
	t := *s
	t.second = true
	return &t
}

// NewService returns a Service that takes the time from now.
func NewService(store Store, hasher Hasher, now func() time.Time) *Service {
	return &Service{store: store, hasher: hasher, now: now}
}

// New is what an account is made of.
type New struct {
	Email    string
	Name     string
	Roles    []access.Role // empty means access.Ordinary
	Language Language      // empty means DefaultLanguage
	Password string
}

// Prepare checks everything but the password and gives the user an id. It stores nothing.
func (n New) Prepare(tenant string, at time.Time) (User, error) {
	email, err := CleanEmail(n.Email)
	if err != nil {
		return User{}, err
	}
	name, err := CleanName(n.Name)
	if err != nil {
		return User{}, err
	}
	roles := access.Ordinary
	if len(n.Roles) > 0 {
		if roles, err = access.RolesOf(n.Roles...); err != nil {
			return User{}, err
		}
	}
	language, err := cleanLanguage(n.Language)
	if err != nil {
		return User{}, err
	}
	return User{
		ID: strings.ToLower(rand.Text()), Tenant: tenant, Email: email, Name: name, Roles: roles, Language: language,
		CreatedAt: at.UTC().Truncate(time.Millisecond),
	}, nil
}

// Create makes an account; with other roles than those of most accounts the actor must be one who may assign them. Faults:
// access, access.approval_required, email.invalid, email.taken, name.*, role.*, language.invalid, password.*.
func (s *Service) Create(ctx context.Context, actor access.Actor, n New) (User, error) {
	if err := access.Decide(actor, access.UserCreate, access.Object{Kind: "user", Tenant: actor.Tenant}).Err(); err != nil {
		return User{}, err
	}
	at := s.now()
	u, err := n.Prepare(actor.Tenant, at)
	if err != nil {
		return User{}, err
	}
	if u.Roles != access.Ordinary {
		if err := access.Decide(actor, access.RoleAssign, access.Object{Kind: "user", Tenant: actor.Tenant}).Err(); err != nil {
			return User{}, err
		}
	}
	if s.needsSecond(actor, "", u.Roles) {
		return User{}, access.ErrApprovalRequired
	}
	hash, err := s.hasher.Hash(ctx, n.Password)
	if err != nil {
		return User{}, err
	}
	entry := audit.UserCreated(audit.Origin{At: at, Actor: actor}, u.ID, u.Roles)
	if err := s.store.InsertUser(ctx, u, hash, entry); err != nil {
		return User{}, err
	}
	return u, nil
}

// List returns accounts of the actor's organisation in the order of their addresses, at most limit (and MaxPage) of
// them, starting after the given address.
func (s *Service) List(ctx context.Context, actor access.Actor, afterEmail string, limit int) ([]User, error) {
	if err := access.Decide(actor, access.UserList, access.Object{Kind: "user", Tenant: actor.Tenant}).Err(); err != nil {
		return nil, err
	}
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	return s.store.Users(ctx, actor.Tenant, afterEmail, limit)
}

// Profile returns the actor's own account.
func (s *Service) Profile(ctx context.Context, actor access.Actor) (User, error) {
	own := access.Object{Kind: "user", ID: actor.UserID, OwnerID: actor.UserID, Tenant: actor.Tenant}
	if err := access.Decide(actor, access.ProfileRead, own).Err(); err != nil {
		return User{}, err
	}
	return s.store.User(ctx, actor.Tenant, actor.UserID)
}

// Change is what to change of a profile; nil leaves a field as it is.
type Change struct {
	Name     *string
	Language *Language
}

// UpdateProfile changes the actor's own account. Faults: access, name.*, language.invalid, user.erased. A change that changes nothing
// is written to the audit log too.
func (s *Service) UpdateProfile(ctx context.Context, actor access.Actor, c Change) (User, error) {
	return s.store.ChangeUser(ctx, actor.Tenant, actor.UserID, func(u User) (User, audit.Entry, error) {
		own := access.Object{Kind: "user", ID: u.ID, OwnerID: u.ID, Tenant: u.Tenant}
		if err := access.Decide(actor, access.ProfileUpdate, own).Err(); err != nil {
			return User{}, audit.Entry{}, err
		}
		changed, fields, err := c.apply(u)
		if err != nil {
			return User{}, audit.Entry{}, err
		}
		return changed, audit.ProfileChanged(audit.Origin{At: s.now(), Actor: actor}, u.ID, fields), nil
	})
}

func (c Change) apply(u User) (User, []string, error) {
	fields, err := []string{}, error(nil)
	if c.Name != nil {
		if u.Name, err = CleanName(*c.Name); err != nil {
			return User{}, nil, err
		}
		fields = append(fields, "name")
	}
	if c.Language != nil {
		if *c.Language == "" {
			return User{}, nil, ErrLanguageInvalid
		}
		if u.Language, err = cleanLanguage(*c.Language); err != nil {
			return User{}, nil, err
		}
		fields = append(fields, "language")
	}
	return u, fields, nil
}
