package doctor

import (
	"time"

	"konklave/config"
	"konklave/geoip"
)

// placesDays is how many days old a file of places should be at most: addresses move, and the usual suppliers make a new file each
// month or more often.
const placesDays = 45

// places looks at the file that tells where addresses are used.
func places(c config.Config, now time.Time) []Finding {
	file := c.Detection.GeoIPFile
	if file == "" {
		return nil
	}
	a, err := geoip.Open(file)
	if err != nil {
		return []Finding{failed("Fetch the file again, and see that the controller's user may read it; the server does not start with this one.", "detection.geoip-file cannot be used (%v).", err)}
	}
	days := int(now.Sub(a.Built()).Hours() / 24)
	switch {
	case days < -1:
		return []Finding{advice("Look at the clock of this machine.", "%s says that it was made on %s, which is still to come.", file, a.Built().Format(time.DateOnly))}
	case days > placesDays:
		return []Finding{advice("Fetch a new one and restart; journeys and countries are judged by it.", "%s was made %d days ago.", file, days)}
	}
	return []Finding{good("%s can be read and was made on %s.", file, a.Built().Format(time.DateOnly))}
}
