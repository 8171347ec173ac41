package oidc_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"konklave/auth"
	"konklave/auth/oidc"
	"konklave/auth/settings"
)

func TestBeginAsksAsTheProtocolSays(t *testing.T) {
	t.Parallel()
	h := newHostile(t)
	p := h.provider(t, func(s *settings.OpenID) { s.Contexts = []string{"high", "higher"} })
	started, _ := h.begin(t, p, auth.Wish{Again: true})
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "konklave", "redirect_uri": callback, "scope": "openid profile email",
		"code_challenge_method": "S256", "prompt": "login", "max_age": "0", "acr_values": "high higher",
	} {
		if got := h.question.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	first := h.question
	second, _ := h.begin(t, p, auth.Wish{})
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(first.Get(name)) < 26 || first.Get(name) == h.question.Get(name) {
			t.Errorf("%s is %q, then %q", name, first.Get(name), h.question.Get(name))
		}
	}
	if h.question.Has("prompt") || reflect.DeepEqual(started.State, second.State) || !started.Expires.Equal(h.now.Add(oidc.StateLifetime)) {
		t.Errorf("%v, %+v", h.question, second)
	}
}

func TestFinishTellsWhoSomebodyIs(t *testing.T) {
	t.Parallel()
	h := newHostile(t)
	h.claims = func(o object) { o["level"] = 3; o["amr"] = []string{"pwd", "otp"} }
	p := h.provider(t)
	started, query := h.begin(t, p, auth.Wish{})
	id, err := p.Finish(t.Context(), auth.Reply{Query: query}, started.State)
	must(t, err)
	if id.Subject != h.server.URL+" anna" || id.Name != "Anna" || id.Email != "anna@example.org" || !id.EmailVerified || id.Session != "s1" ||
		!reflect.DeepEqual(id.Groups, []string{"staff"}) || !reflect.DeepEqual(id.Attributes, map[string][]string{"level": {"3"}}) ||
		!reflect.DeepEqual(id.Methods, []string{"pwd", "otp"}) || !id.AskAgain.Equal(h.now.Add(time.Hour)) || !id.SignedInAt.Equal(h.now) {
		t.Errorf("%+v", id)
	}
	if got := h.requests[0]; got.Get("code_verifier") == "" || got.Get("redirect_uri") != callback || got.Has("client_secret") {
		t.Errorf("the token endpoint was asked %v", got)
	}
}

