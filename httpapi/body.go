package httpapi

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"konklave/fault"
)

// The faults of a request body.
var (
	ErrContentType  = fault.New(fault.KindInvalid, "body.content_type", "The body of a request must be JSON, sent as application/json.")
	ErrBodyTooLarge = fault.New(fault.KindTooLarge, "body.too_large", "The body of the request is too large.")
	ErrBodyMissing  = fault.New(fault.KindInvalid, "body.missing", "This request needs a body.")
	ErrMalformed    = fault.New(fault.KindInvalid, "body.malformed", "The body of the request is not valid JSON.")
	ErrTrailing     = fault.New(fault.KindInvalid, "body.trailing_data", "The body of the request has something after the JSON value.")
	ErrDuplicateKey = fault.New(fault.KindInvalid, "body.duplicate_key", "A key occurs twice in the body of the request.")
	ErrUnknownField = fault.New(fault.KindInvalid, "body.unknown_field", "The body of the request has a field that this operation does not know.")
	ErrWrongCase    = fault.New(fault.KindInvalid, "body.wrong_case", "A key in the body of the request is written with other capital letters than it should be.")
	ErrWrongType    = fault.New(fault.KindInvalid, "body.wrong_type", "A field in the body of the request has a value of the wrong type.")
)

// bodyRule is how the body of one operation is read: its type, and whether it may be left out.
type bodyRule struct {
	typ      reflect.Type // nil: no body
	optional bool
	form     bool // what an HTML form posts, which the handler reads
}

// bodyRuleOf looks at the field Body of an operation's input; a pointer may be left out.
func bodyRuleOf(input reflect.Type) bodyRule {
	if _, raw := input.FieldByName("RawBody"); raw {
		return bodyRule{form: true}
	}
	f, ok := input.FieldByName("Body")
	if !ok {
		return bodyRule{}
	}
	if f.Type.Kind() == reflect.Pointer {
		return bodyRule{typ: f.Type.Elem(), optional: true}
	}
	return bodyRule{typ: f.Type}
}

// check reads the body of at most limit bytes, judges it strictly, and puts it back for decoding.
func (b bodyRule) check(w http.ResponseWriter, r *http.Request, limit int64) error {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return ErrBodyTooLarge
	case err != nil:
		return ErrMalformed.Because(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
	switch {
	case b.form && !hasContentType(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		return ErrContentType
	case b.form:
		return nil
	case len(data) == 0 && (b.typ == nil || b.optional):
		return nil
	case len(data) == 0:
		return ErrBodyMissing
	case !hasContentType(r.Header.Get("Content-Type"), "application/json"):
		return ErrContentType
	case b.typ == nil:
		return ErrUnknownField
	}
	r.Header.Set("Content-Type", "application/json") // however it was written
	return decodeStrict(data, reflect.New(b.typ).Interface())
}

// hasContentType accepts the wanted type, alone or in UTF-8.
func hasContentType(header, want string) bool {
	mediaType, params, err := mime.ParseMediaType(header)
	if err != nil || mediaType != want {
		return false
	}
	charset, has := params["charset"]
	return len(params) == 0 || len(params) == 1 && has && strings.EqualFold(charset, "utf-8")
}

// decodeStrict decodes one JSON value into v and names what is wrong with it.
func decodeStrict(data []byte, v any) error {
	err := json.Unmarshal(data, v, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		switch {
		case errors.Is(err, jsontext.ErrDuplicateName):
			return ErrDuplicateKey.At(string(syntactic.JSONPointer)).Because(err)
		case firstValueIsWhole(data):
			return ErrTrailing.Because(err)
		}
		return ErrMalformed.Because(err)
	}
	var semantic *json.SemanticError
	if !errors.As(err, &semantic) {
		return err // a fault of a value's own decoding
	}
	at := string(semantic.JSONPointer)
	switch {
	case !errors.Is(err, json.ErrUnknownName):
		return ErrWrongType.At(at).Because(err)
	case hasFieldFold(reflect.TypeOf(v).Elem(), semantic.JSONPointer.LastToken()):
		return ErrWrongCase.At(at).Because(err)
	}
	return ErrUnknownField.At(at).Because(err)
}

// firstValueIsWhole reports whether data begins with a complete JSON value.
func firstValueIsWhole(data []byte) bool {
	_, err := jsontext.NewDecoder(bytes.NewReader(data)).ReadValue()
	return err == nil
}

// hasFieldFold reports whether the struct has a JSON name that differs from name in case only.
func hasFieldFold(t reflect.Type, name string) bool {
	for i := range t.NumField() {
		known, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if strings.EqualFold(known, name) {
			return true
		}
	}
	return false
}
