// Package export is the form in which the audit log leaves the instance: text files with one JSON object on each line, which
// prove themselves to whoever has the public key of the log.
//
// A file is a segment: what precedes it (as the frontier of the tree), entries one after another, signed checkpoints between
// them where the log had that size, and an end. Several segments that follow each other lie in one directory.
package export

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit/checkpoint"
	"konklave/audit/leaf"
	"konklave/audit/seal"
	"konklave/audit/tree"
)

// Version is that of the files that are written now.
const Version = 1

// Limits of what is read.
const (
	LineMax        = 128 << 10 // bytes of a line with its end
	PartMax        = 16 << 10  // bytes of a sealed personal part
	EntriesMax     = 1 << 20   // entries of a segment
	CheckpointsMax = 1 << 16   // checkpoints of a segment
)

// Content says what a segment has of each entry.
type Content string

// The contents.
const (
	ContentSealed Content = "sealed" // everything, personal data as they are sealed
	ContentOpened Content = "opened" // everything, and personal data beside it in clear
	ContentHashes Content = "hashes" // the hash alone; for witnesses, and to compare with later
)

// Header begins a segment.
type Header struct {
	Origin  string
	Content Content
	Start   tree.Frontier // of what precedes the segment
}

// Entry is one leaf of the log and what belongs to it.
type Entry struct {
	Index    int64
	Hash     tlog.Hash     // as it is stored in the tree
	Leaf     []byte        // the text; nil in a segment of hashes, and when it was removed
	Body     []byte        // the text; nil when it was removed
	Personal [][]byte      // the sealed parts; one that was removed is empty, and without a body there are none
	Opened   []seal.Opened // as many, or nil
}

// Line is one line: exactly one of its fields is set.
type Line struct {
	Header     *Header
	Entry      *Entry // valid until the next line is read
	Checkpoint []byte // a signed note
	End        *int64 // how large the log is after the segment
}

type headerText struct {
	Type     string   `json:"type"`
	Version  int      `json:"v"`
	Origin   string   `json:"origin"`
	Content  Content  `json:"content"`
	Start    int64    `json:"start"`
	Frontier []string `json:"frontier"`
}

type entryText struct {
	Type     string         `json:"type"`
	Index    int64          `json:"index"`
	Hash     string         `json:"hash"`
	Leaf     jsontext.Value `json:"leaf,omitzero"`
	Body     jsontext.Value `json:"body,omitzero"`
	Personal []string       `json:"personal,omitzero"`
	Opened   []openedText   `json:"opened,omitzero"`
}

type openedText struct {
	Key    string            `json:"key,omitzero"`
	Fields map[string]string `json:"fields,omitzero"`
}

type checkpointText struct {
	Type string `json:"type"`
	Note string `json:"note"`
}

type endText struct {
	Type string `json:"type"`
	Size int64  `json:"size"`
}

// Why a line is refused.
var (
	ErrSyntax  = errors.New("this line is not one of an export")
	ErrVersion = errors.New("this file was written by a later version of Konklave")
	ErrTooLong = fmt.Errorf("this line is longer than %d bytes", LineMax)
	ErrTooMany = fmt.Errorf("this file has more than %d entries or %d checkpoints", EntriesMax, CheckpointsMax)
	ErrOrder   = errors.New("this line must not stand here")
	ErrCutOff  = errors.New("the file ends before its end was written")
)

