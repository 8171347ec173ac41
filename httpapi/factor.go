package httpapi

import (
	"context"
	"net/http"
	"time"

	"rsc.io/qr"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/fault"
)

func (a *API) addFactors() {
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/me/factors", ID: "listFactors", Tag: "Second factors", Action: access.FactorList,
		Summary: "The caller's second factors, the oldest first",
	}, a.listFactors)
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/me/factors/app", ID: "beginApp", Tag: "Second factors", Action: access.FactorList, Begins: access.FactorAdd,
		Summary: "Begin to add an authenticator app; nothing is stored yet",
	}, a.beginApp)
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/me/factors/app", ID: "addApp", Tag: "Second factors", Action: access.FactorAdd,
		Summary: "Add the authenticator app that shows this code", Status: http.StatusCreated,
		Audits: []audit.Kind{audit.KindFactorAdded, audit.KindRecoveryCodesMade},
		Codes:  []fault.Code{"factor.expired", "factor.code_wrong", "factor.name_invalid", "factor.too_many"},
	}, a.addApp)
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/me/factors/passkey", ID: "beginPasskey", Tag: "Second factors", Action: access.FactorList, Begins: access.FactorAdd,
		Summary: "Begin to make a passkey; nothing is stored yet", Codes: []fault.Code{"passkey.no_name"},
	}, a.beginPasskey)
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/me/factors/passkey", ID: "addPasskey", Tag: "Second factors", Action: access.FactorAdd,
		Summary: "Add the passkey that the browser has made", Status: http.StatusCreated,
		Audits: []audit.Kind{audit.KindFactorAdded, audit.KindRecoveryCodesMade},
		Codes:  []fault.Code{"factor.expired", "factor.name_invalid", "factor.too_many", "passkey.refused", "passkey.taken"},
	}, a.addPasskey)
	add(a, Route{
		Method: http.MethodDelete, Path: prefix + "/me/factors/{id}", ID: "removeFactor", Tag: "Second factors", Action: access.FactorRemove,
		Summary: "Remove a second factor; with the last one go the recovery codes", Audits: []audit.Kind{audit.KindFactorRemoved},
		Codes: []fault.Code{"factor.unknown"},
	}, a.removeFactor)
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/me/recovery-codes", ID: "makeRecoveryCodes", Tag: "Second factors", Action: access.RecoveryCodesMake,
		Summary: "Make recovery codes in place of earlier ones; they are shown only now", Status: http.StatusCreated,
		Audits: []audit.Kind{audit.KindRecoveryCodesMade}, Codes: []fault.Code{"factor.none"},
	}, a.makeRecoveryCodes)
}

// Factor is a second factor.
type Factor struct {
	ID        string          `json:"id"`
	Kind      auth.FactorKind `json:"kind" enum:"totp,passkey"`
	Name      string          `json:"name"`
	CreatedAt time.Time       `json:"createdAt"`
	UsedAt    *time.Time      `json:"usedAt,omitempty" doc:"Of the last use; absent before the first."`
}

func showFactor(f auth.Factor) Factor {
	shown := Factor{ID: f.ID, Kind: f.Kind, Name: f.Name, CreatedAt: f.CreatedAt}
	if !f.UsedAt.IsZero() {
		shown.UsedAt = &f.UsedAt
	}
	return shown
}

// Factors are all second factors of an account.
type Factors struct {
	Items         []Factor `json:"items" nullable:"false"`
	RecoveryCodes int      `json:"recoveryCodes" doc:"How many are left."`
}

func (a *API) listFactors(ctx context.Context, _ *struct{}) (*body[Factors], error) {
	list, codes, err := a.factors.List(ctx, callerOf(ctx).identity())
	if err != nil {
		return nil, err
	}
	return &body[Factors]{Factors{Items: show(list, showFactor), RecoveryCodes: codes}}, nil
}

// NewApp is what an authenticator app is told.
type NewApp struct {
	Challenge string   `json:"challenge" doc:"To be sent with the code, within five minutes."`
	Secret    string   `json:"secret" doc:"As people type it, base 32."`
	Address   string   `json:"address" doc:"What the QR code says (otpauth)."`
	QR        []string `json:"qr" nullable:"false" doc:"The QR code without its margin: a line for each row, 1 is dark."`
}

