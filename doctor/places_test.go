package doctor

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"konklave/config"
	"konklave/geoip/geoiptest"
)

func TestTheFileOfPlacesIsLookedAt(t *testing.T) {
	t.Parallel()
	built := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	after := func(days int) time.Time { return built.AddDate(0, 0, days) }
	c := config.Default()
	if got := places(c, built); got != nil {
		t.Errorf("without a file: %v", got)
	}
	c.Detection.GeoIPFile = filepath.Join(t.TempDir(), "places.mmdb")
	expect(t, "not there", places(c, built), Failed, "cannot be used")
	write := func(data []byte) {
		if err := os.WriteFile(c.Detection.GeoIPFile, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write([]byte("<html>Sign in to download</html>"))
	expect(t, "something else", places(c, built), Failed, "MaxMind")
	write(geoiptest.File("GeoLite2-Country", built, nil))
	expect(t, "new", places(c, after(1)), Good, "made on 2026-11-01")
	expect(t, "just not old", places(c, after(placesDays)), Good, "made on 2026-11-01")
	expect(t, "old", places(c, after(placesDays+1)), Advice, "46 days ago")
	expect(t, "from tomorrow", places(c, after(-1)), Good, "made on")
	expect(t, "of the future", places(c, after(-2)), Advice, "still to come")
}
