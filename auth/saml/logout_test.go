package saml_test

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	dsig "github.com/russellhaering/goxmldsig"

	"konklave/auth"
	"konklave/auth/saml"
	"konklave/auth/settings"
)

const logoutTemplate = `<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="l1" Version="2.0" IssueInstant="{now}" NotOnOrAfter="{soon}" Destination="` + logout + `"><saml:Issuer>` + issuer + `</saml:Issuer><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">anna</saml:NameID><samlp:SessionIndex>s1</samlp:SessionIndex></samlp:LogoutRequest>`

func pack(t *testing.T, message string) string {
	t.Helper()
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	must(t, err)
	_, err = w.Write([]byte(message))
	must(t, err)
	must(t, w.Close())
	return base64.StdEncoding.EncodeToString(packed.Bytes())
}

// redirect is a message as the provider's redirection carries it.
func redirect(t *testing.T, message string, by identity, method string) auth.Reply {
	t.Helper()
	query := "SAMLRequest=" + url.QueryEscape(pack(t, message)) + "&RelayState=r%2Fs&SigAlg=" + url.QueryEscape(method)
	hash, sum := crypto.SHA256, sha256.Sum256([]byte(query))
	digest := sum[:]
	if method == sha1Method {
		short := sha1.Sum([]byte(query))
		hash, digest = crypto.SHA1, short[:]
	}
	key, _ := by.key.(*rsa.PrivateKey)
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, hash, digest)
	must(t, err)
	return asCame(query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature)))
}

func asCame(raw string) auth.Reply {
	query, _ := url.ParseQuery(raw)
	return auth.Reply{RawQuery: raw, Query: query}
}

func TestLogoutThatTheProviderAsksFor(t *testing.T) {
	t.Parallel()
	right := dsig.RSASHA256SignatureMethod
	change := func(old, new string) func(*scene) auth.Reply {
		return func(s *scene) auth.Reply {
			changed := strings.Replace(logoutTemplate, old, new, 1)
			if changed == logoutTemplate {
				s.t.Fatalf("%q is not in the request", old)
			}
			return redirect(s.t, s.fill(changed), theirs(), right)
		}
	}
	edit := func(f func(raw string) string) func(*scene) auth.Reply {
		return func(s *scene) auth.Reply {
			return asCame(f(redirect(s.t, s.fill(logoutTemplate), theirs(), right).RawQuery))
		}
	}
	for what, c := range map[string]struct {
		make func(s *scene) auth.Reply
		want auth.Reason
	}{
		"by redirection":  {change("l1", "l2"), ""},
		"by a form":       {func(s *scene) auth.Reply { return posted(sign(s.t, s.fill(logoutTemplate), theirs(), "")) }, ""},
		"form not signed": {func(s *scene) auth.Reply { return posted(s.fill(logoutTemplate)) }, auth.ReasonSignature},
		"form by another": {func(s *scene) auth.Reply { return posted(sign(s.t, s.fill(logoutTemplate), foreign(), "")) }, auth.ReasonSignature},
		"form by SHA-1":   {func(s *scene) auth.Reply { return posted(sign(s.t, s.fill(logoutTemplate), theirs(), sha1Method)) }, auth.ReasonAlgorithm},
		"by another":      {func(s *scene) auth.Reply { return redirect(s.t, s.fill(logoutTemplate), foreign(), right) }, auth.ReasonSignature},
		"by SHA-1":        {func(s *scene) auth.Reply { return redirect(s.t, s.fill(logoutTemplate), theirs(), sha1Method) }, auth.ReasonAlgorithm},
		"says ECDSA": {func(s *scene) auth.Reply {
			return redirect(s.t, s.fill(logoutTemplate), theirs(), dsig.ECDSASHA256SignatureMethod)
		}, auth.ReasonSignature},
		"without a signature":      {edit(func(q string) string { before, _, _ := strings.Cut(q, "&Signature="); return before }), auth.ReasonSignature},
		"relay state changed":      {edit(func(q string) string { return strings.Replace(q, "r%2Fs", "evil", 1) }), auth.ReasonSignature},
		"relay state dropped":      {edit(func(q string) string { return strings.Replace(q, "&RelayState=r%2Fs", "", 1) }), auth.ReasonSignature},
		"relay state twice":        {edit(func(q string) string { return q + "&RelayState=evil" }), auth.ReasonMalformed},
		"another message beside":   {edit(func(q string) string { return q + "&SAMLReques%74=" + url.QueryEscape(pack(t, "<x/>")) }), auth.ReasonMalformed},
		"message under other name": {edit(func(q string) string { return strings.Replace(q, "SAMLRequest", "SAMLReques%74", 1) }), auth.ReasonSignature},
		"message that grows": {func(s *scene) auth.Reply {
			return redirect(s.t, strings.Repeat(" ", saml.MaxMessageBytes+1), theirs(), right)
		}, auth.ReasonTooLarge},
		"not packed":           {edit(func(string) string { return "SAMLRequest=AAAA" }), auth.ReasonMalformed},
		"another message":      {func(s *scene) auth.Reply { return redirect(s.t, s.fill(assertionTemplate), theirs(), right) }, auth.ReasonMalformed},
		"another issuer":       {change("<saml:Issuer>", "<saml:Issuer>x"), auth.ReasonIssuer},
		"another destination":  {change(`Destination="`, `Destination="x`), auth.ReasonAudience},
		"no destination":       {change(`Destination="`+logout+`"`, ""), auth.ReasonAudience},
		"over":                 {change("{soon}", "2026-11-22T11:59:00Z"), auth.ReasonExpired},
		"just not over":        {change("{soon}", "2026-11-22T11:59:01Z"), ""},
		"issued long ago":      {change("{now}", "2026-11-22T11:48:59Z"), auth.ReasonExpired},
		"issued in the future": {change("{now}", "2026-11-22T12:01:01Z"), auth.ReasonEarly},
		"of nobody":            {change(">anna<", "><"), auth.ReasonSubject},
		"empty session":        {change(">s1<", "><"), auth.ReasonMalformed},
		"comment in the name":  {change(">anna<", ">an<!-- -->na<"), auth.ReasonMalformed},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			answer := c.make(s)
			ended, err := s.p.LoggedOut(t.Context(), answer)
			if c.want != "" {
				refused(t, what, err, c.want)
				s.silent()
				return
			}
			must(t, err)
			if want := []auth.EndedSessions{{Provider: "bund", Subject: issuer + " anna", Session: "s1"}}; !reflect.DeepEqual(ended.Sessions, want) {
				t.Errorf("%+v, want %+v", ended.Sessions, want)
			}
			if !strings.HasPrefix(ended.Answer, "https://idp.example/slo?SAMLResponse=") || !strings.Contains(ended.Answer, "&Signature=") {
				t.Errorf("answer %q", ended.Answer)
			}
			_, err = s.p.LoggedOut(t.Context(), answer)
			refused(t, what+", again", err, auth.ReasonReplay)
		})
	}
}

