package scim

import (
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

type (
	either []Expression
	all    []Expression
	not    struct{ of Expression }
	// present is "pr".
	present struct{ path Path }
	// some is an attribute with brackets: one of its values fits.
	some struct {
		path Path
		fits Expression
	}
	// comparison of the values of an attribute with one value; it fits when one of them does.
	comparison struct {
		path     Path
		operator string
		text     string
		moment   time.Time
		truth    bool
		null     bool
	}
)

// Fits implements Expression.
func (e either) Fits(o Object) bool {
	return slices.ContainsFunc(e, func(part Expression) bool { return part.Fits(o) })
}

// Fits implements Expression.
func (a all) Fits(o Object) bool {
	return !slices.ContainsFunc(a, func(part Expression) bool { return !part.Fits(o) })
}

// Fits implements Expression.
func (n not) Fits(o Object) bool { return !n.of.Fits(o) }

// Fits implements Expression.
func (p present) Fits(o Object) bool {
	if len(p.path.Attribute.Sub) > 0 && p.path.Sub == nil {
		return p.path.holder(o)[p.path.Attribute.Name] != nil
	}
	return slices.ContainsFunc(p.path.values(o), func(v any) bool { return v != "" })
}

// Fits implements Expression.
func (s some) Fits(o Object) bool {
	list, _ := s.path.holder(o)[s.path.Attribute.Name].([]any)
	return slices.ContainsFunc(list, func(v any) bool {
		value, ok := v.(Object)
		return ok && s.fits.Fits(value)
	})
}

// compare makes a comparison, when the operator and the literal are ones for the attribute.
func compare(path Path, operator, literal string) (Expression, error) {
	value, ok := literalOf(literal)
	a := path.leaf()
	wrong := says(ErrFilter, "%.64q cannot be compared with %.64s by %q.", a.Name, literal, operator)
	if !ok {
		return nil, says(ErrFilter, "%.64q is no value: a text stands in quotation marks.", literal)
	}
	c := comparison{path: path, operator: operator}
	switch value := value.(type) {
	case nil:
		c.null = true
		if operator != "eq" && operator != "ne" {
			return nil, wrong
		}
	case bool:
		c.truth = value
		if a.Type != typeBoolean || operator != "eq" && operator != "ne" {
			return nil, wrong
		}
	case string:
		var err error
		if c.moment, err = time.Parse(time.RFC3339, value); a.Type == typeDateTime && err != nil {
			return nil, wrong
		}
		c.text = fold(a, value)
		if a.Type == typeBoolean || a.Type == typeComplex {
			return nil, wrong
		}
	}
	return c, nil
}

// Fits implements Expression. "ne" is the opposite of "eq": no value is that one.
func (c comparison) Fits(o Object) bool {
	operator, opposite := c.operator, c.operator == "ne"
	if opposite {
		operator = "eq"
	}
	if c.null {
		return present{c.path}.Fits(o) == opposite
	}
	a := c.path.leaf()
	one := slices.ContainsFunc(c.path.values(o), func(v any) bool {
		switch v := v.(type) {
		case bool:
			return v == c.truth
		case string:
			if a.Type == typeDateTime {
				at, err := time.Parse(time.RFC3339, v)
				return err == nil && ordered(operator, at.Compare(c.moment))
			}
			return c.fitsText(operator, fold(a, v))
		}
		return false
	})
	return one != opposite
}

func (c comparison) fitsText(operator, text string) bool {
	switch operator {
	case "co":
		return strings.Contains(text, c.text)
	case "sw":
		return strings.HasPrefix(text, c.text)
	case "ew":
		return strings.HasSuffix(text, c.text)
	}
	return ordered(operator, strings.Compare(text, c.text))
}

// ordered reports whether the operator is true of something that compares so.
func ordered(operator string, compared int) bool {
	switch operator {
	case "eq":
		return compared == 0
	case "gt":
		return compared > 0
	case "ge":
		return compared >= 0
	case "lt":
		return compared < 0
	case "le":
		return compared <= 0
	}
	return false
}

// fold is a text as it is compared.
func fold(a *Attribute, text string) string {
	if a.CaseExact {
		return text
	}
	return Fold(text)
}

// Fold is a text without its case, in Unicode normal form C: under it names are unique.
func Fold(text string) string { return strings.ToLower(norm.NFC.String(text)) }
