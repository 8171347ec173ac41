package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"konklave/client"
	"konklave/store/postgrestest"
)

// signOuts is how often somebody is signed out, and revokedWithin how long that may take until the call is over, in the middle.
const (
	signOuts      = 20
	revokedWithin = time.Second
)

// door is a front that passes requests of the API to the controller that the test chooses, and connections to the workers.
type door struct {
	*httptest.Server
	controller atomic.Pointer[string] // its socket
}

func (h *house) door(t testing.TB) *door {
	t.Helper()
	d := &door{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "behind"
			r.Out.Header.Set("X-Forwarded-For", "192.0.2.1")
			r.Out.Header.Set("X-Forwarded-Proto", "http")
			r.Out.Header.Set("X-Forwarded-Host", r.In.Host)
		},
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			socket, ok := ctx.Value(socketKey{}).(string)
			if !ok {
				return nil, errors.New("no socket for the request")
			}
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}},
	}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		socket := *d.controller.Load()
		if rest, ok := strings.CutPrefix(r.URL.Path, "/conference/"); ok {
			id, _, _ := strings.Cut(rest, "/")
			socket = filepath.Join(ConferenceDir(h.config), id+".web")
		}
		proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), socketKey{}, socket)))
	}))
	t.Cleanup(d.Close)
	return d
}

type socketKey struct{}

// TestA21SigningOutAtOneControllerEndsTheCallThatAnotherOneBegan: over two controllers on one PostgreSQL, within a second.
func TestA21SigningOutAtOneControllerEndsTheCallThatAnotherOneBegan(t *testing.T) {
	t.Parallel()
	d, link, one, two := twoControllers(t)
	guest := callOf(t, d, link, "Guest")
	var took []time.Duration
	for range signOuts {
		took = append(took, signOutOnce(t, d, link, one, two))
	}
	slices.Sort(took)
	if middle := took[len(took)/2]; middle > revokedWithin {
		t.Errorf("the call is over after %v", took)
	}
	t.Logf("sign-out to goodbye, %d times: in the middle %v, at most %v", signOuts, took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
	must(t, guest.Chat(t.Context(), "still here"))
}

// BenchmarkSigningOutOverTwoControllers is how long a call goes on that began at one controller when the person signs out at the
// other one. Run it with -benchtime 200x.
func BenchmarkSigningOutOverTwoControllers(b *testing.B) {
	d, link, one, two := twoControllers(b)
	var took []time.Duration
	for b.Loop() {
		took = append(took, signOutOnce(b, d, link, one, two))
	}
	slices.Sort(took)
	for _, percent := range []int{50, 99, 100} {
		at := took[min(len(took)-1, len(took)*percent/100)]
		b.ReportMetric(at.Seconds()*1000, fmt.Sprintf("p%d-ms", percent))
	}
}

// twoControllers starts two on one PostgreSQL, and returns the door to both, the link of a meeting and their sockets.
func twoControllers(t testing.TB) (d *door, link, one, two string) {
	t.Helper()
	database, err := postgrestest.Start(t.Context())
	must(t, err)
	t.Cleanup(func() { _ = database.Close() })
	dsn, err := database.Create(t.Context(), "konklave", "template0")
	must(t, err)
	h := newHouseOn(t, dsn)
	one, two = ControllerSocket(h.config), filepath.Join(h.config.RunDir(), "second.sock")
	second, err := listenUnix(two, identities{}.modes().socket)
	must(t, err)
	t.Cleanup(func() { _ = second.Close() })
	h.controller(t, h.connect(t))
	h.controllerAt(t, h.connect(t), second)
	d = h.door(t)
	d.controller.Store(&one)
	return d, h.link, one, two
}

// callOf joins as a guest.
func callOf(t testing.TB, d *door, link, name string) *client.Conference {
	t.Helper()
	c, err := client.New(d.URL)
	must(t, err)
	a, err := c.Join(t.Context(), link, client.JoinRequest{Name: name})
	must(t, err)
	session, err := c.Connect(t.Context(), a)
	must(t, err)
	t.Cleanup(session.Drop)
	return session
}

// signOutOnce signs in at one controller, joins through the other and signs out at the first. It returns how long the call
// went on after that.
func signOutOnce(t testing.TB, d *door, link, one, two string) time.Duration {
	t.Helper()
	ctx := t.Context()
	d.controller.Store(&one)
	c, err := client.New(d.URL)
	must(t, err)
	_, err = c.SignIn(ctx, "owner@example.org", "correct horse battery")
	must(t, err)
	cookie := c.Cookie("__Host-konklave-session")
	d.controller.Store(&two)
	admission, err := c.Join(ctx, link, client.JoinRequest{})
	must(t, err)
	unused, err := c.Join(ctx, link, client.JoinRequest{})
	must(t, err)
	session, err := c.Connect(ctx, admission)
	must(t, err)
	d.controller.Store(&one)
	began := time.Now()
	must(t, c.SignOut(ctx))
	d.controller.Store(&two)
	if status := sessionStatus(t, d, cookie); status != http.StatusUnauthorized {
		t.Errorf("the other controller answers the session with %d", status)
	}
	await(t, session.Lost())
	took := time.Since(began)
	var bye *client.Goodbye
	if !errors.As(session.Err(), &bye) || bye.Code != "participant.signed_out" || bye.Status != 4410 {
		t.Errorf("the call is over with %v", session.Err())
	}
	if err := session.Resume(ctx); !errors.As(err, &bye) || bye.Code != "session.unknown" {
		t.Errorf("a resume afterwards: %v", err)
	}
	if _, err := c.Connect(ctx, unused); !errors.As(err, &bye) || bye.Code != "ticket.revoked" {
		t.Errorf("the ticket that was not used: %v", err)
	}
	return took
}

// sessionStatus is how a request with the cookie of a session is answered that nobody but its holder may make.
func sessionStatus(t testing.TB, d *door, cookie string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.URL+"/api/v1/me", nil)
	must(t, err)
	req.Header.Set("Cookie", "__Host-konklave-session="+cookie)
	resp, err := d.Client().Do(req)
	must(t, err)
	must(t, resp.Body.Close())
	return resp.StatusCode
}
