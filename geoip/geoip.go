// Package geoip tells where an address is used, out of a file in the MaxMind DB format that the operator supplies.
package geoip

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"konklave/finding"
)

// MaxFile is how large such a file may be, in bytes: it is held in memory.
const MaxFile = 256 << 20

// countryLength is how long an ISO 3166 code is.
const countryLength = 2

// Atlas is a finding.Atlas. It may be used by many goroutines at once.
type Atlas struct{ reader *maxminddb.Reader }

var _ finding.Atlas = (*Atlas)(nil)

// Open reads a file: one that knows cities tells where in a country an address is, one that knows countries only in which. What
// happens to the file afterwards changes nothing.
func Open(path string) (*Atlas, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > MaxFile {
		return nil, fmt.Errorf("%s has %d MiB, and at most %d are read", path, info.Size()>>20, MaxFile>>20)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return read(path, data)
}

func read(name string, data []byte) (*Atlas, error) {
	r, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, fmt.Errorf("%s is not a file in the MaxMind DB format: %w", name, err)
	}
	if kind := r.Metadata.DatabaseType; !strings.Contains(kind, "Country") && !strings.Contains(kind, "City") {
		return nil, fmt.Errorf("%s tells nothing about countries: it is a %s", name, kind)
	}
	return &Atlas{r}, nil
}

// Built is when the file was made, in UTC.
func (a *Atlas) Built() time.Time { return a.reader.Metadata.BuildTime().UTC() }

// record is what is read of an address.
type record struct {
	Country struct {
		Code string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	Registered struct {
		Code string `maxminddb:"iso_code"`
	} `maxminddb:"registered_country"`
	Location struct {
		Latitude  *float64 `maxminddb:"latitude"`
		Longitude *float64 `maxminddb:"longitude"`
		Radius    uint16   `maxminddb:"accuracy_radius"`
	} `maxminddb:"location"`
}

// Place implements finding.Atlas. A file that is damaged knows nothing.
func (a *Atlas) Place(address netip.Addr) (finding.Place, bool) {
	found := a.reader.Lookup(address.Unmap())
	var r record
	if !found.Found() || found.Decode(&r) != nil {
		return finding.Place{}, false
	}
	p := finding.Place{Country: r.Country.Code, Radius: float64(r.Location.Radius)}
	if p.Country == "" {
		p.Country = r.Registered.Code
	}
	if len(p.Country) != countryLength {
		return finding.Place{}, false
	}
	if l := r.Location; l.Latitude != nil && l.Longitude != nil {
		p.Latitude, p.Longitude, p.Located = *l.Latitude, *l.Longitude, true
	}
	return p, true
}