// decode reads a line without its end. What it returns is valid until the next call with the same entry.
func decode(text []byte, e *Entry) (Line, error) {
	if scan(text, e) {
		return Line{Entry: e}, nil
	}
	var kind struct {
		Type string         `json:"type"`
		Rest jsontext.Value `json:",embed"`
	}
	if err := json.Unmarshal(text, &kind); err != nil {
		return Line{}, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	switch kind.Type {
	case "segment":
		return decodeHeader(text)
	case "entry":
		return decodeEntry(text, e)
	case "checkpoint":
		var t checkpointText
		if err := strict(text, &t); err != nil {
			return Line{}, err
		}
		if t.Note == "" || len(t.Note) > checkpoint.NoteMax {
			return Line{}, fmt.Errorf("%w: the length of a checkpoint", ErrSyntax)
		}
		return Line{Checkpoint: []byte(t.Note)}, nil
	case "end":
		var t endText
		if err := strict(text, &t); err != nil {
			return Line{}, err
		}
		return Line{End: &t.Size}, nil
	default:
		return Line{}, fmt.Errorf("%w: its type is %q", ErrSyntax, kind.Type)
	}
}

func strict(text []byte, t any) error {
	if err := json.Unmarshal(text, t, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	return nil
}

func decodeHeader(text []byte) (Line, error) {
	var version struct {
		Version int            `json:"v"`
		Rest    jsontext.Value `json:",embed"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return Line{}, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	if version.Version > Version {
		return Line{}, ErrVersion
	}
	var t headerText
	if err := strict(text, &t); err != nil {
		return Line{}, err
	}
	var hashes []tlog.Hash
	for _, text := range t.Frontier {
		hash, ok := parseHash(text)
		if !ok {
			return Line{}, fmt.Errorf("%w: a hash of the frontier", ErrSyntax)
		}
		hashes = append(hashes, hash)
	}
	start, err := tree.NewFrontier(t.Start, hashes)
	switch {
	case err != nil:
		return Line{}, fmt.Errorf("%w: start and frontier do not fit each other", ErrSyntax)
	case t.Version < 1:
		return Line{}, fmt.Errorf("%w: it has no version", ErrSyntax)
	case !checkpoint.ValidOrigin(t.Origin):
		return Line{}, fmt.Errorf("%w: the origin", ErrSyntax)
	case t.Content != ContentSealed && t.Content != ContentOpened && t.Content != ContentHashes:
		return Line{}, fmt.Errorf("%w: the content %q", ErrSyntax, t.Content)
	}
	return Line{Header: &Header{t.Origin, t.Content, start}}, nil
}

func decodeEntry(text []byte, e *Entry) (Line, error) {
	var t entryText
	if err := strict(text, &t); err != nil {
		return Line{}, err
	}
	hash, ok := parseHash(t.Hash)
	switch {
	case !ok:
		return Line{}, fmt.Errorf("%w: the hash of an entry", ErrSyntax)
	case t.Index < 0 || t.Index > tree.SizeMax:
		return Line{}, fmt.Errorf("%w: the index of an entry", ErrSyntax)
	case len(t.Leaf) > leaf.LeafMax || len(t.Body) > leaf.BodyMax || len(t.Personal) > leaf.PartsMax:
		return Line{}, fmt.Errorf("%w: %w", ErrSyntax, leaf.ErrTooLarge)
	case t.Opened != nil && len(t.Opened) != len(t.Personal), len(t.Leaf) == 0 && len(t.Body) > 0, len(t.Body) == 0 && t.Personal != nil:
		return Line{}, fmt.Errorf("%w: an entry of which only some is there", ErrSyntax)
	}
	*e = Entry{Index: t.Index, Hash: hash, Leaf: t.Leaf, Body: t.Body}
	for _, p := range t.Personal {
		raw, ok := parseBase64(p)
		if !ok || len(raw) > PartMax {
			return Line{}, fmt.Errorf("%w: a personal part", ErrSyntax)
		}
		e.Personal = append(e.Personal, raw)
	}
	for _, o := range t.Opened {
		key, ok := parseBase64(o.Key)
		if !ok {
			return Line{}, fmt.Errorf("%w: the key of a personal part", ErrSyntax)
		}
		e.Opened = append(e.Opened, seal.Opened{Key: key, Fields: o.Fields})
	}
	return Line{Entry: e}, nil
}

// parseHash and parseBase64 take what is written in the one way it can be; the general decoders take more.
func parseHash(text string) (tlog.Hash, bool) {
	hash, err := tlog.ParseHash(text)
	return hash, err == nil && hash.String() == text
}

func parseBase64(text string) ([]byte, bool) {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	return raw, err == nil && base64.StdEncoding.EncodedLen(len(raw)) == len(text)
}

// scan reads an entry in the words in which it is written, into e, whose memory it uses again. Leaf and body it takes as they
// stand: their hashes decide. It reports false for anything else, which may still be a line.
func scan(text []byte, e *Entry) bool {
	s := leaf.Scanner{Rest: text}
	index, ok := s.Number(`{"type":"entry","index":`)
	if !ok || index > tree.SizeMax || !s.Hash(`,"hash":"`, (*[tlog.HashSize]byte)(&e.Hash)) || !s.Literal(`"`) {
		return false
	}
	parts := e.Personal[:cap(e.Personal)]
	*e = Entry{Index: index, Hash: e.Hash, Personal: parts[:0]}
	if s.Literal(`,"leaf":`) {
		if e.Leaf, ok = object(&s, leaf.LeafMax); !ok {
			return false
		}
	}
	if e.Leaf != nil && s.Literal(`,"body":`) {
		if e.Body, ok = object(&s, leaf.BodyMax); !ok {
			return false
		}
	}
	if s.Literal(`}`) {
		return len(s.Rest) == 0
	}
	if e.Body == nil {
		return false
	}
	for before := `,"personal":["`; s.Literal(before); before = `,"` {
		if len(e.Personal) == leaf.PartsMax {
			return false
		}
		var buffer []byte
		if n := len(e.Personal); n < len(parts) {
			buffer = parts[n]
		}
		part, ok := base64Text(&s, buffer)
		if !ok {
			return false
		}
		e.Personal = append(e.Personal, part)
	}
	return len(e.Personal) > 0 && s.Literal(`]}`) && len(s.Rest) == 0
}

// object takes an object off the front without looking at more than its strings and braces.
func object(s *leaf.Scanner, limit int) ([]byte, bool) {
	depth := 0
	for i := 0; i < len(s.Rest) && i < limit; i++ {
		switch s.Rest[i] {
		case '{':
			depth++
		case '}':
			depth--
		case '"':
			n := quoted(s.Rest[i:])
			if n == 0 {
				return nil, false
			}
			i += n - 1
		}
		if depth == 0 {
			found := s.Rest[:i+1]
			s.Rest = s.Rest[i+1:]
			return found, i > 0 && found[0] == '{'
		}
	}
	return nil, false
}

// quoted returns the length of the string at the front of text, with its quotation marks; 0 when it does not end.
func quoted(text []byte) int {
	for i := 1; i < len(text); {
		n := bytes.IndexByte(text[i:], '"')
		if n < 0 {
			return 0
		}
		i += n + 1
		backslashes := 0
		for text[i-2-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return i
		}
	}
	return 0
}

// base64Text takes base64 and the quotation mark after it off the front, and decodes it into buffer, which may grow.
func base64Text(s *leaf.Scanner, buffer []byte) ([]byte, bool) {
	n := bytes.IndexByte(s.Rest, '"')
	if n < 0 || n > base64.StdEncoding.EncodedLen(PartMax) {
		return nil, false
	}
	raw, err := base64.StdEncoding.Strict().AppendDecode(buffer[:0], s.Rest[:n])
	if err != nil || len(raw) > PartMax || base64.StdEncoding.EncodedLen(len(raw)) != n {
		return nil, false
	}
	s.Rest = s.Rest[n+1:]
	return raw, true
}

// DecodeEntry reads one line, without its end, that is an entry. It fails with ErrSyntax for anything else.
func DecodeEntry(text []byte) (Entry, error) {
	var e Entry
	l, err := decode(text, &e)
	if err == nil && l.Entry == nil {
		err = ErrSyntax
	}
	return e, err
}