// what the provider, or somebody in its name, may try.
func TestFinishRefusesWhatIsNotProved(t *testing.T) {
	t.Parallel()
	second := func(h *hostile, d time.Duration) int64 { return h.now.Add(d).Unix() }
	for what, c := range map[string]struct {
		arrange func(h *hostile)
		want    auth.Reason // empty: accepted
	}{
		"right":                         {func(*hostile) {}, ""},
		"no signature":                  {func(h *hostile) { h.header = setter("alg", "none"); h.sign = func(string) []byte { return nil } }, auth.ReasonAlgorithm},
		"None in other case":            {func(h *hostile) { h.header = setter("alg", "None"); h.sign = func(string) []byte { return nil } }, auth.ReasonAlgorithm},
		"signature cut off":             {func(h *hostile) { h.sign = func(string) []byte { return nil } }, auth.ReasonSignature},
		"public key as secret":          {func(h *hostile) { h.header = setter("alg", "HS256"); h.sign = h.hs256 }, auth.ReasonAlgorithm},
		"algorithm that is not offered": {func(h *hostile) { h.header = setter("alg", "RS512") }, auth.ReasonAlgorithm},
		"other key":                     {func(h *hostile) { h.sign = byForeign }, auth.ReasonSignature},
		"key in the header":             {func(h *hostile) { h.sign = byForeign; h.header = setter("jwk", object{"kty": "RSA"}) }, auth.ReasonSignature},
		"key id that is a path":         {func(h *hostile) { h.header = setter("kid", "../../dev/null") }, auth.ReasonSignature},
		"critical header":               {func(h *hostile) { h.header = setter("crit", []string{"b64"}) }, auth.ReasonMalformed},
		"access token for an ID token":  {func(h *hostile) { h.header = setter("typ", "at+jwt") }, auth.ReasonMalformed},
		"logout token for an ID token":  {func(h *hostile) { h.claims = setter("events", object{}) }, auth.ReasonMalformed},
		"other issuer":                  {func(h *hostile) { h.claims = setter("iss", "https://evil.example") }, auth.ReasonIssuer},
		"issuer with a slash":           {func(h *hostile) { h.claims = setter("iss", h.server.URL+"/") }, auth.ReasonIssuer},
		"other audience":                {func(h *hostile) { h.claims = setter("aud", "other") }, auth.ReasonAudience},
		"no audience":                   {func(h *hostile) { h.claims = remover("aud") }, auth.ReasonAudience},
		"audience in a list":            {func(h *hostile) { h.claims = setter("aud", []string{"konklave"}) }, ""},
		"two audiences, no party":       {func(h *hostile) { h.claims = setter("aud", []string{"konklave", "other"}) }, auth.ReasonAudience},
		"two audiences, we the party": {func(h *hostile) {
			h.claims = func(o object) { o["aud"] = []string{"konklave", "other"}; o["azp"] = "konklave" }
		}, ""},
		"authorized party is another": {func(h *hostile) { h.claims = setter("azp", "other") }, auth.ReasonAudience},
		"other nonce":                 {func(h *hostile) { h.claims = setter("nonce", "n") }, auth.ReasonState},
		"no nonce":                    {func(h *hostile) { h.claims = remover("nonce") }, auth.ReasonState},
		"no subject":                  {func(h *hostile) { h.claims = remover("sub") }, auth.ReasonSubject},
		"longest subject": {func(h *hostile) {
			s := strings.Repeat("s", oidc.MaxSubject)
			h.claims = setter("sub", s)
			h.info = setter("sub", s)
		}, ""},
		"subject too long":             {func(h *hostile) { h.claims = setter("sub", strings.Repeat("s", oidc.MaxSubject+1)) }, auth.ReasonSubject},
		"subject with a line end":      {func(h *hostile) { h.claims = setter("sub", "a\nb") }, auth.ReasonSubject},
		"expired, within the skew":     {func(h *hostile) { h.claims = setter("exp", second(h, time.Second-oidc.ClockSkew)) }, ""},
		"expired":                      {func(h *hostile) { h.claims = setter("exp", second(h, -oidc.ClockSkew)) }, auth.ReasonExpired},
		"no expiry":                    {func(h *hostile) { h.claims = remover("exp") }, auth.ReasonMalformed},
		"expiry as a text":             {func(h *hostile) { h.claims = setter("exp", "1800000300") }, auth.ReasonMalformed},
		"expiry beyond time":           {func(h *hostile) { h.claims = setter("exp", 1e99) }, auth.ReasonMalformed},
		"negative expiry":              {func(h *hostile) { h.claims = setter("exp", -1) }, auth.ReasonMalformed},
		"issued in the future":         {func(h *hostile) { h.claims = setter("iat", second(h, oidc.ClockSkew+time.Second)) }, auth.ReasonEarly},
		"issued within the skew":       {func(h *hostile) { h.claims = setter("iat", second(h, oidc.ClockSkew)) }, ""},
		"issued long ago":              {func(h *hostile) { h.claims = setter("iat", second(h, -oidc.MaxProofAge-oidc.ClockSkew-time.Second)) }, auth.ReasonExpired},
		"issued just not too long ago": {func(h *hostile) { h.claims = setter("iat", second(h, -oidc.MaxProofAge-oidc.ClockSkew)) }, ""},
		"no time of issue":             {func(h *hostile) { h.claims = remover("iat") }, auth.ReasonMalformed},
		"not yet valid":                {func(h *hostile) { h.claims = setter("nbf", second(h, oidc.ClockSkew+time.Second)) }, auth.ReasonEarly},
		"valid within the skew":        {func(h *hostile) { h.claims = setter("nbf", second(h, oidc.ClockSkew)) }, ""},
		"hash of another access token": {func(h *hostile) { h.claims = setter("at_hash", "AAAA") }, auth.ReasonSignature},
		"hash of the access token":     {func(h *hostile) { h.claims = setter("at_hash", "oFYf1knNtrqnhAVfBRuteQ") }, ""},
		"no ID token":                  {func(h *hostile) { h.token = remover("id_token") }, auth.ReasonMalformed},
		"ID token that is a number":    {func(h *hostile) { h.token = setter("id_token", 5) }, auth.ReasonMalformed},
		"ID token that is no token":    {func(h *hostile) { h.token = setter("id_token", "a.b.c") }, auth.ReasonMalformed},
		"ID token too long":            {func(h *hostile) { h.token = setter("id_token", strings.Repeat("x", oidc.MaxTokenBytes+1)) }, auth.ReasonTooLarge},
		"user information of another":  {func(h *hostile) { h.info = setter("sub", "eva") }, auth.ReasonSubject},
		"user information of nobody":   {func(h *hostile) { h.info = remover("sub") }, auth.ReasonSubject},
		"user information refused":     {func(h *hostile) { h.infoStatus = http.StatusUnauthorized }, auth.ReasonDenied},
		"code refused":                 {func(h *hostile) { h.tokenStatus = http.StatusBadRequest }, auth.ReasonDenied},
		"as many groups as may be":     {func(h *hostile) { h.info = setter("groups", manyGroups(oidc.MaxGroups)) }, ""},
		"too many groups":              {func(h *hostile) { h.info = setter("groups", manyGroups(oidc.MaxGroups+1)) }, auth.ReasonTooLarge},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			h := newHostile(t)
			p := h.provider(t)
			started, query := h.begin(t, p, auth.Wish{})
			c.arrange(h)
			_, err := p.Finish(t.Context(), auth.Reply{Query: query}, started.State)
			if c.want == "" {
				must(t, err)
				return
			}
			refused(t, what, err, c.want)
			if log := h.log.String(); annas.MatchString(log) || strings.Contains(log, "secret") || strings.Contains(log, "access") {
				t.Errorf("the log tells %s", log)
			}
		})
	}
}

