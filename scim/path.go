package scim

import "strings"

// Path names an attribute of a resource, a part of it, or some of its values (RFC 7644, section 3.5.2).
type Path struct {
	Extension string     // the URN of the extension that the attribute is of; empty for the resource's own
	Attribute *Attribute // nil for the whole extension
	Filter    Expression // of the values that are meant; nil for all
	Sub       *Attribute // nil for the whole value
}

// MaxPathBytes is how long a path may be.
const MaxPathBytes = 1024

// ParsePath reads a path. It fails with ErrPath, or with ErrFilter for what stands in brackets.
func (t *ResourceType) ParsePath(text string) (Path, error) {
	wrong := says(ErrPath, "The path %.128q is not understood.", text)
	if len(text) > MaxPathBytes || strings.TrimSpace(text) == "" {
		return Path{}, wrong
	}
	p := &parser{tokens: lex(text), resource: t}
	path, ok := t.reference(p.word())
	if !ok {
		return Path{}, wrong
	}
	if path.dropped() {
		return path, nil // whatever is meant within it
	}
	if p.take("[") {
		if path.Attribute == nil || !path.Attribute.Multi || path.Attribute.Type != typeComplex || path.Sub != nil {
			return Path{}, wrong
		}
		var err error
		if path.Filter, err = p.inside(path.Attribute); err != nil {
			return Path{}, err
		}
		if rest := p.word(); rest != "" {
			if !strings.HasPrefix(rest, ".") {
				return Path{}, wrong
			}
			if path.Sub = find(path.Attribute.Sub, rest[1:]); path.Sub == nil {
				return Path{}, wrong
			}
		}
	}
	if !p.done() {
		return Path{}, wrong
	}
	return path, nil
}

// reference reads the name of an attribute, with or without the URN of its schema and a sub-attribute.
func (t *ResourceType) reference(text string) (Path, bool) {
	attributes, extension := t.Core.Attributes, ""
	if s, rest, ok := t.cutURN(text); ok {
		if s.ID != t.Core.ID {
			attributes, extension = s.Attributes, s.ID
		}
		if rest == "" {
			return Path{Extension: extension}, extension != ""
		}
		text = rest
	}
	name, sub, dotted := strings.Cut(text, ".")
	path := Path{Extension: extension, Attribute: find(attributes, name)}
	if path.Attribute == nil {
		return Path{}, false
	}
	if dotted {
		if path.Attribute.dropped {
			return path, true
		}
		path.Sub = find(path.Attribute.Sub, sub)
		return path, path.Sub != nil
	}
	return path, true
}

// cutURN takes the URN of a schema off the start.
func (t *ResourceType) cutURN(text string) (s *Schema, rest string, ok bool) {
	for _, urn := range t.urns() {
		if len(text) < len(urn) || !strings.EqualFold(text[:len(urn)], urn) {
			continue
		}
		switch rest := text[len(urn):]; {
		case rest == "":
			return t.schema(urn), "", true
		case rest[0] == ':':
			return t.schema(urn), rest[1:], len(rest) > 1
		}
	}
	return nil, "", false
}

func (t *ResourceType) urns() []string {
	all := []string{t.Core.ID}
	for _, s := range t.Extensions {
		all = append(all, s.ID)
	}
	return all
}

// dropped reports whether nothing that the path names is kept here.
func (p Path) dropped() bool {
	return p.Attribute != nil && p.Attribute.dropped || p.Sub != nil && p.Sub.dropped
}

// holder is the object that has the path's attribute; nil when there is none.
func (p Path) holder(resource Object) Object {
	if p.Extension == "" {
		return resource
	}
	extension, _ := resource[p.Extension].(Object)
	return extension
}

// values are those that the path names, without its filter: of a multi-valued complex attribute each value, or each one's
// sub-attribute.
func (p Path) values(resource Object) []any {
	v, there := p.holder(resource)[p.Attribute.Name]
	if !there {
		return nil
	}
	list, many := v.([]any)
	if !many {
		list = []any{v}
	}
	sub := p.Sub
	if sub == nil && many {
		sub = p.Attribute.value()
	}
	if sub == nil {
		return list
	}
	var found []any
	for _, each := range list {
		if o, ok := each.(Object); ok && o[sub.Name] != nil {
			found = append(found, o[sub.Name])
		}
	}
	return found
}

// leaf is the attribute whose values values returns.
func (p Path) leaf() *Attribute {
	switch {
	case p.Sub != nil:
		return p.Sub
	case p.Attribute.Multi && p.Attribute.value() != nil:
		return p.Attribute.value()
	}
	return p.Attribute
}
