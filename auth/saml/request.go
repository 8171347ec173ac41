package saml

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/beevik/etree"

	"konklave/auth"
)

const (
	bindingRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	bindingPost     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
)

// escape makes a text fit for an attribute or the inside of an element.
func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder does not fail
	return b.String()
}

// message is a protocol message of ours: what every kind has, further attributes, and what is in it after the issuer.
func (p *Provider) message(kind, id, destination, attributes, inside string) string {
	return fmt.Sprintf(`<samlp:%[1]s xmlns:samlp="%[2]s" xmlns:saml="%[3]s" ID="%[4]s" Version="2.0" IssueInstant="%[5]s" Destination="%[6]s"%[7]s><saml:Issuer>%[8]s</saml:Issuer>%[9]s</samlp:%[1]s>`,
		kind, nsProtocol, nsAssertion, id, p.parts.Now().UTC().Format(time.RFC3339), escape(destination), attributes, escape(p.parts.EntityID), inside)
}

func (p *Provider) authnRequest(s state, destination string) string {
	attributes := fmt.Sprintf(` ProtocolBinding="%s" AssertionConsumerServiceURL="%s"`, bindingPost, escape(p.parts.Consumer))
	if s.Again {
		attributes += ` ForceAuthn="true"`
	}
	format := formatPersistent
	if p.settings.SubjectAttribute != "" {
		format = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
	}
	inside := fmt.Sprintf(`<samlp:NameIDPolicy Format="%s" AllowCreate="true"/>`, format)
	if len(p.settings.Contexts) > 0 {
		inside += `<samlp:RequestedAuthnContext Comparison="exact">`
		for _, c := range p.settings.Contexts {
			inside += "<saml:AuthnContextClassRef>" + escape(c) + "</saml:AuthnContextClassRef>"
		}
		inside += `</samlp:RequestedAuthnContext>`
	}
	return p.message("AuthnRequest", s.Request, destination, attributes, inside)
}

func (p *Provider) logoutRequest(s state, destination string, h hint) string {
	attributes := ""
	for _, a := range [][2]string{{"Format", h.Name.Format}, {"NameQualifier", h.Name.Qualifier}, {"SPNameQualifier", h.Name.ForUs}} {
		if a[1] != "" {
			attributes += fmt.Sprintf(` %s="%s"`, a[0], escape(a[1]))
		}
	}
	inside := fmt.Sprintf("<saml:NameID%s>%s</saml:NameID>", attributes, escape(h.Name.Value))
	if h.Session != "" {
		inside += "<samlp:SessionIndex>" + escape(h.Session) + "</samlp:SessionIndex>"
	}
	return p.message("LogoutRequest", s.Request, destination, "", inside)
}

func (p *Provider) logoutResponse(destination, request string) string {
	return p.message("LogoutResponse", newID(), destination, fmt.Sprintf(` InResponseTo="%s"`, escape(request)),
		`<samlp:Status><samlp:StatusCode Value="`+statusSuccess+`"/></samlp:Status>`)
}

// deflate packs a message as HTTP-Redirect carries it.
func deflate(message string) (string, error) {
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := io.WriteString(w, message); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(packed.Bytes()), nil
}

// inflate reads a message as HTTP-Redirect carries it; what unpacks to more than MaxMessageBytes is refused.
func inflate(text string) (*etree.Element, error) {
	packed, err := decodeBase64(text)
	if err != nil {
		return nil, auth.ReasonMalformed
	}
	raw, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), MaxMessageBytes+1))
	if err != nil {
		return nil, auth.ReasonMalformed
	}
	return parse(raw)
}

// Metadata is what the provider has to know of us (SAML metadata section 2.4.4).
func (p *Provider) Metadata() []byte {
	cert := base64.StdEncoding.EncodeToString(p.cert.Raw)
	key := func(use, methods string) string {
		return `<md:KeyDescriptor use="` + use + `"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>` + cert + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo>` + methods + `</md:KeyDescriptor>`
	}
	encryption := ""
	for _, method := range []string{nsEncrypt11 + "aes256-gcm", nsEncrypt11 + "aes128-gcm", oaepMGF1P} {
		encryption += `<md:EncryptionMethod Algorithm="` + method + `"/>`
	}
	logout := ""
	if p.parts.Logout != "" {
		for _, binding := range []string{bindingRedirect, bindingPost} {
			logout += `<md:SingleLogoutService Binding="` + binding + `" Location="` + escape(p.parts.Logout) + `"/>`
		}
	}
	return []byte(strings.NewReplacer(
		"{md}", nsMetadata, "{ds}", nsSignature, "{protocol}", nsProtocol, "{entity}", escape(p.parts.EntityID),
		"{keys}", key("signing", "")+key("encryption", encryption), "{format}", formatPersistent,
		"{post}", bindingPost, "{logout}", logout, "{consumer}", escape(p.parts.Consumer),
	).Replace(metadataTemplate))
}

const metadataTemplate = `<md:EntityDescriptor xmlns:md="{md}" xmlns:ds="{ds}" entityID="{entity}">` +
	`<md:SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="true" protocolSupportEnumeration="{protocol}">{keys}` +
	`{logout}<md:NameIDFormat>{format}</md:NameIDFormat>` +
	`<md:AssertionConsumerService Binding="{post}" Location="{consumer}" index="0" isDefault="true"/></md:SPSSODescriptor></md:EntityDescriptor>`
