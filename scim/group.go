package scim

import (
	"maps"
	"reflect"
	"slices"
	"time"
)

// Group is a group as the provisioning system keeps it here.
type Group struct {
	ID         string
	Tenant     string
	ExternalID string // may be empty
	Name       string
	CreatedAt  time.Time
	ChangedAt  time.Time
	Version    int64
}

// Member is somebody in a group.
type Member struct {
	UserID string
	Name   string
}

// Resource is the group as answers show it. Base is the address of the service.
func (g Group) Resource(base string, members []Member) Object {
	r := g.attributes()
	r["schemas"], r["id"] = []any{SchemaGroup}, g.ID
	r["meta"] = meta("Group", base+"/Groups/"+g.ID, g.CreatedAt, g.ChangedAt, g.Version)
	var in []any
	for _, m := range members {
		in = append(in, Object{"value": m.UserID, "$ref": base + "/Users/" + m.UserID, "display": m.Name, "type": "User"})
	}
	set(r, "members", in)
	return r
}

// attributes are those that a client can set, without the members.
func (g Group) attributes() Object {
	r := Object{"displayName": g.Name}
	if g.ExternalID != "" {
		r["externalId"] = g.ExternalID
	}
	return r
}

// say gives the group the attributes of r, all of them but the members.
func (g Group) say(r Object) (said Group, fields []string, err error) {
	said = g
	if said.Name, err = lineOf(r, "displayName"); err != nil {
		return Group{}, nil, err
	}
	switch given := text(r, "externalId"); {
	case len([]rune(given)) > MaxExternalIDLength:
		return Group{}, nil, says(ErrValue, "externalId may have at most %d characters.", MaxExternalIDLength)
	case g.ExternalID != "" && given != "" && given != g.ExternalID:
		return Group{}, nil, says(ErrMutability, "externalId stays. Delete the group and create another.")
	case given != "":
		said.ExternalID = given
	}
	return said, differences(g.attributes(), said.attributes()), nil
}

// membersOf are the ids of the people that the resource names as members, each once.
func membersOf(r Object) ([]string, error) {
	list, _ := r["members"].([]any)
	if len(list) > MaxMembers {
		return nil, says(ErrTooMany, "A group may have at most %d members.", MaxMembers)
	}
	ids := map[string]bool{}
	for _, v := range list {
		m, _ := v.(Object)
		if kind := text(m, "type"); kind != "" && Fold(kind) != "user" {
			return nil, says(ErrValue, "A group has people as members, no groups.")
		}
		id := text(m, "value")
		if id == "" {
			return nil, says(ErrValue, "A member has no value.")
		}
		ids[id] = true
	}
	return slices.Sorted(maps.Keys(ids)), nil
}

// differences are the names of the attributes that are not the same, in their order.
func differences(before, after Object) []string {
	names := []string{}
	for _, o := range []Object{before, after} {
		for name := range o {
			if !reflect.DeepEqual(before[name], after[name]) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}