func (a *API) beginApp(ctx context.Context, _ *struct{}) (*body[NewApp], error) {
	who := callerOf(ctx)
	n, err := a.factors.App(ctx, who.identity(), a.site(who))
	if err != nil {
		return nil, err
	}
	code, err := qr.Encode(n.Address, qr.M)
	if err != nil {
		return nil, err
	}
	return &body[NewApp]{NewApp{Challenge: n.Challenge, Secret: n.Secret, Address: n.Address, QR: rowsOf(code)}}, nil
}

func rowsOf(code *qr.Code) []string {
	rows := make([]string, code.Size)
	for y := range rows {
		row := make([]byte, code.Size)
		for x := range row {
			row[x] = '0'
			if code.Black(x, y) {
				row[x] = '1'
			}
		}
		rows[y] = string(row)
	}
	return rows
}

// AppCode shows that an authenticator app has taken the secret.
type AppCode struct {
	Challenge string `json:"challenge"`
	Name      string `json:"name" minLength:"1" maxLength:"60"`
	Code      string `json:"code" doc:"What the app shows now."`
}

// AddedFactor is a new second factor.
type AddedFactor struct {
	Factor        Factor   `json:"factor"`
	RecoveryCodes []string `json:"recoveryCodes,omitempty" nullable:"false" doc:"With the first factor; shown only now."`
}

func (a *API) addApp(ctx context.Context, in *body[AppCode]) (*body[AddedFactor], error) {
	f, codes, err := a.factors.AddApp(ctx, callerOf(ctx).identity(), in.Body.Challenge, in.Body.Name, in.Body.Code)
	if err != nil {
		return nil, err
	}
	return &body[AddedFactor]{AddedFactor{Factor: showFactor(f), RecoveryCodes: codes}}, nil
}

// NewPasskey is what a browser makes a passkey from.
type NewPasskey struct {
	Challenge string `json:"challenge" doc:"To be sent with the answer, within five minutes."`
	Options   string `json:"options" doc:"For PublicKeyCredential.parseCreationOptionsFromJSON, as JSON text."`
}

func (a *API) beginPasskey(ctx context.Context, _ *struct{}) (*body[NewPasskey], error) {
	who := callerOf(ctx)
	n, err := a.factors.Passkey(ctx, who.identity(), a.site(who))
	if err != nil {
		return nil, err
	}
	return &body[NewPasskey]{NewPasskey(n)}, nil
}

// MadePasskey is what the browser has made.
type MadePasskey struct {
	Challenge string `json:"challenge"`
	Name      string `json:"name" minLength:"1" maxLength:"60"`
	Passkey   string `json:"passkey" doc:"The credential as toJSON gives it, as JSON text."`
}

func (a *API) addPasskey(ctx context.Context, in *body[MadePasskey]) (*body[AddedFactor], error) {
	who := callerOf(ctx)
	f, codes, err := a.factors.AddPasskey(ctx, who.identity(), a.site(who), in.Body.Challenge, in.Body.Name, in.Body.Passkey)
	if err != nil {
		return nil, err
	}
	return &body[AddedFactor]{AddedFactor{Factor: showFactor(f), RecoveryCodes: codes}}, nil
}

func (a *API) removeFactor(ctx context.Context, in *idInput) (*empty, error) {
	return nil, a.factors.Remove(ctx, callerOf(ctx).identity(), in.ID)
}

// RecoveryCodeList are new recovery codes.
type RecoveryCodeList struct {
	RecoveryCodes []string `json:"recoveryCodes" nullable:"false" doc:"Each is good once. They are shown only now."`
}

func (a *API) makeRecoveryCodes(ctx context.Context, _ *struct{}) (*body[RecoveryCodeList], error) {
	codes, err := a.factors.MakeRecoveryCodes(ctx, callerOf(ctx).identity())
	if err != nil {
		return nil, err
	}
	return &body[RecoveryCodeList]{RecoveryCodeList{codes}}, nil
}
