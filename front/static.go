package front

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

const indexFile = "index.html"

// The lives of answers in the browser's cache: assets have a hash in their names, everything else is asked for again.
const (
	cacheForever = "public, max-age=31536000, immutable"
	cacheAsk     = "no-cache"
)

// asset is one file of the web client in memory.
type asset struct {
	contentType string
	plain       []byte
	brotli      []byte // nil when there is no pre-compressed copy
	gzip        []byte
	etag        string
}

// static serves the web client.
type static struct{ assets map[string]*asset }

// contentTypes are those of the files that a built client consists of; nothing else is served.
func contentTypes() map[string]string {
	return map[string]string{
		".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
		".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2",
		".webmanifest": "application/manifest+json", ".json": "application/json", ".txt": "text/plain; charset=utf-8",
		".wasm": "application/wasm", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".wav": "audio/wav",
	}
}

// newStatic reads the client into memory.
func newStatic(files fs.FS) (*static, error) {
	s := &static{assets: map[string]*asset{}}
	types := contentTypes()
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		contentType := types[path.Ext(name)]
		if err != nil || d.IsDir() || contentType == "" || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		a, err := readAsset(files, name, contentType)
		if err != nil {
			return err
		}
		s.assets["/"+name] = a
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the web client: %w", err)
	}
	return s, nil
}

func readAsset(files fs.FS, name, contentType string) (*asset, error) {
	plain, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	a := &asset{contentType: contentType, plain: plain}
	sum := sha256.Sum256(plain)
	a.etag = hex.EncodeToString(sum[:12])
	for ending, copied := range map[string]*[]byte{".br": &a.brotli, ".gz": &a.gzip} {
		data, err := fs.ReadFile(files, name+ending)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		*copied = data
	}
	return a, nil
}

// ServeHTTP answers with a file, or with the client's one page for the addresses that the client knows.
func (s *static) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		plainPage(w, http.StatusMethodNotAllowed, "This address does not take this method.")
		return
	}
	switch a := s.assets[r.URL.Path]; {
	case a != nil && r.URL.Path != "/"+indexFile:
		cache := cacheAsk
		if strings.HasPrefix(r.URL.Path, "/assets/") {
			cache = cacheForever
		}
		a.serve(w, r, http.StatusOK, cache)
	case path.Ext(r.URL.Path) != "" || strings.HasPrefix(r.URL.Path, "/assets/"):
		plainPage(w, http.StatusNotFound, "There is nothing at this address.")
	case s.assets["/"+indexFile] == nil:
		plainPage(w, http.StatusServiceUnavailable, "The web client is not part of this build. Please run \"make build\".")
	case clientRoute(r.URL.Path):
		s.assets["/"+indexFile].serve(w, r, http.StatusOK, cacheAsk)
	default: // the client shows that there is no such page
		s.assets["/"+indexFile].serve(w, r, http.StatusNotFound, cacheAsk)
	}
}

// clientRoutes are the addresses at which the web client has a page, as its router has them (web/src/app/App.tsx, OtherPages.tsx): a segment
// that begins with a colon stands for any one.
func clientRoutes() []string {
	return []string{"/", "/signin", "/setup", "/account", "/conferences", "/findings", "/machines", "/approvals", "/audit", "/test", "/unlock", "/join/:link"}
}

// clientRoute reports whether the web client has a page at this path.
func clientRoute(p string) bool {
	asked := strings.Split(strings.Trim(p, "/"), "/")
	return slices.ContainsFunc(clientRoutes(), func(route string) bool {
		return slices.EqualFunc(strings.Split(route[1:], "/"), asked, func(want, got string) bool {
			return want == got || strings.HasPrefix(want, ":") && got != ""
		})
	})
}

// serve writes the copy that the client understands best.
func (a *asset) serve(w http.ResponseWriter, r *http.Request, status int, cache string) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", cache)
	h.Set("Vary", "Accept-Encoding")
	data, etag := a.plain, a.etag
	switch accepted := encodings(r); {
	case a.brotli != nil && slices.Contains(accepted, "br"):
		data, etag = a.brotli, a.etag+"-br"
		h.Set("Content-Encoding", "br")
	case a.gzip != nil && slices.Contains(accepted, "gzip"):
		data, etag = a.gzip, a.etag+"-gz"
		h.Set("Content-Encoding", "gzip")
	}
	if status != http.StatusOK {
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			_, _ = w.Write(data) // the client is gone
		}
		return
	}
	h.Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// encodings are the content encodings that the client accepts.
func encodings(r *http.Request) []string {
	var accepted []string
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(part, ";")
		q = strings.ReplaceAll(q, " ", "")
		if q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000" {
			accepted = append(accepted, strings.TrimSpace(strings.ToLower(name)))
		}
	}
	return accepted
}

// plainPage answers with one sentence.
func plainPage(w http.ResponseWriter, status int, sentence string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(sentence + "\n")) // the client is gone
}
