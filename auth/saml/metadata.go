package saml

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// metadata is what is known of the provider.
type metadata struct {
	keys         keys
	signOn       string    // where sign-in requests go, by HTTP-Redirect
	logout       string    // where logout requests go, by HTTP-Redirect; empty for none
	logoutAnswer string    // where answers to its logout requests go
	validUntil   time.Time // zero when it does not say
	readAt       time.Time
}

// readMetadata reads the provider's part of a document with one entity or many. The document is trusted already.
func readMetadata(root *etree.Element, entityID string, now time.Time) (*metadata, error) {
	m := &metadata{readAt: now}
	entity, err := m.find(root, entityID)
	if err != nil {
		return nil, err
	}
	if entity == nil {
		return nil, fmt.Errorf("the metadata know no %s", entityID)
	}
	var role *etree.Element
	for _, r := range children(entity, nsMetadata, "IDPSSODescriptor") {
		for protocol := range strings.FieldsSeq(r.SelectAttrValue("protocolSupportEnumeration", "")) {
			if protocol == nsProtocol {
				role = r
			}
		}
	}
	if role == nil {
		return nil, fmt.Errorf("the metadata of %s are not those of a SAML 2.0 identity provider", entityID)
	}
	if err := m.limit(role); err != nil {
		return nil, err
	}
	if !m.validUntil.IsZero() && !now.Before(m.validUntil) {
		return nil, fmt.Errorf("the metadata of %s were valid until %s", entityID, m.validUntil.Format(time.RFC3339))
	}
	if m.keys, err = signingKeys(role); err != nil {
		return nil, err
	}
	m.signOn, _ = location(role, "SingleSignOnService")
	m.logout, m.logoutAnswer = location(role, "SingleLogoutService")
	if m.signOn == "" {
		return nil, fmt.Errorf("the metadata of %s name no address for sign-in by HTTP-Redirect", entityID)
	}
	return m, nil
}

// find returns the entity of that name, and shortens validUntil by that of each level on the way to it.
func (m *metadata) find(el *etree.Element, entityID string) (*etree.Element, error) {
	switch {
	case is(el, nsMetadata, "EntityDescriptor") && el.SelectAttrValue("entityID", "") == entityID:
		return el, m.limit(el)
	case !is(el, nsMetadata, "EntitiesDescriptor"):
		return nil, nil
	}
	for _, c := range el.ChildElements() {
		found, err := m.find(c, entityID)
		if err != nil {
			return nil, err
		}
		if found != nil {
			return found, m.limit(el)
		}
	}
	return nil, nil
}

func (m *metadata) limit(el *etree.Element) error {
	until, there, ok := moment(el, "validUntil")
	if !ok {
		return errors.New("the metadata have a validUntil that is no time")
	}
	if there && (m.validUntil.IsZero() || until.Before(m.validUntil)) {
		m.validUntil = until
	}
	return nil
}

// signingKeys are the certificates of the role for signing, at least one.
func signingKeys(role *etree.Element) (keys, error) {
	var found keys
	for _, descriptor := range children(role, nsMetadata, "KeyDescriptor") {
		if use := descriptor.SelectAttrValue("use", "signing"); use != "signing" {
			continue
		}
		for _, data := range children(child(descriptor, nsSignature, "KeyInfo"), nsSignature, "X509Data") {
			for _, c := range children(data, nsSignature, "X509Certificate") {
				encoded, _ := text(c)
				der, err := decodeBase64(encoded)
				if err != nil {
					return nil, errors.New("the metadata hold a certificate that cannot be read")
				}
				cert, err := x509.ParseCertificate(der)
				if err != nil {
					return nil, fmt.Errorf("the metadata hold a certificate that cannot be read: %w", err)
				}
				if strong(cert) {
					found = append(found, cert)
				}
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("the metadata name no key for signing: ECDSA, or RSA of at least %d bits", MinKeyBits)
	}
	return found, nil
}

func strong(cert *x509.Certificate) bool {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= MinKeyBits
	case *ecdsa.PublicKey:
		return true
	}
	return false
}

// location is the address of a service by HTTP-Redirect, and where answers to it go.
func location(role *etree.Element, service string) (requests, answers string) {
	for _, s := range children(role, nsMetadata, service) {
		to := s.SelectAttrValue("Location", "")
		if u, err := url.Parse(to); s.SelectAttrValue("Binding", "") == bindingRedirect && err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.Fragment == "" {
			return to, s.SelectAttrValue("ResponseLocation", to)
		}
	}
	return "", ""
}
