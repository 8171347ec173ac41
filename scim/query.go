package scim

import (
	"strconv"
)

// How many resources are listed at once.
const (
	MaxResults     = 200
	DefaultResults = 100
	MaxScan        = 50_000 // resources that a filter without an index, or an order, is applied to
	scanBatch      = 1000
)

// By is what a Narrow compares.
type By string

// What resources are found by without looking at all of them.
const (
	ByNothing    By = ""
	ByID         By = "id"
	ByExternalID By = "externalId"
	ByName       By = "name"   // userName or displayName, folded
	ByMember     By = "member" // groups with this person in them
)

// Narrow picks those resources that have one value.
type Narrow struct {
	By   By
	Text string
}

// Query is what is asked of a list (RFC 7644, section 3.4.2).
type Query struct {
	Filter Expression // nil for everything
	Order  Order
	Choice Choice
	Start  int // from 1
	Count  int // 0 to MaxResults
	narrow Narrow
}

// ParseQuery reads the parameters of a list, which get returns, empty for one that is not given.
func (t *ResourceType) ParseQuery(get func(name string) string) (Query, error) {
	var q Query
	var err error
	if q.Choice, err = t.ParseChoice(get("attributes"), get("excludedAttributes")); err != nil {
		return Query{}, err
	}
	if q.Order, err = t.ParseOrder(get("sortBy"), get("sortOrder")); err != nil {
		return Query{}, err
	}
	if q.Start, err = number(get, "startIndex", 1); err != nil {
		return Query{}, err
	}
	if q.Count, err = number(get, "count", DefaultResults); err != nil {
		return Query{}, err
	}
	q.Start, q.Count = max(q.Start, 1), min(max(q.Count, 0), MaxResults)
	if text := get("filter"); text != "" {
		if q.Filter, err = t.ParseFilter(text); err != nil {
			return Query{}, err
		}
		q.narrow = narrowest(q.Filter)
		if times := mentions(q.Filter, "members"); times > 1 || times == 1 && q.narrow.By != ByMember {
			return Query{}, says(ErrFilter, `Groups are found by one member: members.value eq "…".`)
		}
	}
	return q, nil
}

func number(get func(string) string, name string, instead int) (int, error) {
	text := get(name)
	if text == "" {
		return instead, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, says(ErrValue, "%s must be a whole number.", name)
	}
	return n, nil
}

// narrowest is what a filter demands in any case, of all that the storage can look up; a member before all else.
func narrowest(e Expression) Narrow {
	switch e := e.(type) {
	case all:
		var found Narrow
		for _, part := range e {
			if n := narrowest(part); n.By == ByMember || found.By == ByNothing {
				found = n
			}
		}
		return found
	case some:
		inner, ok := e.fits.(comparison)
		if ok && inner.path.Attribute.Name == "value" {
			inner.path = Path{Attribute: e.path.Attribute, Sub: inner.path.Attribute}
			return inner.narrow()
		}
	case comparison:
		return e.narrow()
	}
	return Narrow{}
}

func (c comparison) narrow() Narrow {
	if c.operator != "eq" || c.null || c.path.Extension != "" {
		return Narrow{}
	}
	whole := c.path.Sub == nil || c.path.Sub.Name == "value"
	switch name := c.path.Attribute.Name; {
	case name == "id":
		return Narrow{ByID, c.text}
	case name == "externalId":
		return Narrow{ByExternalID, c.text}
	case name == "userName" || name == "displayName" && c.path.Attribute.Uniqueness == "server":
		return Narrow{ByName, c.text}
	case name == "members" && whole:
		return Narrow{ByMember, c.text}
	}
	return Narrow{}
}

// mentions counts how often a filter names an attribute of the resource.
func mentions(e Expression, name string) int {
	count := 0
	named := func(p Path) {
		if p.Extension == "" && p.Attribute.Name == name {
			count++
		}
	}
	var walk func(Expression)
	walk = func(e Expression) {
		switch e := e.(type) {
		case either:
			for _, part := range e {
				walk(part)
			}
		case all:
			for _, part := range e {
				walk(part)
			}
		case not:
			walk(e.of)
		case present:
			named(e.path)
		case some:
			named(e.path)
		case comparison:
			named(e.path)
		}
	}
	walk(e)
	return count
}
