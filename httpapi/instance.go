package httpapi

import (
	"context"
	"net/http"
)

// Instance is what anybody may know about this installation.
type Instance struct {
	Name        string     `json:"name"`
	Version     string     `json:"version"`
	PublicURL   string     `json:"publicUrl,omitempty" doc:"Canonical address for links, without a slash at the end; absent when links use the address in the browser."`
	SetupNeeded bool       `json:"setupNeeded" doc:"There is no administrator yet; the set-up link is in the server's output."`
	MailUnlock  bool       `json:"mailUnlock" doc:"Whoever has an account with a password here gets a mail when it is locked, with a link that ends the lock."`
	Providers   []Provider `json:"providers" nullable:"false" doc:"The identity providers that people can sign in with, in the order to show them."`
}

func (a *API) addInstance() {
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/instance", ID: "getInstance", Tag: "Instance",
		Summary: "Name, version and state of this installation",
	}, a.getInstance)
}

func (a *API) getInstance(ctx context.Context, _ *struct{}) (*body[Instance], error) {
	needed, err := a.setup.Needed(ctx)
	if err != nil {
		return nil, err
	}
	return &body[Instance]{Instance{Name: a.name, Version: a.version, PublicURL: a.publicURL, SetupNeeded: needed, MailUnlock: a.unlocking != nil, Providers: show(a.federation.Entrances(), showProvider)}}, nil
}
