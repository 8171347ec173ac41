package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Checkpoint is how large the audit log is, as it signed it.
type Checkpoint struct {
	Note      string        `json:"note"` // signed
	Origin    string        `json:"origin"`
	Size      int64         `json:"size"` // entries
	Root      string        `json:"root"` // in base64
	Keys      []string      `json:"keys"` // public keys of the log, the present one last
	Witnesses []Cosignature `json:"witnesses"`
}

// Cosignature is who has cosigned a checkpoint, and when.
type Cosignature struct {
	Witness string    `json:"witness"`
	At      time.Time `json:"at"`
}

// Checkpoint asks for the newest checkpoint; for those who may read the audit log, and for witnesses.
func (c *Client) Checkpoint(ctx context.Context) (Checkpoint, error) {
	return get[Checkpoint](ctx, c, "/audit/checkpoint")
}

// Growth asks for the proof that the log of a size begins with the log of an earlier size: hashes in base64.
func (c *Client) Growth(ctx context.Context, earlier, size int64) ([]string, error) {
	q := url.Values{"earlier": {strconv.FormatInt(earlier, 10)}, "size": {strconv.FormatInt(size, 10)}}
	p, err := get[struct {
		Hashes []string `json:"hashes"`
	}](ctx, c, "/audit/proof?"+q.Encode())
	return p.Hashes, err
}

// Cosign gives a checkpoint back that a witness has cosigned.
func (c *Client) Cosign(ctx context.Context, note string) (Checkpoint, error) {
	return send[Checkpoint](ctx, c, http.MethodPost, "/audit/cosignatures", struct {
		Note string `json:"note"`
	}{note})
}