// annas is her name in a text. Within a random word it would be there by chance.
var annas = regexp.MustCompile(`\banna\b`)

// what comes with the browser.
func TestFinishRefusesAnswersToOtherQuestions(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		change func(h *hostile, query url.Values, state []byte) []byte
		want   auth.Reason
	}{
		"right":       {func(_ *hostile, _ url.Values, s []byte) []byte { return s }, ""},
		"no state":    {func(_ *hostile, q url.Values, s []byte) []byte { q.Del("state"); return s }, auth.ReasonState},
		"other state": {func(_ *hostile, q url.Values, s []byte) []byte { q.Set("state", "x"); return s }, auth.ReasonState},
		"state twice": {func(_ *hostile, q url.Values, s []byte) []byte { q.Add("state", q.Get("state")); return s }, auth.ReasonMalformed},
		"code twice":  {func(_ *hostile, q url.Values, s []byte) []byte { q.Add("code", "c2"); return s }, auth.ReasonMalformed},
		"no code":     {func(_ *hostile, q url.Values, s []byte) []byte { q.Del("code"); return s }, auth.ReasonMalformed},
		"longest code": {func(_ *hostile, q url.Values, s []byte) []byte {
			q.Set("code", strings.Repeat("c", oidc.MaxCodeBytes))
			return s
		}, ""},
		"code too long": {func(_ *hostile, q url.Values, s []byte) []byte {
			q.Set("code", strings.Repeat("c", oidc.MaxCodeBytes+1))
			return s
		}, auth.ReasonTooLarge},
		"provider says no": {func(_ *hostile, q url.Values, s []byte) []byte { q.Set("error", "access_denied"); return s }, auth.ReasonDenied},
		"issuer in answer": {func(h *hostile, q url.Values, s []byte) []byte { q.Set("iss", h.server.URL); return s }, ""},
		"mix-up":           {func(_ *hostile, q url.Values, s []byte) []byte { q.Set("iss", "https://other.example"); return s }, auth.ReasonIssuer},
		"nothing kept":     {func(*hostile, url.Values, []byte) []byte { return nil }, auth.ReasonState},
		"kept is no state": {func(*hostile, url.Values, []byte) []byte { return []byte(`{"State":"x"`) }, auth.ReasonState},
		"kept by another": {func(_ *hostile, _ url.Values, s []byte) []byte {
			return []byte(strings.Replace(string(s), `"land"`, `"bund"`, 1))
		}, auth.ReasonState},
		"just in time": {func(h *hostile, _ url.Values, s []byte) []byte {
			h.now = h.now.Add(oidc.StateLifetime - time.Second)
			return s
		}, ""},
		"too late":            {func(h *hostile, _ url.Values, s []byte) []byte { h.now = h.now.Add(oidc.StateLifetime); return s }, auth.ReasonExpired},
		"before it was asked": {func(h *hostile, _ url.Values, s []byte) []byte { h.now = h.now.Add(-time.Second); return s }, auth.ReasonExpired},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			h := newHostile(t)
			p := h.provider(t)
			started, query := h.begin(t, p, auth.Wish{})
			state := c.change(h, query, started.State)
			_, err := p.Finish(t.Context(), auth.Reply{Query: query}, state)
			if c.want == "" {
				must(t, err)
				_, err = p.Finish(t.Context(), auth.Reply{Query: query}, state)
				refused(t, "the same again", err, auth.ReasonReplay)
				return
			}
			refused(t, what, err, c.want)
		})
	}
}

