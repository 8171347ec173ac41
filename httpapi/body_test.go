package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"konklave/access"
	"konklave/config"
)

// Each way in which a body can be wrong has its own code, and changes nothing.
func TestBodyMistakes(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	c := e.program(e.account("a@example.org", access.Ordinary))
	deep := strings.Repeat("[", 20_000)
	c.get("/api/v1/me").want(200)
	before := e.dump()
	for name, test := range map[string]struct {
		contentType, body string
		status            int
		code, field       string
	}{
		"A-44 duplicate key":        {"application/json", `{"title":"a","title":"b"}`, 400, "body.duplicate_key", "/title"},
		"A-44 escaped duplicate":    {"application/json", `{"title":"a","t\u0069tle":"b"}`, 400, "body.duplicate_key", "/title"},
		"A-44 case variant":         {"application/json", `{"Title":"a"}`, 400, "body.wrong_case", "/Title"},
		"A-44 both cases":           {"application/json", `{"title":"a","TITLE":"b"}`, 400, "body.wrong_case", "/TITLE"},
		"A-44 unknown field":        {"application/json", `{"title":"a","color":"b"}`, 400, "body.unknown_field", "/color"},
		"A-43 owner":                {"application/json", `{"title":"a","ownerId":"x"}`, 400, "body.unknown_field", "/ownerId"},
		"A-43 tenant":               {"application/json", `{"title":"a","tenant":"x"}`, 400, "body.unknown_field", "/tenant"},
		"A-43 link":                 {"application/json", `{"title":"a","link":"aaaa"}`, 400, "body.unknown_field", "/link"},
		"A-43 prototype":            {"application/json", `{"__proto__":{"admin":true}}`, 400, "body.unknown_field", "/__proto__"},
		"A-51 depth":                {"application/json", deep, 400, "body.wrong_type", ""},
		"A-51 depth in a field":     {"application/json", `{"title":` + deep, 400, "body.malformed", ""},
		"A-51 long array":           {"application/json", `{"title":[` + strings.Repeat("0,", 20_000) + `0]}`, 400, "body.wrong_type", "/title"},
		"A-51 huge number":          {"application/json", `{"title":1` + strings.Repeat("0", 10_000) + `}`, 400, "body.wrong_type", "/title"},
		"A-51 invalid UTF-8":        {"application/json", "{\"title\":\"\xff\"}", 400, "body.malformed", ""},
		"A-51 overlong UTF-8":       {"application/json", "{\"title\":\"\xc0\xaf\"}", 400, "body.malformed", ""},
		"A-51 lone surrogate":       {"application/json", `{"title":"\ud800"}`, 400, "body.malformed", ""},
		"A-51 NUL":                  {"application/json", `{"title":"a\u0000b"}`, 400, "title.invalid", "/title"},
		"A-51 raw control":          {"application/json", "{\"title\":\"a\x01\"}", 400, "body.malformed", ""},
		"A-51 byte order mark":      {"application/json", "\ufeff{}", 400, "body.malformed", ""},
		"trailing value":            {"application/json", `{"title":"a"}{}`, 400, "body.trailing_data", ""},
		"trailing garbage":          {"application/json", `{"title":"a"} x`, 400, "body.trailing_data", ""},
		"cut off":                   {"application/json", `{"title":"a"`, 400, "body.malformed", ""},
		"not JSON":                  {"application/json", `title=a`, 400, "body.malformed", ""},
		"comment":                   {"application/json", `{/* */"title":"a"}`, 400, "body.malformed", ""},
		"wrong type":                {"application/json", `{"title":1}`, 400, "body.wrong_type", "/title"},
		"wrong type of a flag":      {"application/json", `{"guestsAllowed":"true"}`, 400, "body.wrong_type", "/guestsAllowed"},
		"not an object":             {"application/json", `"title"`, 400, "body.wrong_type", ""},
		"no content type":           {"-", `{"title":"a"}`, 415, "body.content_type", ""},
		"A-30 text":                 {"text/plain", `{"title":"a"}`, 415, "body.content_type", ""},
		"A-30 form":                 {"application/x-www-form-urlencoded", `title=a`, 415, "body.content_type", ""},
		"A-30 multipart":            {"multipart/form-data; boundary=x", "--x--", 415, "body.content_type", ""},
		"wrong charset":             {"application/json; charset=utf-16", `{"title":"a"}`, 415, "body.content_type", ""},
		"two parameters":            {"application/json; charset=utf-8; x=y", `{"title":"a"}`, 415, "body.content_type", ""},
		"JSON by another name":      {"application/merge-patch+json", `{"title":"a"}`, 415, "body.content_type", ""},
		"A-65 bidirectional":        {"application/json", `{"title":"\u202eevil"}`, 400, "title.invalid", "/title"},
		"title of 201 characters":   {"application/json", `{"title":"` + strings.Repeat("ä", 201) + `"}`, 400, "title.too_long", "/title"},
		"title of spaces":           {"application/json", `{"title":"  "}`, 400, "title.empty", "/title"},
		"A-65 name of 10,000 marks": {"application/json", `{"title":"` + strings.Repeat("e\u0301", 5000) + `"}`, 400, "title.too_long", "/title"},
	} {
		p := c.send(http.MethodPost, "/api/v1/meetings", test.contentType, test.body).problem(test.status, test.code)
		if test.field == "" && len(p.Errors) > 0 || test.field != "" && (len(p.Errors) != 1 || p.Errors[0].Field != test.field) {
			t.Errorf("%s: fields %v, want %q", name, p.Errors, test.field)
		}
	}
	if after := e.dump(); after != before {
		t.Errorf("something was changed:\n%s", after)
	}
}

func TestBodyAccepted(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	c := e.program(e.account("a@example.org", access.Ordinary))
	for contentType, body := range map[string]string{
		"application/json":                `{"title":"` + strings.Repeat("ä", 200) + `"}`,
		"application/json; charset=utf-8": `{"title":"a"}`,
		"Application/JSON;charset=\"UTF-8\"": ` {"title":"a",
			"guestsAllowed":false} `,
		"-": "",
	} {
		c.send(http.MethodPost, "/api/v1/meetings", contentType, body).want(http.StatusCreated)
	}
	c.send(http.MethodPatch, "/api/v1/me", "application/json", "").problem(http.StatusBadRequest, "body.missing")
	c.send(http.MethodGet, "/api/v1/me", "application/json", "{}").problem(http.StatusBadRequest, "body.unknown_field")
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	e := start(t, options{limits: func(l *config.Limits) { l.RequestBytes = config.MinRequestBytes }})
	c := e.program(e.account("a@example.org", access.Ordinary))
	body := func(n int) string { return `{"title":"a"}` + strings.Repeat(" ", n-len(`{"title":"a"}`)) }
	c.send(http.MethodPost, "/api/v1/meetings", "application/json", body(config.MinRequestBytes)).want(http.StatusCreated)
	c.send(http.MethodPost, "/api/v1/meetings", "application/json", body(config.MinRequestBytes+1)).problem(http.StatusRequestEntityTooLarge, "body.too_large")
}
