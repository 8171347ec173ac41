package app

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/config"
	"konklave/finding"
	"konklave/geoip/geoiptest"
)

// placesName is how the file of places of a house is called, when it has one.
const placesName = "places.mmdb"

func placesOf(t *testing.T, dir string) string {
	t.Helper()
	in := func(code string) map[string]any { return map[string]any{"country": map[string]any{"iso_code": code}} }
	path := filepath.Join(dir, placesName)
	must(t, os.WriteFile(path, geoiptest.File("GeoLite2-Country", time.Now(), map[string]map[string]any{"192.0.2.0/24": in("DE"), "198.51.100.0/24": in("JP")}), 0o600))
	return path
}

func TestAFileOfPlacesIsReadOrRefused(t *testing.T) {
	t.Parallel()
	c := config.Default()
	home := netip.MustParseAddr("192.0.2.7")
	if a, err := Atlas(c); err != nil {
		t.Error(err)
	} else if _, known := a.Place(home); known {
		t.Error("a place is known without a file")
	}
	c.Detection.GeoIPFile = placesOf(t, t.TempDir())
	if a, err := Atlas(c); err != nil {
		t.Error(err)
	} else if p, known := a.Place(home); !known || p.Country != "DE" {
		t.Errorf("%+v, %v", p, known)
	}
	must(t, os.Truncate(c.Detection.GeoIPFile, 10))
	if _, err := Atlas(c); err == nil || !strings.Contains(err.Error(), "detection.geoip-file") {
		t.Errorf("a file that is none: %v", err)
	}
}

// A controller with such a file finds, out of the log of its own sign-ins, somebody who comes from another country.
func TestAControllerFindsANewCountry(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	placesOf(t, h.config.Data)
	h.controller(t, h.connect(t))
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", ControllerSocket(h.config))
	}}}
	defer client.CloseIdleConnections()
	for _, address := range []string{"192.0.2.7", "198.51.100.7"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/api/v1/session", strings.NewReader(`{"email":"owner@example.org","password":"correct horse battery"}`))
		must(t, err)
		for name, value := range map[string]string{"Content-Type": "application/json", "X-Forwarded-For": address, "X-Forwarded-Proto": "http", "X-Forwarded-Host": "localhost"} {
			req.Header.Set(name, value)
		}
		resp, err := client.Do(req)
		must(t, err)
		must(t, resp.Body.Close())
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("sign-in from %s: %d", address, resp.StatusCode)
		}
	}
	over, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		found, err := h.db.Findings(over, access.DefaultTenant, "", finding.MaxPage)
		must(t, err)
		if i := slices.IndexFunc(found, func(f finding.Finding) bool { return f.Kind == finding.NewCountry }); i >= 0 {
			if got := found[i].Evidence.Countries; !slices.Equal(got, []string{"JP", "DE"}) {
				t.Errorf("countries %v", got)
			}
			return
		}
		select {
		case <-tick.C: // another process looks at its log
		case <-over.Done():
			t.Fatal("it was not found")
		}
	}
}
