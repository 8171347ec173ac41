package saml_test

import (
	"bytes"
	"log/slog"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"konklave/auth"
	"konklave/auth/providertest"
	"konklave/auth/saml"
	"konklave/auth/settings"
)

const (
	entity   = "https://konklave.example/auth/saml"
	consumer = "https://konklave.example/auth/saml/consumer"
	logout   = "https://konklave.example/auth/saml/logout"
)

// provider starts a SimpleSAMLphp and returns our side of it.
func provider(t *testing.T, gcm bool) (*saml.Provider, *providertest.Browser, *bytes.Buffer) {
	t.Helper()
	dir := t.TempDir()
	authority, err := providertest.NewAuthority(dir)
	must(t, err)
	cert, key, err := authority.Issue("konklave.example")
	must(t, err)
	server, err := providertest.StartSimpleSAML(t.Context(), dir, authority, providertest.ServiceProvider{EntityID: entity, Consumer: consumer, Logout: logout, CertFile: cert}, gcm)
	must(t, err)
	t.Cleanup(server.Close)
	var log bytes.Buffer
	p, err := saml.New(settings.SAML{
		Provider: settings.Provider{ID: "bund", Review: time.Hour, Attributes: []string{"uid"}},
		EntityID: server.EntityID, Metadata: server.MetadataFile, KeyFile: key, CertFile: cert,
		NameAttribute: "cn", EmailAttribute: "mail", GroupsAttribute: "groups",
	}, saml.Parts{EntityID: entity, Consumer: consumer, Logout: logout, Once: new(providertest.Once), Log: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now})
	must(t, err)
	return p, providertest.NewBrowser(authority, "https://konklave.example/"), &log
}

// signIn goes through the provider's pages and returns what comes back.
func signIn(t *testing.T, p *saml.Provider, b *providertest.Browser, w auth.Wish, name string) (auth.Redirection, auth.Reply) {
	t.Helper()
	started, err := p.Begin(t.Context(), w)
	must(t, err)
	_, form, err := b.Go(t.Context(), started.Address, name, "secret")
	must(t, err)
	return started, auth.Reply{Form: form}
}

// Everything against a real SimpleSAMLphp that encrypts with AES-256-GCM.
func TestSimpleSAMLphp(t *testing.T) {
	t.Parallel()
	p, browser, _ := provider(t, true)
	if h, err := p.Examine(t.Context()); err != nil || !strings.Contains(h.SignOn, "SSOService") || !h.Ends.After(time.Now()) || !h.OwnEnds.After(time.Now()) {
		t.Errorf("%+v, %v", h, err)
	}
	started, answer := signIn(t, p, browser, auth.Wish{}, "anna")
	id, err := p.Finish(t.Context(), answer, started.State)
	must(t, err)
	if !strings.HasSuffix(id.Subject, "/idp "+strings.Fields(id.Subject)[1]) || id.Name != "Anna Beispiel" || id.Email != "anna@example.org" || id.EmailVerified ||
		!reflect.DeepEqual(id.Groups, []string{"staff", "all"}) || !reflect.DeepEqual(id.Attributes, map[string][]string{"uid": {"anna"}}) ||
		id.Session == "" || id.Context == "" || id.SignedInAt.IsZero() {
		t.Errorf("identity %+v", id)
	}
	_, err = p.Finish(t.Context(), answer, started.State)
	refused(t, "the same response again", err, auth.ReasonReplay)

	started, answer = signIn(t, p, browser, auth.Wish{}, "nobody") // the provider's session answers
	same, err := p.Finish(t.Context(), answer, started.State)
	must(t, err)
	if same.Subject != id.Subject {
		t.Errorf("subjects %q and %q of one person", same.Subject, id.Subject)
	}
	other := providertest.NewBrowser(nil, "https://konklave.example/")
	started, answer = signIn(t, p, other, auth.Wish{}, "eva")
	eva, err := p.Finish(t.Context(), answer, started.State)
	must(t, err)
	if eva.Subject == id.Subject || eva.Name != "Müller & <Eva>" {
		t.Errorf("identity %+v", eva)
	}

	// Single logout from our side.
	leaving, err := p.Logout(t.Context(), same)
	must(t, err)
	query, _, err := browser.Go(t.Context(), leaving.Address, "", "")
	must(t, err)
	if err := p.LoggedOff(t.Context(), auth.Reply{RawQuery: query.Encode()}, leaving.State); err == nil {
		t.Error("a signature over parameters in another order is taken")
	}
}

