package scim

import (
	"cmp"
	"slices"
	"strings"
)

// Choice is which attributes an answer has (RFC 7644, section 3.9); the zero value is those that are returned by default.
type Choice struct {
	only   []Path
	except []Path
}

// ParseChoice reads the parameters attributes and excludedAttributes, of which one may be given. It fails with ErrPath and ErrValue.
func (t *ResourceType) ParseChoice(attributes, excluded string) (Choice, error) {
	if attributes != "" && excluded != "" {
		return Choice{}, says(ErrValue, "Give attributes or excludedAttributes, not both.")
	}
	only, err := t.paths(attributes)
	if err != nil {
		return Choice{}, err
	}
	except, err := t.paths(excluded)
	return Choice{only, except}, err
}

func (t *ResourceType) paths(list string) ([]Path, error) {
	var paths []Path
	if len(list) > MaxFilterBytes {
		return nil, says(ErrPath, "A list of attributes may have at most %d bytes.", MaxFilterBytes)
	}
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		path, err := t.ParsePath(name)
		if err != nil {
			return nil, err
		}
		if path.Filter != nil {
			return nil, says(ErrPath, "There is no filter in a list of attributes.")
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// Wants reports whether an attribute of the resource itself can be in the answer.
func (c Choice) Wants(name string) bool {
	named := func(p Path) bool { return p.Extension == "" && p.Attribute != nil && p.Attribute.Name == name }
	if len(c.only) > 0 {
		return slices.ContainsFunc(c.only, named)
	}
	return !slices.ContainsFunc(c.except, func(p Path) bool { return named(p) && p.Sub == nil })
}

// Of is what the choice leaves of a resource. What is returned always stays: schemas and id.
func (c Choice) Of(resource Object) Object {
	switch {
	case len(c.only) > 0:
		kept := Object{"schemas": resource["schemas"], "id": resource["id"]}
		for _, p := range c.only {
			p.keep(resource, kept)
		}
		return kept
	case len(c.except) > 0:
		kept := clone(resource).(Object) //nolint:errcheck,forcetypeassert // a copy is of the same type
		for _, p := range c.except {
			if p.Attribute == nil || p.Attribute.Returned != "always" {
				p.leaveOut(kept)
			}
		}
		return kept
	}
	return resource
}

// keep copies what the path names.
func (p Path) keep(from, to Object) {
	if p.Attribute == nil {
		set(to, p.Extension, from[p.Extension])
		return
	}
	source := p.holder(from)
	if source[p.Attribute.Name] == nil {
		return
	}
	if p.Extension != "" && to[p.Extension] == nil {
		to[p.Extension] = Object{}
	}
	target := p.holder(to)
	if p.Sub == nil {
		target[p.Attribute.Name] = source[p.Attribute.Name]
		return
	}
	if list, many := source[p.Attribute.Name].([]any); many {
		p.keepEach(list, target)
		return
	}
	part, _ := source[p.Attribute.Name].(Object)
	there, _ := target[p.Attribute.Name].(Object)
	if there == nil {
		there = Object{}
	}
	set(there, p.Sub.Name, part[p.Sub.Name])
	set(target, p.Attribute.Name, there)
}

// keepEach copies a part of each value.
func (p Path) keepEach(list []any, target Object) {
	there, _ := target[p.Attribute.Name].([]any)
	if there == nil {
		there = make([]any, len(list))
		for i := range there {
			there[i] = Object{}
		}
	}
	for i, v := range list {
		value, _ := v.(Object)
		if kept, ok := there[i].(Object); ok {
			set(kept, p.Sub.Name, value[p.Sub.Name])
		}
	}
	target[p.Attribute.Name] = there
}

func (p Path) leaveOut(o Object) {
	if p.Attribute == nil {
		delete(o, p.Extension)
		return
	}
	holder := p.holder(o)
	if p.Sub == nil {
		delete(holder, p.Attribute.Name)
		return
	}
	switch v := holder[p.Attribute.Name].(type) {
	case Object:
		delete(v, p.Sub.Name)
	case []any:
		for _, each := range v {
			if value, ok := each.(Object); ok {
				delete(value, p.Sub.Name)
			}
		}
	}
}

// Order is in which order resources are listed; the zero value is that in which they came.
type Order struct {
	path       Path
	descending bool
}

// ParseOrder reads the parameters sortBy and sortOrder. It fails with ErrPath and ErrValue.
func (t *ResourceType) ParseOrder(by, order string) (Order, error) {
	o := Order{descending: strings.EqualFold(order, "descending")}
	if order != "" && !o.descending && !strings.EqualFold(order, "ascending") {
		return Order{}, says(ErrValue, "sortOrder is ascending or descending.")
	}
	if by == "" {
		return Order{}, nil
	}
	var err error
	o.path, err = t.ParsePath(by)
	if err == nil && (o.path.Attribute == nil || o.path.Filter != nil || o.path.dropped() || o.path.Attribute.unsought || o.path.Attribute.Name == "members") {
		err = says(ErrPath, "Nothing is sorted by %.64q.", by)
	}
	return o, err
}

// Given reports whether an order was asked for.
func (o Order) Given() bool { return o.path.Attribute != nil }

// Sort sorts resources. Those without the attribute come last, and first when descending (RFC 7644, section 3.4.2.3).
func (o Order) Sort(resources []Object) {
	if !o.Given() {
		return
	}
	keys := make(map[string]string, len(resources))
	for _, r := range resources {
		keys[idOf(r)] = o.key(r)
	}
	slices.SortStableFunc(resources, func(a, b Object) int {
		compared := cmp.Compare(keys[idOf(a)], keys[idOf(b)])
		if o.descending {
			return -compared
		}
		return compared
	})
}

func idOf(resource Object) string {
	id, _ := resource["id"].(string)
	return id
}

// key is what a resource is sorted by: the primary value of several, or the first.
func (o Order) key(resource Object) string {
	const missing = "\U0010ffff"
	v := o.path.holder(resource)[o.path.Attribute.Name]
	if list, many := v.([]any); many && len(list) > 0 {
		chosen := list[0]
		if i := slices.IndexFunc(list, isPrimary); i >= 0 {
			chosen = list[i]
		}
		resource = Object{o.path.Attribute.Name: []any{chosen}}
		if o.path.Extension != "" {
			resource = Object{o.path.Extension: resource}
		}
	}
	values := o.path.values(resource)
	if len(values) == 0 {
		return missing
	}
	switch v := values[0].(type) {
	case string:
		return fold(o.path.leaf(), v)
	case bool:
		if v {
			return "1"
		}
		return "0"
	}
	return missing
}

func isPrimary(v any) bool {
	o, ok := v.(Object)
	return ok && o["primary"] == true
}