func TestIssuerIsRequiredWhereTheProviderPromisesIt(t *testing.T) {
	t.Parallel()
	h := newHostile(t)
	h.metadata = setter("authorization_response_iss_parameter_supported", true)
	p := h.provider(t)
	started, query := h.begin(t, p, auth.Wish{})
	_, err := p.Finish(t.Context(), auth.Reply{Query: query}, started.State)
	refused(t, "no issuer in the answer", err, auth.ReasonIssuer)
}

func TestStepUpNeedsAFreshProof(t *testing.T) {
	t.Parallel()
	for ago, want := range map[time.Duration]auth.Reason{oidc.ClockSkew: "", oidc.ClockSkew + time.Second: auth.ReasonStale} {
		h := newHostile(t)
		p := h.provider(t)
		started, query := h.begin(t, p, auth.Wish{Again: true})
		h.claims = setter("auth_time", h.now.Add(-ago).Unix())
		_, err := p.Finish(t.Context(), auth.Reply{Query: query}, started.State)
		if want == "" {
			must(t, err)
			continue
		}
		refused(t, ago.String(), err, want)
	}
	h := newHostile(t)
	p := h.provider(t)
	started, query := h.begin(t, p, auth.Wish{Again: true})
	h.claims = remover("auth_time")
	_, err := p.Finish(t.Context(), auth.Reply{Query: query}, started.State)
	refused(t, "no time of the proof", err, auth.ReasonStale)
}

func TestContextHasToBeOneOfThoseAskedFor(t *testing.T) {
	t.Parallel()
	for acr, want := range map[any]auth.Reason{"high": "", "low": auth.ReasonContext, "": auth.ReasonContext} {
		h := newHostile(t)
		h.claims = setter("acr", acr)
		p := h.provider(t, func(s *settings.OpenID) { s.Contexts = []string{"high"} })
		started, query := h.begin(t, p, auth.Wish{})
		_, err := p.Finish(t.Context(), auth.Reply{Query: query}, started.State)
		if want == "" {
			must(t, err)
			continue
		}
		refused(t, "acr", err, want)
	}
}

func TestMetadataHaveToBeThoseOfTheIssuer(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(object){
		"other issuer":             setter("issuer", "https://other.example"),
		"token endpoint in clear":  setter("token_endpoint", "http://127.0.0.1/token"),
		"keys in a file":           setter("jwks_uri", "file:///etc/passwd"),
		"no authorization":         remover("authorization_endpoint"),
		"user information, clear":  setter("userinfo_endpoint", "http://127.0.0.1/info"),
		"end of session, a script": setter("end_session_endpoint", "javascript:alert(1)"),
		"too much":                 setter("x", strings.Repeat("x", oidc.MaxAnswerBytes)),
	} {
		h := newHostile(t)
		h.metadata = change
		if _, err := h.provider(t).Begin(t.Context(), auth.Wish{}); !errors.Is(err, auth.ErrProviderUnavailable) {
			t.Errorf("%s: %v, want auth.provider_unavailable", what, err)
		}
	}
}

func TestNoRedirectionIsFollowed(t *testing.T) {
	t.Parallel()
	h := newHostile(t)
	elsewhere := newHostile(t)
	p := h.provider(t)
	started, query := h.begin(t, p, auth.Wish{})
	h.metadata = nil
	h.server.Config.Handler = http.RedirectHandler(elsewhere.server.URL+"/token", http.StatusTemporaryRedirect)
	if _, err := p.Finish(t.Context(), auth.Reply{Query: query}, started.State); !errors.Is(err, auth.ErrProviderUnavailable) {
		t.Errorf("%v, want auth.provider_unavailable", err)
	}
	if len(elsewhere.requests) != 0 {
		t.Error("the code and the secret went elsewhere")
	}
}

