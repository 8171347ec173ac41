package saml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // for crypto.SHA384 and SHA512
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"konklave/auth"
)

// keys are the certificates by which the provider signs now. Their own validity does not count: what is trusted is that
// the metadata name them (SAML V2.0 Metadata Interoperability Profile section 2.6.1).
type keys []*x509.Certificate

// methods are the ways of signing that are allowed, with the hash of each.
var methods = map[string]crypto.Hash{
	dsig.RSASHA256SignatureMethod: crypto.SHA256, dsig.RSASHA384SignatureMethod: crypto.SHA384, dsig.RSASHA512SignatureMethod: crypto.SHA512,
	dsig.ECDSASHA256SignatureMethod: crypto.SHA256, dsig.ECDSASHA384SignatureMethod: crypto.SHA384, dsig.ECDSASHA512SignatureMethod: crypto.SHA512,
}

// digests are the hashes that are allowed within a signature.
var digests = []string{
	"http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2001/04/xmlenc#sha512",
}

// checkPlaces refuses a message in which two elements have the same ID, or a signature stands anywhere but directly in
// the message or in the assertion that is its direct child: there is nothing then that could be wrapped.
func checkPlaces(root *etree.Element) error {
	ids := map[string]bool{}
	var walk func(el *etree.Element, allowed bool) error
	walk = func(el *etree.Element, allowed bool) error {
		for _, a := range el.Attr {
			if !strings.EqualFold(a.Key, "ID") {
				continue
			}
			if ids[a.Value] {
				return auth.ReasonSignature
			}
			ids[a.Value] = true
		}
		for _, c := range el.ChildElements() {
			if is(c, nsSignature, "Signature") && !allowed {
				return auth.ReasonSignature
			}
			if err := walk(c, el == root && is(c, nsAssertion, "Assertion")); err != nil {
				return err
			}
		}
		return nil
	}
	return walk(root, true)
}

// signed reports whether the element has a signature of its own.
func signed(el *etree.Element) bool { return len(children(el, nsSignature, "Signature")) > 0 }

// verify returns what the signature of the element covers, which is the whole element, as a tree of its own. It fails
// with auth.ReasonSignature or auth.ReasonAlgorithm.
func verify(el *etree.Element, trusted keys) (*etree.Element, error) {
	if err := checkSignature(el); err != nil {
		return nil, err
	}
	alone := detach(el)
	signature := child(alone, nsSignature, "Signature")
	for _, info := range children(signature, nsSignature, "KeyInfo") { // which key it was is found by trying
		signature.RemoveChild(info)
	}
	alone.RemoveChild(signature) // the library looks for it among the first 1000 elements; where it stands is not signed
	alone.InsertChildAt(0, signature)
	for _, cert := range trusted {
		validation := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{cert}})
		validation.Clock = dsig.NewFakeClockAt(cert.NotBefore)
		if covered, err := validation.Validate(alone); err == nil && covered.Tag == el.Tag && covered.SelectAttrValue("ID", "") == el.SelectAttrValue("ID", "") {
			return covered, nil
		}
	}
	return nil, auth.ReasonSignature
}

// detach returns a copy of the element that stands alone, with the namespaces that it had from around it.
func detach(el *etree.Element) *etree.Element {
	alone := el.Copy()
	for around := el.Parent(); around != nil; around = around.Parent() {
		for _, a := range around.Attr {
			declares := a.Space == "xmlns" || a.Space == "" && a.Key == "xmlns"
			if declares && alone.SelectAttr(a.FullKey()) == nil {
				alone.CreateAttr(a.FullKey(), a.Value)
			}
		}
	}
	return alone
}

// checkSignature holds the form of an element's signature against what SAML allows (SAML core section 5.4), and its
// algorithms against our list.
func checkSignature(el *etree.Element) error {
	signature := child(el, nsSignature, "Signature")
	info := child(signature, nsSignature, "SignedInfo")
	reference := child(info, nsSignature, "Reference")
	method, canonical, digest := child(info, nsSignature, "SignatureMethod"), child(info, nsSignature, "CanonicalizationMethod"), child(reference, nsSignature, "DigestMethod")
	transforms := child(reference, nsSignature, "Transforms")
	id := el.SelectAttrValue("ID", "")
	if method == nil || canonical == nil || digest == nil || transforms == nil || id == "" || reference.SelectAttrValue("URI", "") != "#"+id {
		return auth.ReasonSignature
	}
	algorithm := func(el *etree.Element) string { return el.SelectAttrValue("Algorithm", "") }
	if methods[algorithm(method)] == 0 || !slices.Contains(digests, algorithm(digest)) || algorithm(canonical) != string(dsig.CanonicalXML10ExclusiveAlgorithmId) {
		return auth.ReasonAlgorithm
	}
	for i, t := range transforms.ChildElements() {
		want := []string{string(dsig.EnvelopedSignatureAltorithmId), string(dsig.CanonicalXML10ExclusiveAlgorithmId)}
		if i >= len(want) || !is(t, nsSignature, "Transform") || algorithm(t) != want[i] {
			return auth.ReasonAlgorithm
		}
	}
	return nil
}

// signedRedirect is an address that carries a message, signed (SAML bindings section 3.4.4.1).
func (p *Provider) signedRedirect(to, parameter, message, relay string) (string, error) {
	packed, err := deflate(message)
	if err != nil {
		return "", err
	}
	query := parameter + "=" + url.QueryEscape(packed)
	if relay != "" {
		query += "&RelayState=" + url.QueryEscape(relay)
	}
	query += "&SigAlg=" + url.QueryEscape(dsig.RSASHA256SignatureMethod)
	sum := sha256.Sum256([]byte(query))
	signature, err := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	address, err := url.Parse(to)
	if err != nil {
		return "", fmt.Errorf("the provider's address cannot be read: %w", err)
	}
	if address.RawQuery != "" {
		address.RawQuery += "&"
	}
	address.RawQuery += query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
	return address.String(), nil
}

// verifyRedirect holds the signature of a query against the keys. It is over the parameters as they came.
func verifyRedirect(rawQuery, parameter string, trusted keys) error {
	raw := map[string]string{}
	for pair := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if _, twice := raw[name]; twice {
			return auth.ReasonMalformed
		}
		raw[name] = value
	}
	over := parameter + "=" + raw[parameter]
	if relay, there := raw["RelayState"]; there {
		over += "&RelayState=" + relay
	}
	over += "&SigAlg=" + raw["SigAlg"]
	method, err := url.QueryUnescape(raw["SigAlg"])
	if err != nil || raw["Signature"] == "" {
		return auth.ReasonSignature
	}
	hash := methods[method]
	if hash == 0 {
		return auth.ReasonAlgorithm
	}
	encoded, err := url.QueryUnescape(raw["Signature"])
	if err != nil {
		return auth.ReasonSignature
	}
	signature, err := decodeBase64(encoded)
	if err != nil {
		return auth.ReasonSignature
	}
	h := hash.New()
	h.Write([]byte(over))
	for _, cert := range trusted {
		if verifyBy(cert, method, hash, h.Sum(nil), signature) {
			return nil
		}
	}
	return auth.ReasonSignature
}

func verifyBy(cert *x509.Certificate, method string, hash crypto.Hash, sum, signature []byte) bool {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return strings.Contains(method, "#rsa-") && rsa.VerifyPKCS1v15(key, hash, sum, signature) == nil
	case *ecdsa.PublicKey:
		return strings.Contains(method, "#ecdsa-") && ecdsa.VerifyASN1(key, sum, signature)
	}
	return false
}
