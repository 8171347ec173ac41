package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/oauth2"

	"konklave/auth"
)

// person is what was proved of somebody.
type person struct {
	claims  claims
	raw     string // the ID token
	refresh string // the refresh token, or empty
}

// hint is kept of a sign-in for Logout and Review.
type hint struct {
	IDToken string
	Refresh string
}

func (h hint) encode() []byte {
	text, _ := json.Marshal(h) // cannot fail for these types
	return text
}

func decodeHint(text []byte) (hint, error) {
	var h hint
	if err := json.Unmarshal(text, &h, json.RejectUnknownMembers(true)); err != nil {
		return hint{}, errors.New("what was kept of the sign-in cannot be read")
	}
	return h, nil
}

// identity makes an identity of the claims of the ID token and, for what that lacks, of the user information.
func (p *Provider) identity(ctx context.Context, m *metadata, who person, token *oauth2.Token) (auth.ProviderIdentity, error) {
	told := who.claims.everything
	if m.UserInfo != "" {
		more, err := p.userInfo(ctx, m, who.claims.Subject, token.AccessToken)
		if err != nil {
			return auth.ProviderIdentity{}, err
		}
		for name, value := range told {
			more[name] = value
		}
		told = more
	}
	now := p.now()
	id := auth.ProviderIdentity{
		Provider: p.settings.ID, Subject: p.settings.Issuer + " " + who.claims.Subject,
		Name: fullName(told), Email: text(told["email"]), EmailVerified: string(told["email_verified"]) == "true",
		Attributes: map[string][]string{}, Methods: who.claims.Methods, Context: who.claims.Context,
		Session: who.claims.Session, Hint: hint{IDToken: who.raw, Refresh: who.refresh}.encode(), AskAgain: now.Add(p.settings.Review),
	}
	if who.claims.AuthTime.plausible() {
		id.SignedInAt = who.claims.AuthTime.time()
	}
	if p.settings.GroupsClaim != "" {
		id.Groups = texts(told[p.settings.GroupsClaim])
	}
	if len(id.Groups) > MaxGroups {
		return auth.ProviderIdentity{}, auth.ReasonTooLarge
	}
	for _, name := range p.settings.Attributes {
		if values := texts(told[name]); len(values) > 0 {
			id.Attributes[name] = values
		}
	}
	return id, nil
}

// userInfo asks for the claims of the person to whom the access token belongs, who has to be the subject.
func (p *Provider) userInfo(ctx context.Context, m *metadata, subject, access string) (map[string]jsontext.Value, error) {
	answer, err := p.get(ctx, m.UserInfo, access)
	var status *statusError
	if errors.As(err, &status) && (status.status == http.StatusUnauthorized || status.status == http.StatusForbidden) {
		return nil, auth.ReasonDenied
	}
	if err != nil {
		return nil, err
	}
	told := map[string]jsontext.Value{}
	if err := json.Unmarshal(answer, &told); err != nil {
		return nil, fmt.Errorf("the user information of %s cannot be read", p.settings.Issuer)
	}
	if text(told["sub"]) != subject {
		return nil, auth.ReasonSubject
	}
	return told, nil
}

func fullName(told map[string]jsontext.Value) string {
	if name := text(told["name"]); name != "" {
		return name
	}
	if name := strings.TrimSpace(text(told["given_name"]) + " " + text(told["family_name"])); name != "" {
		return name
	}
	return text(told["preferred_username"])
}

// text is the value of a claim that is a text, or empty.
func text(value jsontext.Value) string {
	var s string
	if value.Kind() != '"' || json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}

// texts is the value of a claim as a list: of texts, numbers and truths, or of one.
func texts(value jsontext.Value) []string {
	var list []jsontext.Value
	switch value.Kind() {
	case '[':
		if json.Unmarshal(value, &list) != nil {
			return nil
		}
	default:
		list = []jsontext.Value{value}
	}
	var all []string
	for _, v := range list {
		switch v.Kind() {
		case '"':
			all = append(all, text(v))
		case '0', 't', 'f':
			all = append(all, string(v))
		default: // what is no plain value says nothing
		}
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}