func posted(message string) auth.Reply {
	return auth.Reply{Form: url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(message))}}}
}

func TestLogoutOfAllSessionsOfAPerson(t *testing.T) {
	t.Parallel()
	everywhere := strings.Replace(logoutTemplate, "<samlp:SessionIndex>s1</samlp:SessionIndex>", "", 1)
	s := newScene(t)
	ended, err := s.p.LoggedOut(t.Context(), redirect(t, s.fill(everywhere), theirs(), dsig.RSASHA256SignatureMethod))
	must(t, err)
	if want := []auth.EndedSessions{{Provider: "bund", Subject: issuer + " anna"}}; !reflect.DeepEqual(ended.Sessions, want) {
		t.Errorf("%+v", ended.Sessions)
	}
	s = newScene(t, func(c *settings.SAML) { c.SubjectAttribute = "id" }) // then the name in the request says nothing to us
	_, err = s.p.LoggedOut(t.Context(), redirect(t, s.fill(everywhere), theirs(), dsig.RSASHA256SignatureMethod))
	refused(t, "no session", err, auth.ReasonSubject)
	ended, err = s.p.LoggedOut(t.Context(), redirect(t, s.fill(strings.Replace(logoutTemplate, "l1", "l2", 1)), theirs(), dsig.RSASHA256SignatureMethod))
	must(t, err)
	if want := []auth.EndedSessions{{Provider: "bund", Session: "s1"}}; !reflect.DeepEqual(ended.Sessions, want) {
		t.Errorf("%+v", ended.Sessions)
	}
}

func TestStateOfALogoutIsNoStateOfASignIn(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.begin(auth.Wish{})
	id, err := s.finish(s.respond(sign(t, s.fill(assertionTemplate), theirs(), "")))
	must(t, err)
	leaving, err := s.p.Logout(t.Context(), id)
	must(t, err)
	if !strings.HasPrefix(leaving.Address, "https://idp.example/slo?SAMLRequest=") || !leaving.Expires.Equal(s.now.Add(saml.StateLifetime)) {
		t.Errorf("%+v", leaving)
	}
	s.begin(auth.Wish{})
	refused(t, "state of a sign-in", s.p.LoggedOff(t.Context(), auth.Reply{Form: url.Values{"RelayState": {s.relay}}}, s.started.State), auth.ReasonState)
	s.now = s.now.Add(time.Second)
	if _, err := s.p.Logout(t.Context(), auth.ProviderIdentity{}); err == nil {
		t.Error("a logout without a sign-in")
	}
}
