package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"konklave/auth/settings"
)

// entry is one setting as a source gave it.
type entry struct {
	key   string
	text  string
	where string // "konklave.yaml:3", "KONKLAVE_LISTEN", "--listen"
}

// keyIdentity is the group that package settings reads, and keyProviders what is in it: a list, and in the file alone.
const (
	keyIdentity  = "identity"
	keyProviders = keyIdentity + ".providers"
)

// contents is what a file says.
type contents struct {
	entries   []entry
	identity  settings.Identity
	providers string // where the identity providers stand; empty when nowhere
}

// parseFile reads a YAML file. Unknown and duplicate keys, aliases, nulls and wrong shapes are mistakes.
func parseFile(name string, data []byte) (contents, []error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return contents{}, nil
	} else if err != nil {
		return contents{}, []error{fmt.Errorf("%s is not valid YAML: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))}
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return contents{}, []error{fmt.Errorf("%s must hold one YAML document only", name)}
	}
	r := fileReader{name: name, known: map[string]bool{}, groups: map[string]bool{}}
	for _, s := range Settings() {
		r.known[s.Key] = true
		if group, _, ok := strings.Cut(s.Key, "."); ok {
			r.groups[group] = true
		}
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return contents{}, nil
	}
	r.mapping("", root)
	return r.contents, r.mistakes
}

type fileReader struct {
	name     string
	known    map[string]bool
	groups   map[string]bool
	contents contents
	mistakes []error
}

func (r *fileReader) mistake(n *yaml.Node, format string, args ...any) {
	r.mistakes = append(r.mistakes, fmt.Errorf("%s:%d: %s", r.name, n.Line, fmt.Sprintf(format, args...)))
}

// mapping reads the keys of one level; prefix is empty or ends with a dot.
func (r *fileReader) mapping(prefix string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		r.mistake(n, "%s must hold keys and values", strings.TrimSuffix("the file."+prefix, "."))
		return
	}
	seen := map[string]int{}
	for i := 0; i < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		key := prefix + k.Value
		if first, dup := seen[k.Value]; dup {
			r.mistake(k, "%s is set twice, first in line %d", key, first)
			continue
		}
		seen[k.Value] = k.Line
		switch {
		case prefix == "" && k.Value == keyIdentity:
			r.identity(v)
		case prefix == "" && r.groups[k.Value]:
			r.mapping(key+".", v)
		case r.known[key] && !(prefix == "" && strings.Contains(k.Value, ".")):
			r.scalar(key, v)
		default:
			r.mistake(k, "%s is not a setting; `konklave config example` lists all", key)
		}
	}
}

func (r *fileReader) identity(n *yaml.Node) {
	read, err := settings.Read(r.name, n)
	if err != nil {
		r.mistakes = append(r.mistakes, err)
		return
	}
	r.contents.identity, r.contents.providers = read, fmt.Sprintf("%s:%d", r.name, n.Line)
}

// scalar reads the value of one key: a scalar, or a list of scalars.
func (r *fileReader) scalar(key string, n *yaml.Node) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag != "!!null":
		r.contents.entries = append(r.contents.entries, entry{key, n.Value, fmt.Sprintf("%s:%d", r.name, n.Line)})
	case n.Kind == yaml.ScalarNode:
		r.mistake(n, "%s has no value", key)
	case n.Kind == yaml.SequenceNode:
		parts := make([]string, 0, len(n.Content))
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode || strings.Contains(item.Value, ",") {
				r.mistake(item, "%s must be a list of plain values", key)
				return
			}
			parts = append(parts, item.Value)
		}
		r.contents.entries = append(r.contents.entries, entry{key, strings.Join(parts, ","), fmt.Sprintf("%s:%d", r.name, n.Line)})
	case n.Kind == yaml.AliasNode:
		r.mistake(n, "%s uses a YAML alias; write the value itself", key)
	default:
		r.mistake(n, "%s must be a plain value", key)
	}
}
