package scim

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/auth"
	"konklave/line"
	"konklave/user"
)

// Lengths in characters.
const (
	MaxNameLength       = 256 // of a userName, and of a group's name
	MaxExternalIDLength = 256
)

// Person is somebody whom the provisioning system keeps here: the account, and what that system said.
type Person struct {
	Account    user.User
	ExternalID string
	UserName   string
	Active     bool
	Said       Object    // every other attribute, as in the resource
	BarredAt   time.Time // since when provisioning keeps the person out, zero when it does not; the account is disabled for it where it is since then
	CreatedAt  time.Time
	ChangedAt  time.Time
	RemovedAt  time.Time // when the provisioning system deleted the person; the account stays, disabled
	Version    int64
}

// Resource is the person as answers show it. Base is the address of the service; groups are those that the person is in.
func (p Person) Resource(base string, groups []Group) Object {
	r := p.attributes()
	schemas := []any{SchemaUser}
	if r[SchemaEnterprise] != nil {
		schemas = append(schemas, SchemaEnterprise)
	}
	r["schemas"], r["id"] = schemas, p.Account.ID
	r["meta"] = meta("User", base+"/Users/"+p.Account.ID, p.CreatedAt, p.ChangedAt, p.Version)
	var in []any
	for _, g := range groups {
		in = append(in, Object{"value": g.ID, "$ref": base + "/Groups/" + g.ID, "display": g.Name, "type": "direct"})
	}
	set(r, "groups", in)
	return r
}

// attributes are those that a client can set.
func (p Person) attributes() Object {
	r := clone(p.Said).(Object) //nolint:errcheck,forcetypeassert // a copy is of the same type
	r["userName"], r["externalId"], r["active"] = p.UserName, p.ExternalID, p.Active
	return r
}

func meta(kind, location string, created, changed time.Time, version int64) Object {
	const form = "2006-01-02T15:04:05.000Z"
	return Object{
		"resourceType": kind, "location": location, "version": ETag(version),
		"created": created.UTC().Format(form), "lastModified": changed.UTC().Format(form),
	}
}

// ETag is the version of a resource as HTTP knows it.
func ETag(version int64) string { return `W/"` + strconv.FormatInt(version, 10) + `"` }

// Matches reports whether an If-Match or If-None-Match header names the version.
func Matches(header string, version int64) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(ETag(version), "W/") {
			return true
		}
	}
	return false
}

// say gives the person the attributes of r, all of them. Fields are the names of those that are others than before.
func (p Person) say(r Object) (said Person, fields []string, err error) {
	before := p.attributes()
	said = p
	if said.UserName, err = lineOf(r, "userName"); err != nil {
		return Person{}, nil, err
	}
	if said.ExternalID, err = p.externalID(r); err != nil {
		return Person{}, nil, err
	}
	if active, given := r["active"].(bool); given {
		said.Active = active
	}
	said.Said = clone(r).(Object) //nolint:errcheck,forcetypeassert // a copy is of the same type
	for _, name := range []string{"userName", "externalId", "active"} {
		delete(said.Said, name)
	}
	if list, _ := said.Said["emails"].([]any); len(list) > MaxEmails {
		return Person{}, nil, says(ErrTooMany, "A person may have at most %d e-mail addresses.", MaxEmails)
	}
	if err := said.settleAccount(p); err != nil {
		return Person{}, nil, err
	}
	return said, differences(before, said.attributes()), nil
}

// externalID is the one of r, which is not another than before.
func (p Person) externalID(r Object) (string, error) {
	given, there := r["externalId"].(string)
	switch {
	case !there && p.ExternalID != "":
		return p.ExternalID, nil
	case given == "":
		return "", says(ErrValue, "externalId is missing: it is what a person is signed in by.")
	case len([]rune(given)) > MaxExternalIDLength:
		return "", says(ErrValue, "externalId may have at most %d characters.", MaxExternalIDLength)
	case p.ExternalID != "" && given != p.ExternalID:
		return "", says(ErrMutability, "externalId stays: a sign-in leads to the account by it. Delete the user and create another.")
	}
	return given, nil
}

// settleAccount gives the account what follows from what was said. What the person chose stays until something else is said.
func (p *Person) settleAccount(before Person) error {
	email, err := user.CleanEmail(p.email())
	if err != nil {
		return says(ErrValue, "There is no e-mail address: neither a usable one in emails nor as userName.")
	}
	p.Account.Email = email
	name, err := user.CleanName(p.name())
	if err != nil {
		return says(ErrValue, "The name is empty, longer than %d characters, or has characters that are not allowed.", user.MaxNameLength)
	}
	if former, err := user.CleanName(before.name()); before.UserName == "" || err != nil || former != name {
		p.Account.Name = name
	}
	if language, ok := p.language(); ok {
		if former, had := before.language(); !had || former != language {
			p.Account.Language = language
		}
	}
	return nil
}

func (p Person) email() string {
	list, _ := p.Said["emails"].([]any)
	chosen := ""
	for i, v := range list {
		if value := valueOf(v); value != "" && (i == 0 || chosen == "" || isPrimary(v)) {
			chosen = value
		}
	}
	if chosen == "" {
		return p.UserName
	}
	return chosen
}

func (p Person) name() string {
	parts, _ := p.Said["name"].(Object)
	for _, name := range []string{text(p.Said, "displayName"), text(parts, "formatted"), text(parts, "givenName") + " " + text(parts, "familyName")} {
		if strings.TrimSpace(name) != "" {
			return name
		}
	}
	return p.UserName
}

func (p Person) language() (user.Language, bool) {
	tag, _, _ := strings.Cut(strings.ToLower(text(p.Said, "preferredLanguage")), "-")
	switch l := user.Language(tag); l {
	case user.German, user.English:
		return l, true
	}
	return "", false
}

// identity is the person as the rules of the configuration see it.
func (p Person) identity(provider string, groups []Group) auth.ProviderIdentity {
	id := auth.ProviderIdentity{Provider: provider, Attributes: map[string][]string{}}
	for _, g := range groups {
		id.Groups = append(id.Groups, g.Name)
		if g.ExternalID != "" {
			id.Groups = append(id.Groups, g.ExternalID)
		}
	}
	work, _ := p.Said[SchemaEnterprise].(Object)
	for name, value := range map[string]string{
		"userType": text(p.Said, "userType"), "organization": text(work, "organization"), "division": text(work, "division"), "department": text(work, "department"),
	} {
		if value != "" {
			id.Attributes[name] = []string{value}
		}
	}
	return id
}

// SaidText is Said as it is stored.
func (p Person) SaidText() (string, error) {
	text, err := json.Marshal(p.Said, json.Deterministic(true))
	return string(text), err
}

// ReadSaid reads what SaidText wrote.
func ReadSaid(text string) (Object, error) {
	said := Object{}
	if err := json.Unmarshal([]byte(text), &said); err != nil {
		return nil, fmt.Errorf("what was said of a person: %w", err)
	}
	return said, nil
}

func text(o Object, name string) string {
	text, _ := o[name].(string)
	return text
}

// lineOf is a name on one line that the resource has to have.
func lineOf(r Object, name string) (string, error) {
	clean, err := line.Clean(text(r, name), MaxNameLength)
	if err != nil {
		return "", says(ErrValue, "%s is missing, longer than %d characters, or has characters that are not allowed.", name, MaxNameLength)
	}
	return clean, nil
}
