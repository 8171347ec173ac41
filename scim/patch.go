package scim

import (
	"reflect"
	"slices"
	"strings"
)

// SchemaPatch is the schema of a change.
const SchemaPatch = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// MaxOperations is how many operations one change may have.
const MaxOperations = 500

// Operation is one step of a change (RFC 7644, section 3.5.2).
type Operation struct {
	Op       string // add, remove or replace
	Path     Path
	HasPath  bool
	Value    any // as it came
	hasValue bool
}

// ParsePatch reads the body of a PATCH.
func (t *ResourceType) ParsePatch(data []byte) ([]Operation, error) {
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
	if len(urns) != 1 || !strings.EqualFold(urns[0], SchemaPatch) {
		return nil, says(ErrSyntax, "schemas must be %s.", SchemaPatch)
	}
	var steps []Operation
	for name, value := range given {
		switch {
		case strings.EqualFold(name, "Operations"):
			if steps, err = t.operations(value); err != nil {
				return nil, err
			}
		case !strings.EqualFold(name, "schemas"):
			return nil, says(ErrSyntax, "A change has no member %.64q.", name)
		}
	}
	if len(steps) == 0 {
		return nil, says(ErrSyntax, "A change needs Operations.")
	}
	return steps, nil
}

func (t *ResourceType) operations(v any) ([]Operation, error) {
	list, ok := v.([]any)
	switch {
	case !ok:
		return nil, says(ErrSyntax, "Operations must be an array.")
	case len(list) > MaxOperations:
		return nil, says(ErrTooMany, "A change may have at most %d operations.", MaxOperations)
	}
	var steps []Operation
	for _, each := range list {
		step, err := t.operation(each)
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, nil
}

func (t *ResourceType) operation(v any) (Operation, error) {
	given, err := fields(v)
	if err != nil {
		return Operation{}, err
	}
	var o Operation
	for name, value := range given {
		switch strings.ToLower(name) {
		case "op":
			text, _ := value.(string)
			o.Op = strings.ToLower(text)
		case "path":
			text, ok := value.(string)
			if !ok {
				return Operation{}, says(ErrPath, "A path must be a text.")
			}
			if o.Path, err = t.ParsePath(text); err != nil {
				return Operation{}, err
			}
			o.HasPath = true
		case "value":
			o.Value, o.hasValue = value, true
		default:
			return Operation{}, says(ErrSyntax, "An operation has no member %.64q.", name)
		}
	}
	switch {
	case !slices.Contains([]string{"add", "remove", "replace"}, o.Op):
		return Operation{}, says(ErrSyntax, "An operation is add, remove or replace.")
	case o.Op == "remove" && !o.HasPath:
		return Operation{}, says(ErrNoTarget, "remove needs a path.")
	case o.Op != "remove" && !o.hasValue:
		return Operation{}, says(ErrValue, "%s needs a value.", o.Op)
	}
	return o, nil
}

// Patch applies the steps to a copy of the resource, which is returned. All of them succeed, or nothing changes.
func (t *ResourceType) Patch(resource Object, steps []Operation) (Object, error) {
	changed := clone(resource).(Object) //nolint:errcheck,forcetypeassert // a copy is of the same type
	for _, o := range steps {
		if err := t.apply(changed, o); err != nil {
			return nil, err
		}
	}
	return changed, nil
}

func (t *ResourceType) apply(resource Object, o Operation) error {
	if o.HasPath {
		return o.at(resource, t)
	}
	given, err := fields(o.Value)
	if err != nil {
		return err
	}
	for name, value := range given { // a name may be a whole path, as Microsoft Entra ID sends them
		if strings.EqualFold(name, "schemas") {
			continue
		}
		path, err := t.ParsePath(name)
		if err != nil {
			return err
		}
		if path.Attribute != nil && path.Attribute.Mutability == readOnly {
			continue
		}
		if err := (Operation{Op: o.Op, Path: path, HasPath: true, Value: value}).at(resource, t); err != nil {
			return err
		}
	}
	return nil
}

// at applies an operation where its path leads.
func (o Operation) at(resource Object, t *ResourceType) error {
	p := o.Path
	switch {
	case p.dropped():
		return nil
	case p.Attribute == nil:
		return o.atExtension(resource, t)
	case p.Attribute.Mutability == readOnly || p.Sub != nil && p.Sub.Mutability == readOnly:
		return says(ErrMutability, "%s cannot be set.", p.Attribute.Name)
	}
	holder := p.holder(resource)
	if holder == nil {
		if o.Op == "remove" {
			return nil
		}
		holder = Object{}
	}
	var err error
	switch {
	case p.Attribute.Multi:
		err = o.atMany(holder)
	case p.Sub != nil:
		err = o.atSub(holder)
	default:
		err = o.atOne(holder)
	}
	if err == nil && p.Extension != "" {
		set(resource, p.Extension, holder)
	}
	return err
}

// atExtension adds to, replaces or removes a whole extension.
func (o Operation) atExtension(resource Object, t *ResourceType) error {
	if o.Op == "remove" {
		delete(resource, o.Path.Extension)
		return nil
	}
	value, err := t.schema(o.Path.Extension).parse(o.Value)
	if err != nil {
		return err
	}
	merge(resource, o.Path.Extension, value)
	return nil
}

// merge sets the parts that a complex value has and leaves the others.
func merge(holder Object, name string, value any) {
	given, _ := value.(Object)
	there, _ := holder[name].(Object)
	if there == nil {
		there = Object{}
	}
	for part, v := range given {
		there[part] = v
	}
	set(holder, name, there)
}

func (o Operation) atOne(holder Object) error {
	a := o.Path.Attribute
	if o.Op == "remove" {
		delete(holder, a.Name)
		return nil
	}
	value, err := a.parse(o.Value)
	if err != nil {
		return err
	}
	if a.Type == typeComplex && value != nil {
		merge(holder, a.Name, value)
		return nil
	}
	set(holder, a.Name, value)
	return nil
}

func (o Operation) atSub(holder Object) error {
	a := o.Path.Attribute
	there, _ := holder[a.Name].(Object)
	if there == nil {
		there = Object{}
	}
	var value any
	if o.Op != "remove" {
		var err error
		if value, err = o.Path.Sub.parse(o.Value); err != nil {
			return err
		}
	}
	set(there, o.Path.Sub.Name, value)
	set(holder, a.Name, there)
	return nil
}

// atMany changes values of a multi-valued attribute.
func (o Operation) atMany(holder Object) error {
	a := o.Path.Attribute
	there, _ := holder[a.Name].([]any)
	if o.Path.Filter != nil || o.Path.Sub != nil {
		kept, err := o.atSome(there)
		set(holder, a.Name, kept)
		return err
	}
	value, err := a.parse(o.Value)
	if err != nil {
		return err
	}
	given, _ := value.([]any)
	switch {
	case o.Op == "replace":
		there = onlyPrimary(nil, given)
	case o.Op == "add":
		there = onlyPrimary(there, given)
	case o.Value == nil: // remove all
		there = nil
	default: // remove those, as Microsoft Entra ID asks for it
		unwanted := index(given)
		there = slices.DeleteFunc(there, func(v any) bool { return has(unwanted[valueOf(v)], v) })
	}
	set(holder, a.Name, there)
	return nil
}

// onlyPrimary adds values that are not there yet. When one of them is the primary one, no other is any more.
func onlyPrimary(there, given []any) []any {
	known := index(there)
	for _, v := range given {
		key := valueOf(v)
		if has(known[key], v) {
			continue
		}
		known[key] = append(known[key], v)
		if o, ok := v.(Object); ok && o["primary"] == true {
			for _, other := range there {
				if o, ok := other.(Object); ok {
					delete(o, "primary")
				}
			}
		}
		there = append(there, v)
	}
	return there
}

// index has values by the text that they are found by.
func index(list []any) map[string][]any {
	found := map[string][]any{}
	for _, v := range list {
		found[valueOf(v)] = append(found[valueOf(v)], v)
	}
	return found
}

// valueOf is the text by which a value is found again.
func valueOf(v any) string {
	if o, ok := v.(Object); ok {
		v = o["value"]
	}
	text, _ := v.(string)
	return text
}

// has reports whether a value is among others: the same "value", and as far as they have one the same type.
func has(list []any, v any) bool {
	return slices.ContainsFunc(list, func(other any) bool {
		a, isObject := v.(Object)
		b, isToo := other.(Object)
		if !isObject || !isToo {
			return reflect.DeepEqual(v, other)
		}
		return a["value"] == b["value"] && (a["type"] == nil || b["type"] == nil || a["type"] == b["type"]) && (a["primary"] == b["primary"] || b["primary"] == nil)
	})
}

// atSome changes the values that the filter fits, or a part of them.
func (o Operation) atSome(there []any) ([]any, error) {
	fits := func(v any) bool {
		value, ok := v.(Object)
		return ok && (o.Path.Filter == nil || o.Path.Filter.Fits(value))
	}
	found := slices.ContainsFunc(there, fits)
	if o.Op == "remove" && o.Path.Sub == nil {
		return slices.DeleteFunc(there, fits), nil
	}
	if !found {
		made, ok := o.made()
		switch {
		case o.Op == "remove":
			return there, nil
		case !ok:
			return there, says(ErrNoTarget, "No value of %s fits the filter of the path.", o.Path.Attribute.Name)
		}
		there = append(there, made)
	}
	for i, v := range there {
		if found && !fits(v) || !found && i < len(there)-1 {
			continue
		}
		if err := o.atValue(v.(Object)); err != nil { //nolint:errcheck,forcetypeassert // fits has seen that it is one
			return there, err
		}
	}
	return there, nil
}

// made is a new value of which the filter is true, when that is a plain one such as type eq "work": clients set an attribute of
// a value that is not there yet in this way.
func (o Operation) made() (Object, bool) {
	c, ok := o.Path.Filter.(comparison)
	if !ok || c.operator != "eq" || c.null || o.Path.Sub == nil && o.Op == "remove" {
		return nil, false
	}
	if c.path.Attribute.Type == typeBoolean {
		return Object{c.path.Attribute.Name: c.truth}, true
	}
	return Object{c.path.Attribute.Name: c.text}, true
}

func (o Operation) atValue(value Object) error {
	if o.Path.Sub != nil {
		var v any
		if o.Op != "remove" {
			var err error
			if v, err = o.Path.Sub.parse(o.Value); err != nil {
				return err
			}
		}
		set(value, o.Path.Sub.Name, v)
		return nil
	}
	v, err := o.Path.Attribute.parseOne(o.Value)
	if err != nil {
		return err
	}
	given, _ := v.(Object)
	if o.Op == "replace" {
		clear(value)
	}
	for name, part := range given {
		value[name] = part
	}
	return nil
}
