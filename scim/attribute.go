package scim

import (
	"slices"
	"strings"
)

// The names of the schemas.
const (
	SchemaUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	SchemaGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	SchemaEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

// Type of an attribute's values (RFC 7643, section 2.3).
const (
	typeString    = "string"
	typeBoolean   = "boolean"
	typeDateTime  = "dateTime"
	typeReference = "reference"
	typeComplex   = "complex"
)

// Mutability of an attribute (RFC 7643, section 7).
const (
	readWrite = "readWrite"
	readOnly  = "readOnly"
	immutable = "immutable"
)

// Attribute is one attribute of a schema.
type Attribute struct {
	Name       string
	Type       string
	Multi      bool
	Required   bool
	CaseExact  bool
	Mutability string // empty means readWrite
	Returned   string // empty means default
	Uniqueness string // empty means none
	About      string
	Sub        []Attribute
	// dropped is one that the standard has and that is not kept here: accepted, and then missing in every answer.
	dropped bool
	// unsought is one that nothing is filtered or sorted by.
	unsought bool
}

func (a *Attribute) mutability() string {
	if a.Mutability == "" {
		return readWrite
	}
	return a.Mutability
}

// value is the sub-attribute that a multi-valued attribute is compared by when none is named.
func (a *Attribute) value() *Attribute { return find(a.Sub, "value") }

// find looks an attribute up; names are compared without their case (RFC 7643, section 2.1).
func find(attributes []Attribute, name string) *Attribute {
	i := slices.IndexFunc(attributes, func(a Attribute) bool { return strings.EqualFold(a.Name, name) })
	if i < 0 || !ascii(name) {
		return nil
	}
	return &attributes[i]
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 0x7e || r < 0x20 })
}

// Schema is a schema, of a resource or of an extension to one.
type Schema struct {
	ID         string
	Name       string
	About      string
	Attributes []Attribute
}

// ResourceType is what a resource consists of.
type ResourceType struct {
	Name       string // "User"
	Endpoint   string // "/Users"
	About      string
	Core       Schema
	Extensions []Schema
}

// UserType returns the type of users.
func UserType() *ResourceType {
	return &ResourceType{
		Name: "User", Endpoint: "/Users", About: "A person with an account.",
		Core: Schema{SchemaUser, "User", "A person with an account.", slices.Concat(common(), userAttributes())}, Extensions: []Schema{enterprise()},
	}
}

// GroupType returns the type of groups.
func GroupType() *ResourceType {
	return &ResourceType{
		Name: "Group", Endpoint: "/Groups", About: "People to whom the rules of the configuration give roles.",
		Core: Schema{SchemaGroup, "Group", "People to whom the rules of the configuration give roles.", slices.Concat(common(), groupAttributes())},
	}
}

// common are the attributes of every resource (RFC 7643, section 3.1), and schemas.
func common() []Attribute {
	return []Attribute{
		{Name: "schemas", Type: typeReference, Multi: true, CaseExact: true, Mutability: readOnly, Returned: "always", About: "The schemas of the resource."},
		{Name: "id", Type: typeString, CaseExact: true, Mutability: readOnly, Returned: "always", Uniqueness: "server", About: "What the resource is called here; it stays."},
		{Name: "externalId", Type: typeString, CaseExact: true, Mutability: immutable, Uniqueness: "server", About: "What the identity provider calls it for ever: of a person what the provider signs the person in by. It stays."},
		{Name: "meta", Type: typeComplex, Mutability: readOnly, About: "About the resource.", Sub: []Attribute{
			{Name: "resourceType", Type: typeString, CaseExact: true, Mutability: readOnly, About: "User or Group."},
			{Name: "created", Type: typeDateTime, Mutability: readOnly, About: "When it came here."},
			{Name: "lastModified", Type: typeDateTime, Mutability: readOnly, About: "When it was changed last."},
			{Name: "location", Type: typeReference, CaseExact: true, Mutability: readOnly, About: "Its address."},
			{Name: "version", Type: typeString, CaseExact: true, Mutability: readOnly, About: "Its ETag."},
		}},
	}
}

