package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"konklave/config"
	"konklave/finding"
	"konklave/geoip"
	"konklave/store"
)

// Atlas tells where addresses are used, as far as the operator has supplied a file that knows.
func Atlas(c config.Config) (finding.Atlas, error) {
	if c.Detection.GeoIPFile == "" {
		return finding.Nowhere{}, nil
	}
	a, err := geoip.Open(c.Detection.GeoIPFile)
	if err != nil {
		return nil, fmt.Errorf("detection.geoip-file: %w", err)
	}
	return a, nil
}

// detection counts requests, and returns what looks for what is unusual beside them.
func detection(db *store.Store, places finding.Atlas, log *slog.Logger) (*finding.Traffic, func(context.Context) error) {
	traffic := finding.NewTraffic(time.Now)
	spikes := func(ctx context.Context) error { return traffic.Run(ctx, db, log) }
	return traffic, together(finding.NewWatch(db, db, places, log).Run, spikes)
}
