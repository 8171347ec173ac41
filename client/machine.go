package client

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// renewBefore is how long before its end an access token is not used any more.
const renewBefore = 15 * time.Second

// machine is how a client proves itself that is a program of its own (RFC 6749, section 4.4); guarded by Client.mu.
type machine struct {
	id, secret string
	token      string
	until      time.Time // when token is to be used no more
}

// WithMachine makes the client prove itself as a machine: it gets access tokens with this client_id and client_secret, and a new
// one before the last one ends.
func WithMachine(id, secret string) Option {
	return func(c *Client) { c.machine = &machine{id: id, secret: secret} }
}

// TokenRefused is the server's answer to a machine that it gave no access token (RFC 6749, section 5.2).
type TokenRefused struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

// Error has code and description.
func (r *TokenRefused) Error() string { return r.Code + ": " + r.Description }

// renew gets an access token unless there is one; it does nothing for a client that is no machine.
func (c *Client) renew(ctx context.Context) error {
	if c.machine == nil {
		return nil
	}
	c.mu.Lock()
	fresh := time.Now().Before(c.machine.until)
	c.mu.Unlock()
	if fresh {
		return nil
	}
	begun := time.Now()
	token, lifetime, err := c.grant(ctx)
	if err != nil {
		return fmt.Errorf("get an access token: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.machine.token, c.machine.until = token, begun.Add(lifetime-min(renewBefore, lifetime/2))
	return nil
}

// forgetAccess makes the next request get another access token.
func (c *Client) forgetAccess() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.machine != nil {
		c.machine.until = time.Time{}
	}
}

// grant asks for an access token.
func (c *Client) grant(ctx context.Context) (token string, lifetime time.Duration, err error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.String()+apiPath+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	proof := url.QueryEscape(c.machine.id) + ":" + url.QueryEscape(c.machine.secret)
	req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(proof)))
	resp, err := c.http.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return "", 0, err
	}
	if resp.StatusCode != http.StatusOK {
		var refused TokenRefused
		if json.Unmarshal(text, &refused) == nil && refused.Code != "" {
			return "", 0, &refused
		}
		return "", 0, problem(resp, text)
	}
	var answer struct {
		Token    string `json:"access_token"`
		Lifetime int64  `json:"expires_in"` // seconds
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return "", 0, err
	}
	return answer.Token, time.Duration(answer.Lifetime) * time.Second, nil
}
