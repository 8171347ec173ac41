package saml

import (
	"bytes"
	"crypto/subtle"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/beevik/etree"

	"konklave/auth"
)

// The namespaces.
const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
	nsEncrypt   = "http://www.w3.org/2001/04/xmlenc#"
	nsEncrypt11 = "http://www.w3.org/2009/xmlenc11#"
)

// rules are what a document may hold.
type rules struct {
	bytes, elements int
	comments        bool
}

// parse reads a message. It refuses document types (and so entities), comments, processing instructions, attributes that
// stand twice, and what is over the limits, before a tree is made.
func parse(text []byte) (*etree.Element, error) {
	return read(text, rules{bytes: MaxMessageBytes, elements: MaxElements})
}

// parseMetadata is parse for metadata, which may be long and have comments.
func parseMetadata(text []byte) (*etree.Element, error) {
	return read(text, rules{bytes: MetadataBytes, elements: MetadataBytes, comments: true})
}

func read(text []byte, r rules) (*etree.Element, error) {
	if len(text) > r.bytes {
		return nil, auth.ReasonTooLarge
	}
	if err := r.inspect(text); err != nil {
		return nil, err
	}
	document := etree.NewDocument()
	if err := document.ReadFromBytes(text); err != nil || document.Root() == nil {
		return nil, auth.ReasonMalformed
	}
	return document.Root(), nil
}

// inspect looks at every token of a message.
func (r rules) inspect(text []byte) error {
	decoder := xml.NewDecoder(bytes.NewReader(text))
	depth, elements, roots := 0, 0, 0
	for {
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return auth.ReasonMalformed
		}
		switch t := token.(type) {
		case xml.Directive:
			return auth.ReasonMalformed
		case xml.Comment:
			if !r.comments {
				return auth.ReasonMalformed
			}
		case xml.ProcInst:
			if t.Target != "xml" || decoder.InputOffset() > int64(len(t.Inst)+len("<?xml ?>")+len("\ufeff")) {
				return auth.ReasonMalformed
			}
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			depth++
			elements++
			if depth > MaxDepth || elements > r.elements {
				return auth.ReasonTooLarge
			}
			seen := map[xml.Name]bool{}
			for _, a := range t.Attr {
				if seen[a.Name] {
					return auth.ReasonMalformed
				}
				seen[a.Name] = true
			}
		case xml.EndElement:
			depth--
		}
	}
	if depth != 0 || roots != 1 {
		return auth.ReasonMalformed
	}
	return nil
}

// decodePost reads a message as HTTP-POST carries it.
func decodePost(text string) (*etree.Element, error) {
	if len(text) > base64.StdEncoding.EncodedLen(MaxMessageBytes)*2 { // line ends are allowed
		return nil, auth.ReasonTooLarge
	}
	raw, err := decodeBase64(text)
	if err != nil {
		return nil, auth.ReasonMalformed
	}
	return parse(raw)
}

func decodeBase64(text string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
}

func is(el *etree.Element, namespace, tag string) bool {
	return el != nil && el.Tag == tag && el.NamespaceURI() == namespace
}

// children are the direct children of that name; nothing has none.
func children(el *etree.Element, namespace, tag string) []*etree.Element {
	if el == nil {
		return nil
	}
	var found []*etree.Element
	for _, c := range el.ChildElements() {
		if is(c, namespace, tag) {
			found = append(found, c)
		}
	}
	return found
}

// child is the one direct child of that name, or nil when there is none or several.
func child(el *etree.Element, namespace, tag string) *etree.Element {
	if found := children(el, namespace, tag); len(found) == 1 {
		return found[0]
	}
	return nil
}

// text is all character data of an element that holds nothing else, without the spaces around; ok is false when it holds
// more, so that no part of a text can be taken for the whole.
func text(el *etree.Element) (value string, ok bool) {
	if el == nil {
		return "", false
	}
	var all strings.Builder
	for _, c := range el.Child {
		data, ok := c.(*etree.CharData)
		if !ok {
			return "", false
		}
		all.WriteString(data.Data)
	}
	return strings.TrimSpace(all.String()), true
}

// moment reads an attribute that is a time; ok is false when it is there and none.
func moment(el *etree.Element, name string) (at time.Time, there, ok bool) {
	a := el.SelectAttr(name)
	if a == nil {
		return time.Time{}, false, true
	}
	at, err := time.Parse(time.RFC3339Nano, a.Value)
	return at.UTC(), true, err == nil && strings.HasSuffix(a.Value, "Z")
}

// equal compares secrets; nothing equals the empty one.
func equal(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
