package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"konklave/audit/archive"
	"konklave/audit/checkpoint"
	"konklave/config"
	"konklave/store"
)

// How far behind a witness may be.
const (
	witnessBehind = time.Hour
	witnessLook   = 400 // checkpoints, which are an hour of them at least
)

// checkpoints is where the signed checkpoints of the audit log lie.
type checkpoints interface {
	Checkpoint(ctx context.Context, atMost int64) (note []byte, err error)
}

// auditLog looks whether the audit log is signed, and whether witnesses watch over it.
func auditLog(ctx context.Context, c config.Config, now time.Time) []Finding {
	text, err := os.ReadFile(c.AuditAlarmFile())
	if err == nil {
		return []Finding{failed("See the words above, and docs/operate/audit.md. People are not disturbed by it; what they do is logged as before.", "%s", strings.TrimSpace(string(text)))}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return []Finding{unknown("Run this as root.", "Whether there is an alarm about the audit log cannot be told (%v).", cause(err))}
	}
	keys, err := archive.KeysIn(c.AuditKeysFile())()
	if err != nil {
		return []Finding{unknown("Run this as root.", "The public keys of the audit log cannot be read (%v).", cause(err))}
	}
	if len(keys) == 0 {
		return []Finding{unknown("Start the server once; with systemd, see that konklave-signer runs.", "The audit log has not been signed yet.")}
	}
	db, err := store.Open(ctx, c.DSN(), store.Options{AsIs: true})
	if err != nil {
		return []Finding{unknown("See the finding for the database.", "Whether the audit log is signed cannot be told: the database cannot be opened.")}
	}
	defer db.Close()
	return signedLog(ctx, db, keys[len(keys)-1], c.Audit.WitnessKeys, now)
}

// signedLog judges the last checkpoint of the log with this public key.
func signedLog(ctx context.Context, log checkpoints, key string, witnesses []string, now time.Time) []Finding {
	trust, err := checkpoint.NewTrust([]string{key}, witnesses, len(witnesses))
	if err != nil {
		return []Finding{failed("Bring audit.keys in the data directory back from a backup.", "The public key of the audit log is not one (%v).", err)}
	}
	note, err := log.Checkpoint(ctx, math.MaxInt64)
	if err != nil {
		return []Finding{unknown("See the finding for the database.", "The last checkpoint of the audit log cannot be read (%v).", cause(err))}
	}
	if len(note) == 0 {
		return []Finding{unknown("Start the server, and wait a minute.", "The audit log has not been signed yet.")}
	}
	last, err := trust.Open(note)
	if err != nil {
		return []Finding{failed("Look into the log of the controller, and export the log for `konklave audit verify`: somebody may have changed it.",
			"The last checkpoint of the audit log is not one that its key has signed (%v).", err)}
	}
	signed := good("The audit log is signed up to entry %d; its public key is %s", last.Size-1, key)
	if len(witnesses) == 0 {
		return []Finding{signed, advice("Run `konklave witness` on another machine, under somebody else's hand, and put its public key into audit.witness-keys; see docs/operate/audit.md.",
			"No witness runs. Whoever has this machine can cut the audit log off or replace it as a whole, and only those who have kept an earlier export or checkpoint would find out.")}
	}
	findings := []Finding{signed}
	seen, err := cosigned(ctx, log, trust)
	if err != nil {
		return append(findings, unknown("See the finding for the database.", "Whether witnesses cosign cannot be told (%v).", cause(err)))
	}
	for _, key := range witnesses {
		name, err := checkpoint.WitnessName(key)
		if err != nil {
			continue // the configuration says so
		}
		findings = append(findings, witnessed(name, seen[name], last, now))
	}
	return findings
}

// witnessed judges one witness by the last that it has cosigned.
func witnessed(name string, at time.Time, last checkpoint.Signed, now time.Time) Finding {
	const fix = "Look whether it runs and reaches this server; what it says there comes first: it may have found that the log was changed."
	current := slices.ContainsFunc(last.Cosignatures, func(c checkpoint.Cosignature) bool { return c.Witness == name })
	switch {
	case at.IsZero():
		return failed(fix, "The witness %s has cosigned none of the last checkpoints of the audit log.", name)
	case !current && now.Sub(at) > witnessBehind:
		return failed(fix, "The witness %s has not cosigned since %s, although the audit log has grown.", name, at.Format(time.RFC3339))
	}
	return good("The witness %s watches over the audit log; it cosigned at %s.", name, at.Format(time.RFC3339))
}

// cosigned tells when each witness has cosigned last.
func cosigned(ctx context.Context, log checkpoints, trust checkpoint.Trust) (map[string]time.Time, error) {
	seen := map[string]time.Time{}
	size := int64(math.MaxInt64)
	for range witnessLook {
		note, err := log.Checkpoint(ctx, size)
		if err != nil {
			return nil, fmt.Errorf("read a checkpoint: %w", err)
		}
		c, err := trust.Open(note)
		if err != nil {
			break // there are no more of this log
		}
		for _, s := range c.Cosignatures {
			if seen[s.Witness].IsZero() {
				seen[s.Witness] = s.At
			}
		}
		if c.Witnessed || c.Size == 0 {
			break
		}
		size = c.Size - 1
	}
	return seen, nil
}
