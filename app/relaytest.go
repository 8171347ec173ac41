package app

import (
	"crypto/rand"
	"time"

	"konklave/config"
	"konklave/httpapi"
	"konklave/turn"
)

// relayTest makes credentials for people who try the way to the relay before they join anything.
func relayTest(c config.Config, key []byte, now func() time.Time) func() (httpapi.RelayAccess, error) {
	urls := c.RelayURLs()
	return func() (httpapi.RelayAccess, error) {
		if len(urls) == 0 {
			return httpapi.RelayAccess{URLs: []string{}, ExpiresAt: now()}, nil
		}
		expires := now().Add(turn.TestLife)
		credential, err := turn.MintTest(key, rand.Text(), expires)
		return httpapi.RelayAccess{URLs: urls, Username: credential.Username, Credential: credential.Password, ExpiresAt: expires}, err
	}
}
