package front_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"konklave/front"
)

func TestStaticFiles(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	index := "<!doctype html><title>Konklave</title>"
	for _, test := range []struct {
		path, accept string
		status       int
		body, cache  string
		encoding     string
	}{
		{"/", "", 200, index, "no-cache", ""},
		{"/signin", "", 200, index, "no-cache", ""},
		{"/setup", "", 200, index, "no-cache", ""},
		{"/account", "", 200, index, "no-cache", ""},
		{"/account/", "", 200, index, "no-cache", ""},
		{"/account/x", "", 404, index, "no-cache", ""},
		{"/join/abcd-efgh", "", 200, index, "no-cache", ""},
		{"/join/", "", 404, index, "no-cache", ""},
		{"/join/a/b", "", 404, index, "no-cache", ""},
		{"/nothing", "", 404, index, "no-cache", ""},
		{"/nothing.html", "", 404, "", "no-store", ""},
		{"/index.html", "", 404, "", "no-store", ""},
		{"/favicon.svg", "", 200, "<svg/>", "no-cache", ""},
		{"/assets/app-a1b2c3.js", "gzip, deflate, br, zstd", 200, "brotli", "public, max-age=31536000, immutable", "br"},
		{"/assets/app-a1b2c3.js", "gzip", 200, "gzip", "public, max-age=31536000, immutable", "gzip"},
		{"/assets/app-a1b2c3.js", "br;q=0, gzip;q=0.5", 200, "gzip", "public, max-age=31536000, immutable", "gzip"},
		{"/assets/app-a1b2c3.js", "identity", 200, "plain", "public, max-age=31536000, immutable", ""},
		{"/assets/missing.js", "", 404, "", "no-store", ""},
		{"/assets/", "", 404, "", "no-store", ""},
	} {
		resp, body := h.get(t, test.path, "Accept-Encoding", test.accept)
		if resp.StatusCode != test.status || test.body != "" && body != test.body || resp.Header.Get("Cache-Control") != test.cache ||
			resp.Header.Get("Content-Encoding") != test.encoding {
			t.Errorf("%s (%s): %d %q %v", test.path, test.accept, resp.StatusCode, body, resp.Header)
		}
	}
}

// The server knows the pages that the client's router has, and no others.
func TestTheRoutesOfTheClientAreServed(t *testing.T) {
	t.Parallel()
	var router []byte
	files := []string{"App.tsx", "OtherPages.tsx"}
	for _, file := range files {
		part, err := os.ReadFile("../web/src/app/" + file)
		if err != nil {
			t.Fatal(err)
		}
		router = append(router, part...)
	}
	routes := map[string]bool{}
	for _, m := range regexp.MustCompile(`<Route path="([^"]*)"`).FindAllStringSubmatch(string(router), -1) {
		routes[m[1]] = true
	}
	if len(routes) < 5 || strings.Count(string(router), "<Route ") != len(routes)+len(files) { // the last one of each has no path
		t.Fatalf("%d routes were found in the router", len(routes))
	}
	h := setup(t, nil)
	for route := range routes {
		path := regexp.MustCompile(`:[a-z]+`).ReplaceAllString(route, "abcd-efgh")
		if r, body := h.get(t, path); r.StatusCode != http.StatusOK || !strings.Contains(body, "<title>") {
			t.Errorf("%s is a page of the client, and answered with %d", path, r.StatusCode)
		}
		if r, _ := h.get(t, strings.TrimSuffix(path, "/")+"/unknown/page"); r.StatusCode != http.StatusNotFound {
			t.Errorf("what lies below %s is no page, and answered with %d", path, r.StatusCode)
		}
	}
	for _, route := range front.ClientRoutes() {
		if !routes[route] {
			t.Errorf("%s is served as a page, and the client's router has none", route)
		}
	}
}

func TestStaticConditional(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	first, _ := h.get(t, "/")
	again, body := h.get(t, "/", "If-None-Match", first.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("%d %q", again.StatusCode, body)
	}
	if resp, _ := h.do(t, http.MethodPost, "/", nil); resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST / = %d", resp.StatusCode)
	}
}

func TestClientNotBuilt(t *testing.T) {
	t.Parallel()
	h := setup(t, func(o *front.Options) { o.Static = fstest.MapFS{".keep": &fstest.MapFile{}} })
	resp, body := h.get(t, "/")
	if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "make build") {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
	if resp, _ := h.get(t, "/api/x"); resp.StatusCode != http.StatusOK {
		t.Errorf("the API is gone too: %d", resp.StatusCode)
	}
}
