package settings

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// reader collects values and mistakes. Aliases, nulls, unknown keys, keys that stand twice and values of another type
// are mistakes; a text has to be written as a text.
type reader struct {
	file     string
	mistakes []error
}

// fields maps the keys of a mapping to what reads their values.
type fields map[string]func(key string, n *yaml.Node)

func (r *reader) place(n *yaml.Node) string { return fmt.Sprintf("%s:%d", r.file, n.Line) }

func (r *reader) wrong(n *yaml.Node, format string, args ...any) {
	r.mistakes = append(r.mistakes, fmt.Errorf("%s: %s", r.place(n), fmt.Sprintf(format, args...)))
}

// mapping reads the keys of n and reports those that are not known.
func (r *reader) mapping(name string, n *yaml.Node, known fields) {
	if n.Kind != yaml.MappingNode {
		r.wrong(n, "%s must hold keys and values", name)
		return
	}
	seen := map[string]int{}
	for i := 0; i < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		read, ok := known[k.Value]
		first, twice := seen[k.Value]
		switch {
		case k.Kind != yaml.ScalarNode || k.Tag != "!!str" || !ok:
			r.wrong(k, "%q is not a setting of %s; these are: %s", k.Value, name, known)
			continue
		case twice:
			r.wrong(k, "%s is set twice, first in line %d", k.Value, first)
			continue
		}
		seen[k.Value] = k.Line
		read(k.Value, v)
	}
}

// String lists the keys, sorted.
func (f fields) String() string {
	keys := make([]string, 0, len(f))
	for k := range f {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return strings.Join(keys, ", ")
}

// items calls read for each item of a list.
func (r *reader) items(key string, n *yaml.Node, most int, read func(n *yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		r.wrong(n, "%s must be a list", key)
		return
	}
	if len(n.Content) > most {
		r.wrong(n, "%s has %d items, but may have %d at most", key, len(n.Content), most)
		return
	}
	for _, item := range n.Content {
		read(item)
	}
}

// scalar returns the text of a plain value of that YAML type.
func (r *reader) scalar(key string, n *yaml.Node, tag, kind string) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag != tag {
		r.wrong(n, "%s must be %s", key, kind)
		return "", false
	}
	return n.Value, true
}

// text reads a text without control characters and without spaces around it.
func (r *reader) text(to *string) func(string, *yaml.Node) {
	return func(key string, n *yaml.Node) {
		value, ok := r.scalar(key, n, "!!str", "a text")
		switch {
		case !ok:
			return
		case value == "" || len(value) > MaxTextBytes:
			r.wrong(n, "%s must have 1 to %d bytes", key, MaxTextBytes)
		case !utf8.ValidString(value) || strings.TrimSpace(value) != value || strings.ContainsFunc(value, unicode.IsControl):
			r.wrong(n, "%s must be one line without spaces around it", key)
		default:
			*to = value
		}
	}
}

// choice reads one of some texts.
func choice[T ~string](r *reader, to *T, choices ...T) func(string, *yaml.Node) {
	return func(key string, n *yaml.Node) {
		value, ok := r.scalar(key, n, "!!str", "a text")
		if ok && !slices.Contains(choices, T(value)) {
			r.wrong(n, "%s is %q, but must be one of %v", key, value, choices)
			return
		}
		*to = T(value)
	}
}

// texts reads a list of different texts.
func (r *reader) texts(to *[]string, most int) func(string, *yaml.Node) {
	return func(key string, n *yaml.Node) {
		r.items(key, n, most, func(item *yaml.Node) {
			var value string
			r.text(&value)(key, item)
			if slices.Contains(*to, value) {
				r.wrong(item, "%s has %q twice", key, value)
			}
			*to = append(*to, value)
		})
	}
}

// truth reads true or false.
func (r *reader) truth(to *bool) func(string, *yaml.Node) {
	return func(key string, n *yaml.Node) {
		if value, ok := r.scalar(key, n, "!!bool", "true or false"); ok {
			*to = value == "true"
		}
	}
}

// duration reads a time span such as 15m.
func (r *reader) duration(to *time.Duration, least, most time.Duration) func(string, *yaml.Node) {
	return func(key string, n *yaml.Node) {
		value, ok := r.scalar(key, n, "!!str", "a time such as 15m")
		if !ok {
			return
		}
		d, err := time.ParseDuration(value)
		if err != nil || d < least || d > most {
			r.wrong(n, "%s is %s, but must be a time from %v to %v", key, value, least, most)
			return
		}
		*to = d
	}
}