func TestMetadataAreReadAgain(t *testing.T) {
	t.Parallel()
	h := newHostile(t)
	p := h.provider(t)
	h.begin(t, p, auth.Wish{})
	h.metadata = setter("authorization_endpoint", h.server.URL+"/moved")
	for age, moved := range map[time.Duration]bool{oidc.DiscoveryAge - time.Second: false} {
		h.now = h.now.Add(age)
		started, _ := h.begin(t, p, auth.Wish{})
		if strings.Contains(started.Address, "/moved") != moved {
			t.Errorf("after %v: %s", age, started.Address)
		}
	}
	h.now = h.now.Add(time.Second)
	if started, _ := h.begin(t, p, auth.Wish{}); !strings.Contains(started.Address, "/moved") {
		t.Errorf("after %v: %s", oidc.DiscoveryAge, started.Address)
	}
	h.metadata = setter("issuer", "https://other.example") // then the old ones stay
	h.now = h.now.Add(oidc.DiscoveryAge)
	if started, _ := h.begin(t, p, auth.Wish{}); !strings.Contains(started.Address, "/moved") {
		t.Errorf("with a provider gone wrong: %s", started.Address)
	}
}

func TestReview(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		arrange func(h *hostile)
		want    error
	}{
		"right":                  {func(*hostile) {}, nil},
		"no new ID token":        {func(h *hostile) { h.token = remover("id_token") }, nil},
		"no context any more":    {func(h *hostile) { h.claims = remover("acr") }, nil},
		"removed":                {func(h *hostile) { h.tokenStatus = http.StatusBadRequest }, auth.ErrProviderGone},
		"somebody else":          {func(h *hostile) { h.claims = setter("sub", "eva") }, auth.ErrProviderGone},
		"information of another": {func(h *hostile) { h.info = setter("sub", "eva") }, auth.ErrProviderGone},
		"information refused":    {func(h *hostile) { h.infoStatus = http.StatusForbidden }, auth.ErrProviderGone},
		"provider fails":         {func(h *hostile) { h.infoStatus = http.StatusInternalServerError }, auth.ErrProviderUnavailable},
		"token endpoint fails":   {func(h *hostile) { h.tokenStatus, h.tokenError = http.StatusBadRequest, "temporarily_unavailable" }, auth.ErrProviderUnavailable},
	} {
		h := newHostile(t)
		h.claims = setter("acr", "high")
		p := h.provider(t, func(s *settings.OpenID) { s.Contexts = []string{"high"} })
		started, query := h.begin(t, p, auth.Wish{})
		id, err := p.Finish(t.Context(), auth.Reply{Query: query}, started.State)
		must(t, err)
		h.info = setter("groups", []string{"other"})
		h.now = h.now.Add(time.Hour)
		c.arrange(h)
		now, err := p.Review(t.Context(), id)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
		if c.want == nil && (now.Subject != id.Subject || !reflect.DeepEqual(now.Groups, []string{"other"}) || !now.AskAgain.Equal(h.now.Add(time.Hour)) || !now.SignedInAt.Equal(id.SignedInAt) || now.Context != "high") {
			t.Errorf("%s: %+v", what, now)
		}
		if last := h.requests[len(h.requests)-1]; last.Get("refresh_token") != "refresh-2" || last.Get("grant_type") != "refresh_token" {
			t.Errorf("%s: asked by %v", what, last)
		}
	}
	h := newHostile(t)
	h.token = remover("refresh_token")
	p := h.provider(t)
	started, query := h.begin(t, p, auth.Wish{})
	id, err := p.Finish(t.Context(), auth.Reply{Query: query}, started.State)
	must(t, err)
	if _, err := p.Review(t.Context(), id); !errors.Is(err, auth.ErrProviderUnavailable) {
		t.Errorf("without a refresh token: %v", err)
	}
}

func TestLogoutLeadsToTheProvider(t *testing.T) {
	t.Parallel()
	h := newHostile(t)
	p := h.provider(t)
	started, query := h.begin(t, p, auth.Wish{})
	id, err := p.Finish(t.Context(), auth.Reply{Query: query}, started.State)
	must(t, err)
	leave, err := p.Logout(t.Context(), id)
	must(t, err)
	u, err := url.Parse(leave.Address)
	must(t, err)
	if q := u.Query(); u.Path != "/end" || strings.Count(q.Get("id_token_hint"), ".") != 2 || q.Get("post_logout_redirect_uri") != back || q.Has("state") || q.Get("client_id") != "konklave" {
		t.Errorf("%s", leave.Address)
	}
	h = newHostile(t)
	h.metadata = remover("end_session_endpoint")
	if leave, err := h.provider(t).Logout(t.Context(), id); leave.Address != "" || err != nil {
		t.Errorf("without an address: %q, %v", leave.Address, err)
	}
}

