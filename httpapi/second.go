package httpapi

import (
	"context"
	"net"
	"net/http"
	"net/url"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/fault"
)

func (a *API) addSecond() {
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/session/factor", ID: "signInWithFactor", Tag: "Session", Action: access.SessionStart,
		Summary: "Finish a sign-in with a second factor; sets the session cookie",
		Audits:  []audit.Kind{audit.KindSessionStarted}, Codes: []fault.Code{"auth.locked", "auth.roles", "factor.failed", "factor.expired"},
	}, a.signInWithFactor)
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/session/passkey", ID: "beginPasskeySignIn", Tag: "Session",
		Summary: "Begin to sign in with a passkey instead of a password", Codes: []fault.Code{"passkey.no_name"},
	}, a.beginPasskeySignIn)
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/session/passkey", ID: "signInWithPasskey", Tag: "Session", Action: access.SessionStart,
		Summary: "Sign in with a passkey; sets the session cookie",
		Audits:  []audit.Kind{audit.KindSessionStarted}, Codes: []fault.Code{"auth.roles", "factor.expired", "passkey.refused"},
	}, a.signInWithPasskey)
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/session/proof", ID: "beginProof", Tag: "Session", Action: access.FactorList,
		Summary: "How the caller can prove once more who it is", Codes: []fault.Code{"passkey.only", "session.proof_elsewhere"},
	}, a.beginProof)
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/session/proof", ID: "proveSession", Tag: "Session", Action: access.SessionProve,
		Summary: "Prove once more who one is, for what is sensitive",
		Audits:  []audit.Kind{audit.KindSessionProved}, Codes: []fault.Code{"auth.failed", "auth.locked", "factor.failed", "factor.expired"},
	}, a.proveSession)
}

// FactorWanted is what is still to be shown.
type FactorWanted struct {
	Challenge string            `json:"challenge" doc:"To be sent with the answer, within five minutes."`
	Kinds     []auth.FactorKind `json:"kinds" nullable:"false" enum:"password,totp,passkey,recovery_code" doc:"Of which one is enough."`
	Passkey   string            `json:"passkey,omitempty" doc:"For PublicKeyCredential.parseRequestOptionsFromJSON, as JSON text; absent when a passkey is not among the kinds."`
}

func showWanted(w auth.Wanted) FactorWanted {
	kinds := w.Kinds
	if kinds == nil {
		kinds = []auth.FactorKind{}
	}
	return FactorWanted{Challenge: w.Challenge, Kinds: kinds, Passkey: w.Passkey}
}

// FactorAnswer is a second factor; one of the fields after the challenge is sent.
type FactorAnswer struct {
	Challenge    string `json:"challenge"`
	Code         string `json:"code,omitempty" doc:"Of an authenticator app."`
	RecoveryCode string `json:"recoveryCode,omitempty"`
	Passkey      string `json:"passkey,omitempty" doc:"The credential as toJSON gives it, as JSON text."`
}

func (a *API) signInWithFactor(ctx context.Context, in *body[FactorAnswer]) (*signedIn, error) {
	who := callerOf(ctx)
	b := in.Body
	begun, err := a.factors.SignIn(ctx, access.Nobody(), who.attempt(), auth.Answer{
		Challenge: b.Challenge, Code: b.Code, RecoveryCode: b.RecoveryCode, Passkey: b.Passkey,
	}, a.site(who))
	if err != nil {
		return nil, err
	}
	return a.showSignedIn(begun), nil
}

func (a *API) beginPasskeySignIn(ctx context.Context, _ *struct{}) (*body[FactorWanted], error) {
	w, err := a.factors.AskPasskey(a.site(callerOf(ctx)))
	if err != nil {
		return nil, err
	}
	return &body[FactorWanted]{showWanted(w)}, nil
}

// PasskeyAnswer is a passkey instead of a password.
type PasskeyAnswer struct {
	Challenge string `json:"challenge"`
	Passkey   string `json:"passkey" doc:"The credential as toJSON gives it, as JSON text."`
}

func (a *API) signInWithPasskey(ctx context.Context, in *body[PasskeyAnswer]) (*signedIn, error) {
	who := callerOf(ctx)
	answer := auth.Answer{Challenge: in.Body.Challenge, Passkey: in.Body.Passkey}
	begun, err := a.factors.SignInByPasskey(ctx, access.Nobody(), who.attempt(), answer, a.site(who))
	if err != nil {
		return nil, err
	}
	return a.showSignedIn(begun), nil
}

func (a *API) beginProof(ctx context.Context, _ *struct{}) (*body[FactorWanted], error) {
	who := callerOf(ctx)
	w, err := a.factors.AskProof(ctx, who.identity(), a.site(who))
	if err != nil {
		return nil, err
	}
	return &body[FactorWanted]{showWanted(w)}, nil
}

// Proof shows once more who the caller is; one of the fields after the challenge is sent.
type Proof struct {
	Challenge    string `json:"challenge"`
	Password     string `json:"password,omitempty" format:"password" doc:"Where there is no second factor."`
	Code         string `json:"code,omitempty" doc:"Of an authenticator app."`
	RecoveryCode string `json:"recoveryCode,omitempty"`
	Passkey      string `json:"passkey,omitempty" doc:"The credential as toJSON gives it, as JSON text."`
}

func (a *API) proveSession(ctx context.Context, in *body[Proof]) (*empty, error) {
	who, b := callerOf(ctx), in.Body
	return nil, a.factors.Prove(ctx, who.identity(), who.source, who.device, auth.Answer{
		Challenge: b.Challenge, Code: b.Code, RecoveryCode: b.RecoveryCode, Passkey: b.Passkey, Password: b.Password,
	}, a.site(who))
}

// identity is the caller as package auth knows it.
func (c caller) identity() auth.Identity {
	return auth.Identity{Actor: c.actor, User: c.user, Session: c.session}
}

// attempt is a sign-in of the caller without what it proves.
func (c caller) attempt() auth.Attempt {
	return auth.Attempt{Address: c.source, UserAgent: c.agent, Device: c.device, Session: c.secret}
}

// site is where the caller meets us: the address that was configured, else the one that the front was reached by.
func (a *API) site(c caller) auth.Site {
	origin := c.origin
	if a.publicURL != "" {
		origin = a.publicURL
	}
	u, err := url.Parse(origin)
	if err != nil {
		return auth.Site{Name: a.name}
	}
	u.Path = ""
	host := u.Hostname()
	if net.ParseIP(host) != nil {
		host = "" // browsers allow no passkeys there
	}
	return auth.Site{Name: a.name, Host: host, Origin: u.String()}
}