func TestSimpleSAMLphpEndsItsSession(t *testing.T) {
	t.Parallel()
	p, browser, _ := provider(t, true)
	started, answer := signIn(t, p, browser, auth.Wish{}, "anna")
	id, err := p.Finish(t.Context(), answer, started.State)
	must(t, err)
	leaving, err := p.Logout(t.Context(), id)
	must(t, err)
	raw, err := browser.GoRaw(t.Context(), leaving.Address)
	must(t, err)
	query, err := url.ParseQuery(raw)
	must(t, err)
	must(t, p.LoggedOff(t.Context(), auth.Reply{RawQuery: raw, Query: query}, leaving.State))
	refused(t, "the same answer again", p.LoggedOff(t.Context(), auth.Reply{RawQuery: raw, Query: query}, leaving.State), auth.ReasonReplay)

	started, answer = signIn(t, p, browser, auth.Wish{}, "anna") // asked for the password again
	id, err = p.Finish(t.Context(), answer, started.State)
	must(t, err)

	// Single logout from the provider's side: the browser is sent to us, and with our answer back.
	idp := strings.Fields(id.Subject)[0]
	raw, err = browser.GoRaw(t.Context(), strings.TrimSuffix(idp, "/idp")+"/saml2/idp/initSLO.php?RelayState="+url.QueryEscape("https://konklave.example/"))
	must(t, err)
	query, err = url.ParseQuery(raw)
	must(t, err)
	ended, err := p.LoggedOut(t.Context(), auth.Reply{RawQuery: raw, Query: query})
	must(t, err)
	if want := []auth.EndedSessions{{Provider: "bund", Subject: id.Subject, Session: id.Session}}; !reflect.DeepEqual(ended.Sessions, want) {
		t.Errorf("ended %+v, want %+v", ended.Sessions, want)
	}
	if _, err := browser.GoRaw(t.Context(), ended.Answer); err != nil {
		t.Errorf("the provider does not take our answer: %v", err)
	}
	_, err = p.LoggedOut(t.Context(), auth.Reply{RawQuery: raw, Query: query})
	refused(t, "the same request again", err, auth.ReasonReplay)
}

func TestStepUpAtSimpleSAMLphp(t *testing.T) {
	t.Parallel()
	p, browser, _ := provider(t, true)
	started, answer := signIn(t, p, browser, auth.Wish{}, "anna")
	first, err := p.Finish(t.Context(), answer, started.State)
	must(t, err)
	started, answer = signIn(t, p, browser, auth.Wish{Again: true}, "anna")
	second, err := p.Finish(t.Context(), answer, started.State)
	must(t, err)
	if second.SignedInAt.Before(first.SignedInAt) {
		t.Errorf("proved at %v, then at %v", first.SignedInAt, second.SignedInAt)
	}
}

// Debian's release encrypts with AES-CBC unless it is changed.
func TestCBCOfSimpleSAMLphpIsRefused(t *testing.T) {
	t.Parallel()
	p, browser, log := provider(t, false)
	started, answer := signIn(t, p, browser, auth.Wish{}, "anna")
	_, err := p.Finish(t.Context(), answer, started.State)
	refused(t, "AES-CBC", err, auth.ReasonAlgorithm)
	if annas.MatchString(log.String()) || strings.Contains(log.String(), "Assertion") {
		t.Errorf("the log tells %s", log)
	}
}
