package scim

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Limits of what a request may hold. How long a body may be is up to who reads it.
const (
	MaxDepth     = 6    // of a body: the deepest that the schemas have is 4
	MaxText      = 1024 // bytes of one text
	MaxEmails    = 10   // of one person
	MaxMembers   = 20_000
	MaxPerChange = 2000 // members that one request adds and takes away
)

// Object is a resource, or a part of one, by the names of its attributes as the schemas write them. Values are string, bool,
// Object, or []any of these. What has no value is not there.
type Object = map[string]any

// decode reads one JSON value: no duplicate names, no invalid UTF-8, nothing behind it, not deeper than MaxDepth.
func decode(data []byte) (any, error) {
	if tooDeep(data) {
		return nil, says(ErrSyntax, "The body of the request is nested more than %d deep, or is not JSON.", MaxDepth)
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, says(ErrSyntax, "The body of the request is not valid JSON, has a name twice, or has something after the JSON value.").Because(err)
	}
	return v, nil
}

// tooDeep reads the tokens before anything is built of them.
func tooDeep(data []byte) bool {
	d := jsontext.NewDecoder(strings.NewReader(string(data)))
	for {
		if _, err := d.ReadToken(); err != nil {
			return false // the end, or what decode complains about
		}
		if d.StackDepth() > MaxDepth {
			return true
		}
	}
}

// fields are the members of a JSON object by their names, none of which differs from another in its case alone.
func fields(v any) (map[string]any, error) {
	given, ok := v.(map[string]any)
	if !ok {
		return nil, says(ErrSyntax, "An object is wanted where there is another value.")
	}
	seen := map[string]bool{}
	for name := range given {
		folded := strings.ToLower(name)
		if seen[folded] {
			return nil, says(ErrSyntax, "The name %.64q occurs twice.", folded)
		}
		seen[folded] = true
	}
	return given, nil
}

// Parse reads a resource as a client sends it. What the client cannot set (readOnly) and what is not kept is left out.
func (t *ResourceType) Parse(data []byte) (Object, error) {
	v, err := decode(data)
	if err != nil {
		return nil, err
	}
	given, err := fields(v)
	if err != nil {
		return nil, err
	}
	urns, err := texts(given, "schemas")
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(urns, func(urn string) bool { return strings.EqualFold(urn, t.Core.ID) }) {
		return nil, says(ErrSyntax, "schemas must name %s.", t.Core.ID)
	}
	for _, urn := range urns {
		if t.schema(urn) == nil {
			return nil, says(ErrSyntax, "There is no schema %.128q for this resource.", urn)
		}
	}
	resource := Object{}
	for name, value := range given {
		if s := t.schema(name); s != nil && s.ID != t.Core.ID {
			extension, err := s.parse(value)
			if err != nil {
				return nil, err
			}
			set(resource, s.ID, extension)
			delete(given, name)
		}
	}
	core, err := parseAll(t.Core.Attributes, given)
	for name, value := range core {
		resource[name] = value
	}
	return resource, err
}

// texts reads an array of texts.
func texts(given map[string]any, name string) ([]string, error) {
	var list []string
	for each, value := range given {
		if !strings.EqualFold(each, name) {
			continue
		}
		array, _ := value.([]any)
		for _, one := range array {
			text, ok := one.(string)
			if !ok {
				return nil, says(ErrSyntax, "%s must be an array of texts.", name)
			}
			list = append(list, text)
		}
	}
	return list, nil
}

func (s *Schema) parse(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	given, err := fields(v)
	if err != nil {
		return nil, err
	}
	return parseAll(s.Attributes, given)
}

// parseAll reads the attributes of an object.
func parseAll(attributes []Attribute, given map[string]any) (Object, error) {
	parsed := Object{}
	for name, value := range given {
		a := find(attributes, name)
		switch {
		case a == nil:
			return nil, says(ErrSyntax, "There is no attribute %.64q in the schemas of this resource.", name)
		case a.dropped || a.Mutability == readOnly:
			continue
		}
		v, err := a.parse(value)
		if err != nil {
			return nil, err
		}
		set(parsed, a.Name, v)
	}
	return parsed, nil
}

// set puts a value that is none away.
func set(o Object, name string, v any) {
	switch v := v.(type) {
	case nil:
		delete(o, name)
		return
	case Object:
		if len(v) == 0 {
			delete(o, name)
			return
		}
	case []any:
		if len(v) == 0 {
			delete(o, name)
			return
		}
	}
	o[name] = v
}

// parse reads the value of an attribute, which is nil when there is none.
func (a *Attribute) parse(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	if !a.Multi {
		return a.parseOne(v)
	}
	array, ok := v.([]any)
	if !ok {
		array = []any{v} // as some clients send a single value
	}
	values := []any{}
	for _, each := range array {
		value, err := a.parseOne(each)
		if err != nil {
			return nil, err
		}
		if value != nil {
			values = append(values, value)
		}
	}
	return values, nil
}

// parseOne reads one value. A complex attribute may be given by the value of its sub-attribute "value".
func (a *Attribute) parseOne(v any) (any, error) {
	switch a.Type {
	case typeComplex:
		if text, ok := v.(string); ok && a.value() != nil {
			return Object{"value": text}, checkText(a.Name, text)
		}
		if v == nil {
			return nil, nil
		}
		given, ok := v.(map[string]any)
		if !ok {
			return nil, says(ErrValue, "%s must be an object.", a.Name)
		}
		if _, err := fields(given); err != nil {
			return nil, err
		}
		return parseAll(a.Sub, given)
	case typeBoolean:
		return a.parseBoolean(v)
	case typeDateTime:
		text, _ := v.(string)
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			return nil, says(ErrValue, "%s must be a time as in RFC 3339.", a.Name)
		}
		return text, nil
	default:
		text, ok := v.(string)
		if !ok {
			return nil, says(ErrValue, "%s must be a text.", a.Name)
		}
		return text, checkText(a.Name, text)
	}
}

// parseBoolean takes the words True and False as well, which Microsoft Entra ID sends.
func (a *Attribute) parseBoolean(v any) (any, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case string:
		if strings.EqualFold(v, "true") || strings.EqualFold(v, "false") {
			return strings.EqualFold(v, "true"), nil
		}
	}
	return nil, says(ErrValue, "%s must be true or false.", a.Name)
}

func checkText(name, text string) error {
	if len(text) > MaxText {
		return says(ErrValue, "%s may have at most %d bytes.", name, MaxText)
	}
	return nil
}

// clone copies an object with all that is in it.
func clone(v any) any {
	switch v := v.(type) {
	case Object:
		copied := Object{}
		for name, value := range v {
			copied[name] = clone(value)
		}
		return copied
	case []any:
		copied := make([]any, len(v))
		for i, value := range v {
			copied[i] = clone(value)
		}
		return copied
	}
	return v
}
