package scim

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
)

// Limits of a filter.
const (
	MaxFilterBytes = 4096
	MaxFilterDepth = 16 // parentheses and brackets within each other
	MaxFilterTerms = 64 // comparisons
)

// Expression is a filter, or a part of one (RFC 7644, section 3.4.2.2).
type Expression interface {
	// Fits reports whether the resource, or the value within brackets, is one that is looked for.
	Fits(o Object) bool
}

// ParseFilter reads a filter. It fails with ErrFilter.
func (t *ResourceType) ParseFilter(text string) (Expression, error) {
	if len(text) > MaxFilterBytes {
		return nil, says(ErrFilter, "A filter may have at most %d bytes.", MaxFilterBytes)
	}
	p := &parser{tokens: lex(text), resource: t}
	e, err := p.or()
	switch {
	case err != nil:
		return nil, err
	case !p.done():
		return nil, p.wrong()
	}
	return e, nil
}

// parser reads the tokens of a filter or a path. Within brackets names are those of the sub-attributes.
type parser struct {
	tokens   []string
	resource *ResourceType
	within   *Attribute
	depth    int
	terms    int
}

// lex takes a text apart: parentheses, brackets, texts in quotation marks with their marks, and words. A text without an end is
// a token of its own, which nothing accepts.
func lex(text string) []string {
	var tokens []string
	for text = strings.TrimLeft(text, " "); text != ""; text = strings.TrimLeft(text, " ") {
		length := 0
		switch text[0] {
		case '(', ')', '[', ']':
			length = 1
		case '"':
			length = quoted(text)
		default:
			if length = strings.IndexAny(text, ` ()[]"`); length < 0 {
				length = len(text)
			}
		}
		tokens, text = append(tokens, text[:length]), text[length:]
	}
	return tokens
}

// quoted is the length of the JSON string that the text begins with.
func quoted(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

func (p *parser) done() bool { return len(p.tokens) == 0 }

// word takes the next token when it is a word, else nothing.
func (p *parser) word() string {
	if p.done() || strings.ContainsAny(p.tokens[0][:1], `()[]"`) {
		return ""
	}
	word := p.tokens[0]
	p.tokens = p.tokens[1:]
	return word
}

// take takes the next token when it is that one; words are compared without their case.
func (p *parser) take(token string) bool {
	if p.done() || !strings.EqualFold(p.tokens[0], token) {
		return false
	}
	p.tokens = p.tokens[1:]
	return true
}

func (p *parser) wrong() error {
	if p.done() {
		return says(ErrFilter, "The filter ends too early.")
	}
	return says(ErrFilter, "The filter is not understood at %.64q.", p.tokens[0])
}

func (p *parser) or() (Expression, error) {
	return p.chain("or", p.and, func(e []Expression) Expression { return either(e) })
}
func (p *parser) and() (Expression, error) {
	return p.chain("and", p.term, func(e []Expression) Expression { return all(e) })
}

func (p *parser) chain(word string, next func() (Expression, error), join func([]Expression) Expression) (Expression, error) {
	first, err := next()
	if err != nil {
		return nil, err
	}
	parts := []Expression{first}
	for p.take(word) {
		part, err := next()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	if len(parts) == 1 {
		return first, nil
	}
	return join(parts), nil
}

// deeper reads up to the closing token, one deeper.
func (p *parser) deeper(closing string) (Expression, error) {
	if p.depth++; p.depth > MaxFilterDepth {
		return nil, says(ErrFilter, "A filter may be nested at most %d deep.", MaxFilterDepth)
	}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if !p.take(closing) {
		return nil, p.wrong()
	}
	p.depth--
	return e, nil
}

// inside reads what stands in brackets behind an attribute.
func (p *parser) inside(a *Attribute) (Expression, error) {
	if p.within != nil {
		return nil, says(ErrFilter, "There are brackets within brackets.")
	}
	p.within = a
	defer func() { p.within = nil }()
	return p.deeper("]")
}

func (p *parser) term() (Expression, error) {
	if len(p.tokens) > 1 && p.tokens[1] == "(" && p.take("not") {
		p.take("(")
		e, err := p.deeper(")")
		return not{e}, err
	}
	if p.take("(") {
		return p.deeper(")")
	}
	if p.terms++; p.terms > MaxFilterTerms {
		return nil, says(ErrFilter, "A filter may have at most %d comparisons.", MaxFilterTerms)
	}
	name := p.word()
	path, ok := p.attribute(name)
	if !ok {
		return nil, says(ErrFilter, "There is no attribute %.64q to filter by.", name)
	}
	if p.take("[") {
		if !path.Attribute.Multi || path.Attribute.Type != typeComplex || path.Sub != nil {
			return nil, says(ErrFilter, "There are no brackets behind %.64q.", name)
		}
		e, err := p.inside(path.Attribute)
		return some{path, e}, err
	}
	return p.comparison(path)
}

// attribute finds what a name stands for where it stands.
func (p *parser) attribute(name string) (Path, bool) {
	if p.within != nil {
		a := find(p.within.Sub, name)
		return Path{Attribute: a}, a != nil && !a.dropped
	}
	path, ok := p.resource.reference(name)
	return path, ok && path.Attribute != nil && !path.dropped() && !path.Attribute.unsought
}

var operators = []string{"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"}

func (p *parser) comparison(path Path) (Expression, error) {
	if p.take("pr") {
		return present{path}, nil
	}
	operator := strings.ToLower(p.word())
	if !slices.Contains(operators, operator) {
		return nil, says(ErrFilter, "There is no operator %.16q.", operator)
	}
	if p.done() {
		return nil, p.wrong()
	}
	literal := p.tokens[0]
	p.tokens = p.tokens[1:]
	return compare(path, operator, literal)
}

// literalOf reads a JSON text, true, false or null.
func literalOf(token string) (value any, ok bool) {
	switch token {
	case "true", "True":
		return true, true
	case "false", "False":
		return false, true
	case "null":
		return nil, true
	}
	var text string
	if token[0] != '"' || !utf8.ValidString(token) || json.Unmarshal([]byte(token), &text) != nil {
		return nil, false
	}
	return text, true
}
