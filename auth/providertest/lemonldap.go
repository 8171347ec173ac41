package providertest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
)

// LemonLDAP is a LemonLDAP::NG portal as OpenID provider, with its demonstration accounts: dwho (in the group staff),
// rtyler and msmith, whose passwords are their names.
type LemonLDAP struct {
	Issuer       string
	ClientID     string
	SecretFile   string
	ClientSecret string
	process      *process
}

const portalDir = "/usr/share/lemonldap-ng/portal"

const lemonldapINI = `[all]
logLevel = warn
logger = Lemonldap::NG::Common::Logger::Std
[configuration]
type = File
dirName = %[1]s/conf
localStorage = Cache::FileCache
localStorageOptions = {'namespace'=>'conf','default_expires_in'=>600,'directory_umask'=>'007','cache_root'=>'%[1]s/cache','cache_depth'=>3}
[portal]
staticPrefix = /static
templateDir = ` + portalDir + `/templates
languages = en
`

// StartLemonLDAP starts a portal with its files in dir and a certificate of the authority. It sends people back to
// callback, and after a logout to back.
func StartLemonLDAP(ctx context.Context, dir string, a *Authority, callback, back string) (*LemonLDAP, error) {
	starman, err := program("starman")
	if err != nil {
		return nil, err
	}
	script := portalDir + "/htdocs/index.psgi"
	if _, err := os.Stat(script); err != nil {
		return nil, fmt.Errorf("LemonLDAP::NG %w", ErrMissing)
	}
	host := loopback()
	cert, key, err := a.Issue(host)
	if err != nil {
		return nil, err
	}
	l := &LemonLDAP{Issuer: "https://" + host + ":8443", ClientID: "konklave", ClientSecret: "client-secret", SecretFile: filepath.Join(dir, "secret")}
	config, err := l.config(dir, host, callback, back)
	if err != nil {
		return nil, err
	}
	if err := writeFiles(dir, map[string]string{
		"conf/lmConf-1.json": string(config), "lemonldap-ng.ini": fmt.Sprintf(lemonldapINI, dir), "secret": l.ClientSecret + "\n",
		"sessions/lock/.keep": "", "psessions/lock/.keep": "", "cache/.keep": "",
	}); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, starman, "--listen", host+":8443:ssl", "--ssl-cert", cert, "--ssl-key", key,
		// Browsers open connections ahead and keep them: each would hold a worker that somebody else waits for.
		"--workers", "6", "--disable-keepalive", script)
	cmd.Env = append(os.Environ(), "LLNG_DEFAULTCONFFILE="+filepath.Join(dir, "lemonldap-ng.ini"))
	l.process, err = start(ctx, dir, answers(a, l.Issuer+"/.well-known/openid-configuration"), cmd)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Close ends the server.
func (l *LemonLDAP) Close() { l.process.stop() }

func (l *LemonLDAP) config(dir, host, callback, back string) ([]byte, error) {
	private, public, err := keyPair()
	if err != nil {
		return nil, err
	}
	type object = map[string]any
	files := func(name string) object {
		return object{"Directory": dir + "/" + name, "LockDirectory": dir + "/" + name + "/lock", "generateModule": "Lemonldap::NG::Common::Apache::Session::Generate::SHA256"}
	}
	return json.Marshal(object{
		"cfgNum": 1, "cfgVersion": "2.16.1", "cfgDate": "1", "cfgAuthor": "test",
		"authentication": "Demo", "userDB": "Same", "passwordDB": "Demo", "registerDB": "Null",
		"demoExportedVars": object{"cn": "cn", "mail": "mail", "uid": "uid"},
		"domain":           host, "cookieName": "lemonldap", "securedCookie": 1,
		"portal": l.Issuer + "/", "portalSkin": "bootstrap", "requireToken": 0,
		"globalStorage": "Apache::Session::File", "globalStorageOptions": files("sessions"),
		"persistentStorage": "Apache::Session::File", "persistentStorageOptions": files("psessions"),
		"localSessionStorage":        "Cache::FileCache",
		"localSessionStorageOptions": object{"cache_depth": 3, "cache_root": dir + "/cache", "default_expires_in": 600, "directory_umask": "007", "namespace": "sessions"},
		"macros":                     object{"_whatToTrace": "lc($_user)"}, "whatToTrace": "_whatToTrace",
		"groups": object{"staff": "$uid eq 'dwho'"}, "exportedVars": object{}, "locationRules": object{}, "exportedHeaders": object{},
		"issuerDBOpenIDConnectActivation": 1, "oidcServiceAllowAuthorizationCodeFlow": 1, "oidcServiceIgnoreScopeForClaims": 1,
		"oidcServiceMetaDataIssuer": l.Issuer,
		"oidcServicePrivateKeySig":  private, "oidcServicePublicKeySig": public, "oidcServiceKeyIdSig": "key",
		"oidcServiceMetaDataAuthnContext": object{"loa-2": 2},
		"oidcRPMetaDataOptions": object{"konklave": object{
			"oidcRPMetaDataOptionsClientID": l.ClientID, "oidcRPMetaDataOptionsClientSecret": l.ClientSecret,
			"oidcRPMetaDataOptionsIDTokenSignAlg": "RS256", "oidcRPMetaDataOptionsRedirectUris": callback,
			"oidcRPMetaDataOptionsPostLogoutRedirectUris": back, "oidcRPMetaDataOptionsBypassConsent": 1,
			"oidcRPMetaDataOptionsRequirePKCE": 1, "oidcRPMetaDataOptionsRefreshToken": 1, "oidcRPMetaDataOptionsLogoutBypassConfirm": 1,
		}},
		"oidcRPMetaDataExportedVars": object{"konklave": object{"email": "mail", "name": "cn", "groups": "groups"}},
	})
}

// keyPair makes an RSA key (PEM), private and public.
func keyPair() (private, public string, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", "", err
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return "", "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// answers is ready when a GET of the address succeeds.
func answers(a *Authority, address string) func(context.Context) error {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: a.trust()}}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		answer, err := client.Do(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %d", address, answer.StatusCode)
		}
		return nil
	}
}
