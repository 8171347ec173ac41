package providertest

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// Browser goes through the pages of a provider as a person does, without scripts. It keeps cookies.
type Browser struct {
	client   *http.Client
	callback string
}

// maxPages is how many pages a sign-in may have.
const maxPages = 12

// NewBrowser returns a browser that stops at addresses which begin with callback. The authority may be nil.
func NewBrowser(a *Authority, callback string) *Browser {
	jar, _ := cookiejar.New(nil) // never fails without options
	transport := new(http.Transport)
	if a != nil {
		transport.TLSClientConfig = a.trust()
	}
	return &Browser{callback: callback, client: &http.Client{
		Jar: jar, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

var (
	formShape  = regexp.MustCompile(`(?s)<form[^>]*>.*?</form>`)
	inputShape = regexp.MustCompile(`<(?:input|button)[^>]*>`)
	fieldShape = regexp.MustCompile(`([a-zA-Z-]+)\s*=\s*"([^"]*)"`)
)

// Go opens an address, signs in with name and password wherever a page asks for them, and returns with what it would
// send to the callback: the parameters of the address, and the form where there is one.
func (b *Browser) Go(ctx context.Context, address, name, password string) (query, form url.Values, err error) {
	request, err := b.follow(ctx, address, name, password)
	if err != nil {
		return nil, nil, err
	}
	if request.Body != nil {
		err = request.ParseForm()
	}
	return request.URL.Query(), request.PostForm, err
}

// GoRaw is Go for pages that ask for nothing; it returns the parameters of the address as they are.
func (b *Browser) GoRaw(ctx context.Context, address string) (rawQuery string, err error) {
	request, err := b.follow(ctx, address, "", "")
	if err != nil {
		return "", err
	}
	return request.URL.RawQuery, nil
}

// follow returns the first request to the callback.
func (b *Browser) follow(ctx context.Context, address, name, password string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	for range maxPages {
		if strings.HasPrefix(request.URL.String(), b.callback) {
			return request, nil
		}
		if request, err = b.next(ctx, request, name, password); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("the provider's pages do not come to an end")
}

// next does a request and returns the one that follows from the answer.
func (b *Browser) next(ctx context.Context, request *http.Request, name, password string) (*http.Request, error) {
	answer, err := b.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if to := answer.Header.Get("Location"); to != "" {
		next, err := request.URL.Parse(to)
		if err != nil {
			return nil, err
		}
		return http.NewRequestWithContext(ctx, http.MethodGet, next.String(), nil)
	}
	for _, text := range formShape.FindAllString(string(page), -1) {
		action, values := readForm(text, name, password)
		target, err := request.URL.Parse(action)
		if err != nil || action == "#" || action == "?" {
			target = request.URL
		}
		if len(values) == 0 {
			continue
		}
		next, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(values.Encode()))
		if err != nil {
			return nil, err
		}
		next.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return next, nil
	}
	return nil, fmt.Errorf("%s answers %d without a form:\n%.3000s", request.URL.Redacted(), answer.StatusCode, page)
}

// readForm fills a form in.
func readForm(text, name, password string) (action string, values url.Values) {
	values = url.Values{}
	opening, _, _ := strings.Cut(text, ">")
	action = attributes(opening)["action"]
	for _, input := range inputShape.FindAllString(text, -1) {
		field := attributes(input)
		switch {
		case field["name"] == "" || field["type"] == "checkbox":
		case field["type"] == "password":
			values.Set(field["name"], password)
		case field["type"] == "text" || field["type"] == "email":
			values.Set(field["name"], name)
		default:
			values.Set(field["name"], field["value"])
		}
	}
	return action, values
}

func attributes(tag string) map[string]string {
	found := map[string]string{}
	for _, m := range fieldShape.FindAllStringSubmatch(tag, -1) {
		found[strings.ToLower(m[1])] = html.UnescapeString(m[2])
	}
	return found
}

// StoppingAt is the same browser, with its cookies, that stops elsewhere.
func (b *Browser) StoppingAt(callback string) *Browser {
	return &Browser{client: b.client, callback: callback}
}