func TestBackChannelLogout(t *testing.T) {
	t.Parallel()
	const event = "http://schemas.openid.net/event/backchannel-logout"
	for what, c := range map[string]struct {
		change func(h *hostile, o object)
		want   auth.Reason
	}{
		"right":                  {func(*hostile, object) {}, ""},
		"of a session":           {func(_ *hostile, o object) { delete(o, "sub") }, ""},
		"of a person":            {func(_ *hostile, o object) { delete(o, "sid") }, ""},
		"of nobody":              {func(_ *hostile, o object) { delete(o, "sid"); delete(o, "sub") }, auth.ReasonSubject},
		"with a nonce":           {func(_ *hostile, o object) { o["nonce"] = nil }, auth.ReasonMalformed},
		"ID token":               {func(_ *hostile, o object) { delete(o, "events") }, auth.ReasonMalformed},
		"other event":            {func(_ *hostile, o object) { o["events"] = object{"x": object{}} }, auth.ReasonMalformed},
		"event that is a text":   {func(_ *hostile, o object) { o["events"] = object{event: "yes"} }, auth.ReasonMalformed},
		"events in other case":   {func(_ *hostile, o object) { delete(o, "events"); o["Events"] = object{event: object{}} }, auth.ReasonMalformed},
		"no id":                  {func(_ *hostile, o object) { delete(o, "jti") }, auth.ReasonMalformed},
		"other audience":         {func(_ *hostile, o object) { o["aud"] = "other" }, auth.ReasonAudience},
		"other issuer":           {func(_ *hostile, o object) { o["iss"] = "https://other.example" }, auth.ReasonIssuer},
		"expired":                {func(h *hostile, o object) { o["exp"] = h.now.Add(-oidc.ClockSkew).Unix() }, auth.ReasonExpired},
		"no expiry":              {func(_ *hostile, o object) { delete(o, "exp") }, auth.ReasonMalformed},
		"other key":              {func(h *hostile, _ object) { h.sign = byForeign }, auth.ReasonSignature},
		"type of logout":         {func(h *hostile, _ object) { h.header = setter("typ", "logout+jwt") }, ""},
		"type of another token":  {func(h *hostile, _ object) { h.header = setter("typ", "at+jwt") }, auth.ReasonMalformed},
		"no signature algorithm": {func(h *hostile, _ object) { h.header = setter("alg", "none") }, auth.ReasonAlgorithm},
	} {
		h := newHostile(t)
		p := h.provider(t)
		claims := object{
			"iss": h.server.URL, "aud": "konklave", "sub": "anna", "sid": "s1", "jti": "j1", "iat": h.now.Unix(), "exp": h.now.Add(time.Minute).Unix(),
			"events": object{event: object{}},
		}
		c.change(h, claims)
		form := url.Values{"logout_token": {h.signed(claims)}}
		farewell, err := p.LoggedOut(t.Context(), auth.Reply{Form: form})
		if c.want != "" {
			refused(t, what, err, c.want)
			continue
		}
		must(t, err)
		ended := farewell.Sessions[0]
		if ended.Provider != "land" || ended.Subject == "" && ended.Session == "" || ended.Subject != "" && ended.Subject != h.server.URL+" anna" {
			t.Errorf("%s: %+v", what, ended)
		}
		_, err = p.LoggedOut(t.Context(), auth.Reply{Form: form})
		refused(t, what+", again", err, auth.ReasonReplay)
	}
	h := newHostile(t)
	_, err := h.provider(t).LoggedOut(t.Context(), auth.Reply{Form: url.Values{"logout_token": {"a", "b"}}})
	refused(t, "two tokens", err, auth.ReasonMalformed)
}

// FuzzLoggedOut feeds whatever comes to an address that everybody can reach.
func FuzzLoggedOut(f *testing.F) {
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0..")
	f.Add("eyJhbGciOiJSUzI1NiJ9.e30.AAAA")
	f.Fuzz(func(t *testing.T, token string) {
		h := newHostile(t)
		if _, err := h.provider(t).LoggedOut(t.Context(), auth.Reply{Form: url.Values{"logout_token": {token}}}); !errors.Is(err, auth.ErrProviderRefused) {
			t.Errorf("%q: %v", token, err)
		}
	})
}

func TestSecretsAreNotInTheState(t *testing.T) {
	t.Parallel()
	h := newHostile(t)
	started, _ := h.begin(t, h.provider(t), auth.Wish{})
	var kept object
	must(t, json.Unmarshal(started.State, &kept))
	if verifier, _ := kept["Verifier"].(string); verifier == "" || strings.Contains(started.Address, verifier) {
		t.Error("the verifier goes with the browser")
	}
}