func userAttributes() []Attribute {
	kept := []Attribute{
		{Name: "userName", Type: typeString, Required: true, Uniqueness: "server", About: "The name that the person has at the identity provider."},
		{Name: "name", Type: typeComplex, About: "The parts of the person's name.", Sub: []Attribute{
			{Name: "formatted", Type: typeString, About: "The whole name."},
			{Name: "familyName", Type: typeString, About: "The family name."},
			{Name: "givenName", Type: typeString, About: "The given name."},
			dropped("middleName"), dropped("honorificPrefix"), dropped("honorificSuffix"),
		}},
		{Name: "displayName", Type: typeString, About: "The name that others see; without one the formatted name, given and family name, or the userName."},
		{Name: "preferredLanguage", Type: typeString, About: "What the person reads: de or en, with or without a region; anything else changes nothing."},
		{Name: "userType", Type: typeString, About: "For the rules of the configuration."},
		{Name: "active", Type: typeBoolean, About: "Whether the person may come in. False ends everything that the person is signed in with, a running conference too."},
		{Name: "emails", Type: typeComplex, Multi: true, About: "The primary one, or the first, is the address of the account. Without any the userName has to be one.", Sub: []Attribute{
			{Name: "value", Type: typeString, About: "The address."},
			{Name: "type", Type: typeString, About: "work, for example."},
			{Name: "primary", Type: typeBoolean, About: "Whether it is the one that counts."},
			dropped("display"),
		}},
		{Name: "groups", Type: typeComplex, Multi: true, Mutability: readOnly, unsought: true, About: "The groups that the person is in. Nothing is filtered by them.", Sub: []Attribute{
			{Name: "value", Type: typeString, CaseExact: true, Mutability: readOnly, About: "The id of the group."},
			{Name: "$ref", Type: typeReference, CaseExact: true, Mutability: readOnly, About: "The address of the group."},
			{Name: "display", Type: typeString, Mutability: readOnly, About: "The name of the group."},
			{Name: "type", Type: typeString, Mutability: readOnly, About: "Always direct: groups have no groups in them."},
		}},
	}
	for _, name := range []string{
		"nickName", "profileUrl", "title", "locale", "timezone", "password", "phoneNumbers", "ims", "photos", "addresses", "entitlements", "roles", "x509Certificates",
	} {
		kept = append(kept, dropped(name))
	}
	return kept
}

func enterprise() Schema {
	return Schema{SchemaEnterprise, "Enterprise User", "Where a person works, for the rules of the configuration.", []Attribute{
		{Name: "organization", Type: typeString, About: "For the rules of the configuration."},
		{Name: "division", Type: typeString, About: "For the rules of the configuration."},
		{Name: "department", Type: typeString, About: "For the rules of the configuration."},
		dropped("employeeNumber"), dropped("costCenter"), dropped("manager"),
	}}
}

func groupAttributes() []Attribute {
	return []Attribute{
		{Name: "displayName", Type: typeString, Required: true, Uniqueness: "server", About: "The name that the rules of the configuration know the group by."},
		{Name: "members", Type: typeComplex, Multi: true, About: "The people in it. Groups in groups are refused.", Sub: []Attribute{
			{Name: "value", Type: typeString, CaseExact: true, Mutability: immutable, About: "The id of the person."},
			{Name: "$ref", Type: typeReference, CaseExact: true, Mutability: immutable, About: "The address of the person."},
			{Name: "type", Type: typeString, Mutability: immutable, About: "Always User."},
			{Name: "display", Type: typeString, Mutability: readOnly, About: "The person's name."},
		}},
	}
}

func dropped(name string) Attribute { return Attribute{Name: name, dropped: true} }

// schema returns the schema that a URN names, nil for one that the type does not have.
func (t *ResourceType) schema(urn string) *Schema {
	if strings.EqualFold(urn, t.Core.ID) {
		return &t.Core
	}
	for i := range t.Extensions {
		if strings.EqualFold(urn, t.Extensions[i].ID) {
			return &t.Extensions[i]
		}
	}
	return nil
}
