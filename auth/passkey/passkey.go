// Package passkey speaks WebAuthn (W3C, level 3) for package auth: it makes the options that browsers are given and verifies what
// they answer.
package passkey

import (
	"encoding/json" // the library's types are made for it
	"errors"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"konklave/auth"
	"konklave/user"
)

// MaxAnswer is how long the answer of a browser may be, in bytes.
const MaxAnswer = 16 << 10

// Library implements auth.Passkeys.
type Library struct{}

var _ auth.Passkeys = Library{}

// Create implements auth.Passkeys. The passkey should be one that needs no name to be found, and know its owner; where the device
// cannot do that, it is a second factor only.
func (Library) Create(site auth.Site, u user.User, have []auth.Factor) (string, []byte, error) {
	w, err := at(site)
	if err != nil {
		return "", nil, err
	}
	owner, err := ownerOf(u, have)
	if err != nil {
		return "", nil, err
	}
	excluded := make([]protocol.CredentialDescriptor, 0, len(owner.credentials))
	for _, c := range owner.credentials {
		excluded = append(excluded, c.Descriptor())
	}
	creation, session, err := w.BeginRegistration(owner, webauthn.WithExclusions(excluded),
		webauthn.WithConveyancePreference(protocol.PreferNoAttestation),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationPreferred,
		}))
	if err != nil {
		return "", nil, err
	}
	return encode(creation.Response, session)
}

// Created implements auth.Passkeys.
func (Library) Created(site auth.Site, u user.User, state []byte, answer string) (credential, secret []byte, err error) {
	w, session, err := resume(site, state)
	if err != nil {
		return nil, nil, err
	}
	if len(answer) > MaxAnswer {
		return nil, nil, auth.ErrPasskeyRefused
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return nil, nil, refused(err)
	}
	made, err := w.CreateCredential(owner{user: u}, session, parsed)
	if err != nil {
		return nil, nil, refused(err)
	}
	made.Attestation = webauthn.CredentialAttestation{} // nobody asked for it
	secret, err = json.Marshal(made)
	return made.ID, secret, err
}

// Ask implements auth.Passkeys.
func (Library) Ask(site auth.Site, u user.User, have []auth.Factor) (string, []byte, error) {
	w, err := at(site)
	if err != nil {
		return "", nil, err
	}
	var asked *protocol.CredentialAssertion
	var session *webauthn.SessionData
	if len(have) == 0 {
		asked, session, err = w.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	} else {
		var who owner
		if who, err = ownerOf(u, have); err != nil {
			return "", nil, err
		}
		asked, session, err = w.BeginLogin(who, webauthn.WithUserVerification(protocol.VerificationPreferred))
	}
	if err != nil {
		return "", nil, err
	}
	session.AllowedCredentialIDs = nil // whose the passkey is, auth judges
	return encode(asked.Response, session)
}

// Answered implements auth.Passkeys.
func (Library) Answered(site auth.Site, state []byte, answer string, find func([]byte, string) (string, []byte, error)) ([]byte, bool, error) {
	w, session, err := resume(site, state)
	if err != nil {
		return nil, false, err
	}
	if len(answer) > MaxAnswer {
		return nil, false, auth.ErrPasskeyRefused
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return nil, false, refused(err)
	}
	id, secret, err := find(parsed.RawID, string(parsed.Response.UserHandle))
	if err != nil {
		return nil, false, err
	}
	who, err := ownerOf(user.User{ID: id}, []auth.Factor{{Secret: secret}})
	if err != nil {
		return nil, false, err
	}
	var shown *webauthn.Credential
	if len(session.UserID) == 0 {
		_, shown, err = w.ValidatePasskeyLogin(func([]byte, []byte) (webauthn.User, error) { return who, nil }, session, parsed)
	} else {
		shown, err = w.ValidateLogin(who, session, parsed)
	}
	if err != nil {
		return nil, false, refused(err)
	}
	copied := shown.Authenticator.CloneWarning
	used, err := json.Marshal(shown)
	return used, copied, err
}

// at is WebAuthn at a site. It fails with auth.ErrPasskeyPlace where browsers do not allow any.
func at(site auth.Site) (*webauthn.WebAuthn, error) {
	if err := protocol.ValidateRPID(site.Host); err != nil {
		return nil, auth.ErrPasskeyPlace.Because(err)
	}
	return webauthn.New(&webauthn.Config{RPID: site.Host, RPDisplayName: site.Name, RPOrigins: []string{site.Origin}})
}

func resume(site auth.Site, state []byte) (*webauthn.WebAuthn, webauthn.SessionData, error) {
	w, err := at(site)
	if err != nil {
		return nil, webauthn.SessionData{}, err
	}
	var session webauthn.SessionData
	if err := json.Unmarshal(state, &session); err != nil {
		return nil, webauthn.SessionData{}, err
	}
	if session.RelyingPartyID != site.Host {
		return nil, webauthn.SessionData{}, auth.ErrPasskeyRefused.Because(errors.New("begun at another site"))
	}
	return w, session, nil
}

func encode(options any, session *webauthn.SessionData) (string, []byte, error) {
	text, err := json.Marshal(options)
	if err != nil {
		return "", nil, err
	}
	state, err := json.Marshal(session)
	return string(text), state, err
}

// refused hides what the library says, which is for the log.
func refused(err error) error {
	var detailed *protocol.Error
	if errors.As(err, &detailed) && detailed.DevInfo != "" {
		err = errors.Join(err, errors.New(detailed.DevInfo))
	}
	return auth.ErrPasskeyRefused.Because(err)
}

// owner is a user as the library wants it.
type owner struct {
	user        user.User
	credentials []webauthn.Credential
}

func ownerOf(u user.User, have []auth.Factor) (owner, error) {
	o := owner{user: u}
	for _, f := range have {
		var c webauthn.Credential
		if err := json.Unmarshal(f.Secret, &c); err != nil {
			return owner{}, err
		}
		o.credentials = append(o.credentials, c)
	}
	return o, nil
}

// WebAuthnID is the id of the account, which is random.
func (o owner) WebAuthnID() []byte { return []byte(o.user.ID) }

// WebAuthnName tells accounts of one person apart.
func (o owner) WebAuthnName() string { return o.user.Email }

// WebAuthnDisplayName is the name that others see.
func (o owner) WebAuthnDisplayName() string { return o.user.Name }

// WebAuthnCredentials are the passkeys.
func (o owner) WebAuthnCredentials() []webauthn.Credential { return o.credentials }
