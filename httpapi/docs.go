package httpapi

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html
var docsPage string

//go:embed docs.css
var docsStyle []byte

// docsOperation is one operation as the page shows it.
type docsOperation struct {
	*huma.Operation
	Route    Route
	Request  *docsSchema
	Response *docsSchema
}

// docsSchema is the body of a request or an answer.
type docsSchema struct {
	Name   string
	List   bool
	Fields []docsField
}

type docsField struct {
	Name, Type, Doc string
	Required        bool
}

// addDocs serves the description as a page without scripts, and its style.
func (a *API) addDocs() {
	page := template.Must(template.New("docs").Funcs(template.FuncMap{"lower": strings.ToLower, "paragraphs": paragraphs}).Parse(docsPage))
	a.mux.HandleFunc("GET /api/docs", func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		if err := page.Execute(&b, a.docs()); err != nil {
			writeProblem(w, r, a.log, err)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(b.Bytes()) // the client is gone
	})
	a.mux.HandleFunc("GET /api/docs.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(docsStyle) // the client is gone
	})
}

// docsTag is the operations about one thing.
type docsTag struct {
	Name       string
	Operations []docsOperation
}

type docsData struct {
	Name, Title, Version, Description string
	Tags                              []docsTag
}

func (a *API) docs() docsData {
	spec := a.huma.OpenAPI()
	d := docsData{Name: a.name, Title: spec.Info.Title, Version: a.version, Description: spec.Info.Description}
	for _, r := range a.routes {
		op := operationOf(spec.Paths[r.Path], r.Method)
		shown := docsOperation{Operation: op, Route: r, Request: requestSchema(spec, op), Response: responseSchema(spec, op)}
		i := slices.IndexFunc(d.Tags, func(t docsTag) bool { return t.Name == r.Tag })
		if i < 0 {
			i = len(d.Tags)
			d.Tags = append(d.Tags, docsTag{Name: r.Tag})
		}
		d.Tags[i].Operations = append(d.Tags[i].Operations, shown)
	}
	return d
}

func operationOf(item *huma.PathItem, method string) *huma.Operation {
	switch method {
	case http.MethodPost:
		return item.Post
	case http.MethodPut:
		return item.Put
	case http.MethodPatch:
		return item.Patch
	case http.MethodDelete:
		return item.Delete
	}
	return item.Get
}

func requestSchema(spec *huma.OpenAPI, op *huma.Operation) *docsSchema {
	if op.RequestBody == nil {
		return nil
	}
	return schemaOf(spec, op.RequestBody.Content["application/json"])
}

func responseSchema(spec *huma.OpenAPI, op *huma.Operation) *docsSchema {
	for status, response := range op.Responses {
		if status != "default" && response.Content["application/json"] != nil {
			return schemaOf(spec, response.Content["application/json"])
		}
	}
	return nil
}

func schemaOf(spec *huma.OpenAPI, media *huma.MediaType) *docsSchema {
	if media == nil || media.Schema == nil {
		return nil
	}
	s := resolve(spec, media.Schema)
	shown := &docsSchema{Name: typeName(media.Schema)}
	if items := s.Properties["items"]; len(s.Properties) == 1 && items != nil && items.Items != nil {
		shown.Name, shown.List, s = typeName(items.Items), true, resolve(spec, items.Items)
	}
	for name, p := range s.Properties {
		shown.Fields = append(shown.Fields, docsField{
			Name: name, Type: typeName(p), Doc: p.Description, Required: slices.Contains(s.Required, name),
		})
	}
	slices.SortFunc(shown.Fields, func(a, b docsField) int { return strings.Compare(a.Name, b.Name) })
	return shown
}

func resolve(spec *huma.OpenAPI, s *huma.Schema) *huma.Schema {
	if s.Ref != "" {
		return spec.Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

// typeName is a schema in a word or two: "Meeting", "date-time", "string (admin, user)", "list of FieldError".
func typeName(s *huma.Schema) string {
	switch {
	case s.Ref != "":
		return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
	case s.Items != nil:
		return "list of " + typeName(s.Items)
	case len(s.Enum) > 0:
		words := make([]string, 0, len(s.Enum))
		for _, e := range s.Enum {
			if word, ok := e.(string); ok {
				words = append(words, word)
			}
		}
		return s.Type + " (" + strings.Join(words, ", ") + ")"
	case s.Format != "":
		return s.Format
	}
	return s.Type
}

// docsSpan is a part of a paragraph; Code was between back-ticks.
type docsSpan struct {
	Text string
	Code bool
}

// paragraphs splits a description at its empty lines and back-ticks.
func paragraphs(text string) [][]docsSpan {
	var all [][]docsSpan
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		var spans []docsSpan
		for i, part := range strings.Split(paragraph, "`") {
			spans = append(spans, docsSpan{Text: part, Code: i%2 == 1})
		}
		all = append(all, spans)
	}
	return all
}
