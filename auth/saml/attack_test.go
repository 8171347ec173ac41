package saml_test

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	dsig "github.com/russellhaering/goxmldsig"

	"konklave/auth"
	"konklave/auth/saml"
	"konklave/auth/settings"
)

const (
	sha1Method = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
	gcm128     = "http://www.w3.org/2009/xmlenc11#aes128-gcm"
	gcm256     = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
	cbc256     = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
	oaep       = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
	rsa15      = "http://www.w3.org/2001/04/xmlenc#rsa-1_5"
)

// Each change of a right assertion is signed by the provider: what counts is what it says.
func TestFinishHoldsTheAssertionAgainstUs(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) string {
		return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).Add(d).Format(time.RFC3339)
	}
	late, early := -saml.ClockSkew, saml.ClockSkew+time.Second
	confirmation := `<saml:SubjectConfirmationData NotOnOrAfter="{soon}" Recipient="` + consumer + `" InResponseTo="{request}"/>`
	for what, c := range map[string]struct {
		old, new string
		want     auth.Reason
	}{
		"right":                        {"a1", "a2", ""},
		"another issuer":               {"<saml:Issuer>" + issuer, "<saml:Issuer>https://evil.example", auth.ReasonIssuer},
		"another audience":             {"<saml:Audience>" + entity, "<saml:Audience>https://other.example", auth.ReasonAudience},
		"audience that begins like us": {"<saml:Audience>" + entity, "<saml:Audience>" + entity + ".evil.example", auth.ReasonAudience},
		"us among the audience":        {"<saml:Audience>", "<saml:Audience>https://other.example</saml:Audience><saml:Audience>", ""},
		"two audiences to fulfil":      {"</saml:AudienceRestriction>", "</saml:AudienceRestriction><saml:AudienceRestriction><saml:Audience>other</saml:Audience></saml:AudienceRestriction>", auth.ReasonAudience},
		"no audience":                  {`<saml:AudienceRestriction><saml:Audience>` + entity + `</saml:Audience></saml:AudienceRestriction>`, "", auth.ReasonAudience},
		"unknown condition":            {"<saml:AudienceRestriction>", "<saml:Condition/><saml:AudienceRestriction>", auth.ReasonMalformed},
		"another recipient":            {`Recipient="` + consumer, `Recipient="https://other.example`, auth.ReasonAudience},
		"no recipient":                 {`Recipient="` + consumer + `"`, "", auth.ReasonAudience},
		"answer to another request":    {`InResponseTo="{request}"`, `InResponseTo="other"`, auth.ReasonState},
		"answer to no request":         {`InResponseTo="{request}"`, "", auth.ReasonState},
		"confirmation without end":     {confirmation, strings.Replace(confirmation, `NotOnOrAfter="{soon}" `, "", 1), auth.ReasonExpired},
		"confirmation by a key":        {"cm:bearer", "cm:holder-of-key", auth.ReasonSubject},
		"confirmation over":            {confirmation, strings.Replace(confirmation, "{soon}", at(late), 1), auth.ReasonExpired},
		"confirmation just not over":   {confirmation, strings.Replace(confirmation, "{soon}", at(late+time.Second), 1), ""},
		"second confirmation is right": {"<saml:SubjectConfirmation ", `<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{soon}" Recipient="x"/></saml:SubjectConfirmation><saml:SubjectConfirmation `, ""},
		"conditions over":              {`NotOnOrAfter="{soon}"><saml:Aud`, `NotOnOrAfter="` + at(late) + `"><saml:Aud`, auth.ReasonExpired},
		"conditions just not over":     {`NotOnOrAfter="{soon}"><saml:Aud`, `NotOnOrAfter="` + at(late+time.Second) + `"><saml:Aud`, ""},
		"conditions not begun":         {`NotBefore="{now}"`, `NotBefore="` + at(early) + `"`, auth.ReasonEarly},
		"conditions just begun":        {`NotBefore="{now}"`, `NotBefore="` + at(early-time.Second) + `"`, ""},
		"time that is none":            {`NotBefore="{now}"`, `NotBefore="today"`, auth.ReasonMalformed},
		"time without a zone":          {`NotBefore="{now}"`, `NotBefore="2026-11-22T12:00:00"`, auth.ReasonMalformed},
		"issued in the future":         {`IssueInstant="{now}"`, `IssueInstant="` + at(early) + `"`, auth.ReasonEarly},
		"issued long ago":              {`IssueInstant="{now}"`, `IssueInstant="` + at(-saml.MaxMessageAge-saml.ClockSkew-time.Second) + `"`, auth.ReasonExpired},
		"issued just not too long ago": {`IssueInstant="{now}"`, `IssueInstant="` + at(-saml.MaxMessageAge-saml.ClockSkew) + `"`, ""},
		"no proof of identity":         {"saml:AuthnStatement", "saml:OtherStatement", auth.ReasonMalformed},
		"session over":                 {"SessionIndex", `SessionNotOnOrAfter="` + at(late) + `" SessionIndex`, auth.ReasonExpired},
		"session just not over":        {"SessionIndex", `SessionNotOnOrAfter="` + at(late+time.Second) + `" SessionIndex`, ""},
		"other version":                {`Version="2.0"`, `Version="1.1"`, auth.ReasonMalformed},
		"no name":                      {">anna<", "><", auth.ReasonSubject},
		"longest name":                 {">anna<", ">" + strings.Repeat("a", saml.MaxSubject) + "<", ""},
		"name too long":                {">anna<", ">" + strings.Repeat("a", saml.MaxSubject+1) + "<", auth.ReasonSubject},
		"name that changes":            {"nameid-format:persistent", "nameid-format:transient", auth.ReasonSubject},
		"name that is an address":      {"2.0:nameid-format:persistent", "1.1:nameid-format:emailAddress", auth.ReasonSubject},
		"name for another service":     {"<saml:NameID ", `<saml:NameID SPNameQualifier="https://other.example" `, auth.ReasonSubject},
		"name by another provider":     {"<saml:NameID ", `<saml:NameID NameQualifier="https://other.example" `, auth.ReasonSubject},
		"element in the name":          {">anna<", "><x>anna</x><", auth.ReasonSubject},
		"as many groups as may be":     {"<saml:AttributeValue>staff</saml:AttributeValue>", strings.Repeat("<saml:AttributeValue>g</saml:AttributeValue>", saml.MaxGroups), ""},
		"too many groups":              {"<saml:AttributeValue>staff</saml:AttributeValue>", strings.Repeat("<saml:AttributeValue>g</saml:AttributeValue>", saml.MaxGroups+1), auth.ReasonTooLarge},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.begin(auth.Wish{})
			changed := strings.Replace(assertionTemplate, c.old, c.new, 1)
			if strings.HasPrefix(what, "no proof") {
				changed = strings.ReplaceAll(assertionTemplate, c.old, c.new)
			}
			if changed == assertionTemplate {
				t.Fatalf("%q is not in the assertion", c.old)
			}
			_, err := s.finish(s.respond(sign(t, s.fill(changed), theirs(), "")))
			if c.want == "" {
				must(t, err)
				return
			}
			refused(t, what, err, c.want)
			s.silent()
		})
	}
}

func TestFinishTellsWhoSomebodyIs(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.begin(auth.Wish{})
	response := s.respond(sign(t, s.fill(assertionTemplate), theirs(), ""))
	id, err := s.finish(response)
	must(t, err)
	if id.Subject != issuer+" anna" || !reflect.DeepEqual(id.Groups, []string{"staff"}) || id.Session != "s1" || id.Context != "urn:oasis:names:tc:SAML:2.0:ac:classes:Password" || !id.SignedInAt.Equal(s.now) || !id.AskAgain.Equal(s.now.Add(time.Hour)) {
		t.Errorf("%+v", id)
	}
	_, err = s.finish(response)
	refused(t, "the same again", err, auth.ReasonReplay)
	s.begin(auth.Wish{})
	_, err = s.finish(s.respond(sign(t, s.fill(assertionTemplate), theirs(), "")))
	refused(t, "an assertion of the same ID", err, auth.ReasonReplay)
}

// signatures.
func TestFinishReadsOnlyWhatIsSigned(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		make func(s *scene) string
		want auth.Reason
	}{
		"assertion signed": {func(s *scene) string { return s.respond(sign(s.t, s.fill(assertionTemplate), theirs(), "")) }, ""},
		"response signed":  {func(s *scene) string { return sign(s.t, s.respond(s.fill(assertionTemplate)), theirs(), "") }, ""},
		"both signed": {func(s *scene) string {
			return sign(s.t, s.respond(sign(s.t, s.fill(assertionTemplate), theirs(), "")), theirs(), "")
		}, ""},
		"nothing signed": {func(s *scene) string { return s.respond(s.fill(assertionTemplate)) }, auth.ReasonSignature},
		"foreign key":    {func(s *scene) string { return s.respond(sign(s.t, s.fill(assertionTemplate), foreign(), "")) }, auth.ReasonSignature},
		"our own key":    {func(s *scene) string { return s.respond(sign(s.t, s.fill(assertionTemplate), ours(), "")) }, auth.ReasonSignature},
		"SHA-1":          {func(s *scene) string { return s.respond(sign(s.t, s.fill(assertionTemplate), theirs(), sha1Method)) }, auth.ReasonAlgorithm},
		"SHA-512": {func(s *scene) string {
			return s.respond(sign(s.t, s.fill(assertionTemplate), theirs(), dsig.RSASHA512SignatureMethod))
		}, ""},
		"response signed wrongly, assertion rightly": {func(s *scene) string {
			return sign(s.t, s.respond(sign(s.t, s.fill(assertionTemplate), theirs(), "")), foreign(), "")
		}, auth.ReasonSignature},
		"changed afterwards": {func(s *scene) string {
			return strings.Replace(s.respond(sign(s.t, s.fill(assertionTemplate), theirs(), "")), ">anna<", ">admin<", 1)
		}, auth.ReasonSignature},
		"group added afterwards": {func(s *scene) string {
			return strings.Replace(s.respond(sign(s.t, s.fill(assertionTemplate), theirs(), "")), "<saml:AttributeValue>", "<saml:AttributeValue>admins</saml:AttributeValue><saml:AttributeValue>", 1)
		}, auth.ReasonSignature},
		"another transform": {func(s *scene) string {
			return strings.Replace(s.respond(sign(s.t, s.fill(assertionTemplate), theirs(), "")), "xmldsig#enveloped-signature", "xmldsig#base64", 1)
		}, auth.ReasonAlgorithm},
		"digest by SHA-1": {func(s *scene) string {
			return strings.Replace(s.respond(sign(s.t, s.fill(assertionTemplate), theirs(), "")), "xmlenc#sha256", "xmldsig#sha1", 1)
		}, auth.ReasonAlgorithm},
		"MAC with the certificate": {func(s *scene) string {
			return strings.Replace(s.respond(sign(s.t, s.fill(assertionTemplate), theirs(), "")), "xmldsig-more#rsa-sha256", "xmldsig-more#hmac-sha256", 1)
		}, auth.ReasonAlgorithm},
		"reference to everything": {func(s *scene) string {
			return strings.Replace(s.respond(sign(s.t, s.fill(assertionTemplate), theirs(), "")), `URI="#a1"`, `URI=""`, 1)
		}, auth.ReasonSignature},
		"assertion twice": {func(s *scene) string {
			a := sign(s.t, s.fill(assertionTemplate), theirs(), "")
			return s.respond(a + a)
		}, auth.ReasonSignature},
		"two assertions": {func(s *scene) string {
			return s.respond(sign(s.t, s.fill(assertionTemplate), theirs(), "") + sign(s.t, strings.Replace(s.fill(assertionTemplate), "a1", "a2", 1), theirs(), ""))
		}, auth.ReasonSignature},
		"no assertion": {func(s *scene) string { return sign(s.t, s.respond(""), theirs(), "") }, auth.ReasonSignature},
		"refused by the provider": {func(s *scene) string {
			return sign(s.t, strings.Replace(s.respond(""), "status:Success", "status:Responder", 1), theirs(), "")
		}, auth.ReasonDenied},
		"another destination": {func(s *scene) string {
			return sign(s.t, strings.Replace(s.respond(s.fill(assertionTemplate)), `Destination="`, `Destination="x`, 1), theirs(), "")
		}, auth.ReasonAudience},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.begin(auth.Wish{})
			_, err := s.finish(c.make(s))
			if c.want == "" {
				must(t, err)
				return
			}
			refused(t, what, err, c.want)
			s.silent()
		})
	}
}

// A-32, XSW1 to XSW8: the signed part is moved, and something else stands where it stood.
func TestSignatureWrapping(t *testing.T) {
	t.Parallel()
	const object = "<ds:Object xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">"
	for what, wrap := range map[string]func(s *scene, right, evil, signature, bare string) string{
		"XSW1": func(s *scene, right, evil, _, _ string) string { // the signed response within the signature of the evil one
			signed := sign(s.t, s.respond(s.fill(assertionTemplate)), theirs(), "")
			own := between(signed, "<ds:Signature", "</ds:Signature>")
			return strings.Replace(strings.Replace(s.respond(evil), "r1", "r2", 1), "</samlp:Response>", strings.Replace(own, "</ds:Signature>", object+strings.Replace(signed, own, "", 1)+"</ds:Object></ds:Signature>", 1)+"</samlp:Response>", 1)
		},
		"XSW2": func(s *scene, right, evil, _, _ string) string { // the signed response beside its signature
			signed := sign(s.t, s.respond(s.fill(assertionTemplate)), theirs(), "")
			own := between(signed, "<ds:Signature", "</ds:Signature>")
			return strings.Replace(strings.Replace(s.respond(evil), "r1", "r2", 1), "</samlp:Response>", strings.Replace(signed, own, "", 1)+own+"</samlp:Response>", 1)
		},
		"XSW3": func(s *scene, right, evil, _, _ string) string { return s.respond(evil + right) },
		"XSW4": func(s *scene, right, evil, _, _ string) string {
			return s.respond(strings.Replace(evil, "</saml:Assertion>", right+"</saml:Assertion>", 1))
		},
		"XSW5": func(s *scene, _, evil, signature, bare string) string {
			return s.respond(strings.Replace(evil, "</saml:Assertion>", signature+"</saml:Assertion>", 1) + bare)
		},
		"XSW6": func(s *scene, _, evil, signature, bare string) string {
			return s.respond(strings.Replace(evil, "</saml:Assertion>", strings.Replace(signature, "</ds:Signature>", bare+"</ds:Signature>", 1)+"</saml:Assertion>", 1))
		},
		"XSW7": func(s *scene, right, evil, _, _ string) string {
			return s.respond("<samlp:Extensions>" + evil + "</samlp:Extensions>" + right)
		},
		"XSW7, the same ID": func(s *scene, right, evil, _, _ string) string {
			return s.respond("<samlp:Extensions>" + strings.Replace(evil, "evil", "a1", 1) + "</samlp:Extensions>" + right)
		},
		"XSW7, the right one hidden": func(s *scene, right, evil, _, _ string) string {
			return s.respond("<samlp:Extensions>" + right + "</samlp:Extensions>" + evil)
		},
		"XSW8": func(s *scene, _, evil, signature, bare string) string {
			return s.respond(strings.Replace(evil, "</saml:Assertion>", strings.Replace(signature, "</ds:Signature>", object+bare+"</ds:Object></ds:Signature>", 1)+"</saml:Assertion>", 1))
		},
		"the same ID": func(s *scene, right, evil, _, _ string) string {
			return s.respond(strings.Replace(evil, "evil", "a1", 1) + right)
		},
		"signature of the right one in the evil one": func(s *scene, _, evil, signature, _ string) string {
			return s.respond(strings.Replace(strings.Replace(evil, "evil", "a1", 1), "</saml:Assertion>", signature+"</saml:Assertion>", 1))
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.begin(auth.Wish{})
			right := sign(t, s.fill(assertionTemplate), theirs(), "")
			signature := between(right, "<ds:Signature", "</ds:Signature>")
			evil := strings.NewReplacer(`ID="a1"`, `ID="evil"`, ">anna<", ">admin<").Replace(s.fill(assertionTemplate))
			id, err := s.finish(wrap(s, right, evil, signature, strings.Replace(right, signature, "", 1)))
			if err == nil && id.Subject == issuer+" anna" && what == "XSW7" {
				return // what is in the extensions counts nothing
			}
			refused(t, what, err, auth.ReasonSignature)
			s.silent()
		})
	}
}

func between(text, first, last string) string {
	a, b := strings.Index(text, first), strings.Index(text, last)
	return text[a : b+len(last)]
}

// what an XML parser may be made to do.
func TestMessagesThatAreMoreThanXML(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("<x>", n) + strings.Repeat("</x>", n) }
	for what, c := range map[string]struct {
		change func(response string) string
		want   auth.Reason
	}{
		"XML declaration":     {func(r string) string { return `<?xml version="1.0" encoding="UTF-8"?>` + r }, ""},
		"comment in the name": {func(r string) string { return strings.Replace(r, ">anna<", ">an<!-- -->na<", 1) }, auth.ReasonMalformed},
		"comment anywhere":    {func(r string) string { return strings.Replace(r, "<saml:Issuer>", "<!-- x --><saml:Issuer>", 1) }, auth.ReasonMalformed},
		"document type":       {func(r string) string { return "<!DOCTYPE x>" + r }, auth.ReasonMalformed},
		"entity": {func(r string) string {
			return `<!DOCTYPE x [<!ENTITY e "admin">]>` + strings.Replace(r, ">anna<", ">&e;<", 1)
		}, auth.ReasonMalformed},
		"entities that grow":     {func(r string) string { return `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>` + r }, auth.ReasonMalformed},
		"file as an entity":      {func(r string) string { return `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + r }, auth.ReasonMalformed},
		"undeclared entity":      {func(r string) string { return strings.Replace(r, ">anna<", ">&e;<", 1) }, auth.ReasonMalformed},
		"processing instruction": {func(r string) string { return strings.Replace(r, "<saml:Issuer>", "<?php x ?><saml:Issuer>", 1) }, auth.ReasonMalformed},
		"style sheet":            {func(r string) string { return `<?xml-stylesheet href="x"?>` + r }, auth.ReasonMalformed},
		"attribute twice":        {func(r string) string { return strings.Replace(r, `ID="r1"`, `ID="r1" ID="r2"`, 1) }, auth.ReasonMalformed},
		"two roots":              {func(r string) string { return r + r }, auth.ReasonMalformed},
		"cut off":                {func(r string) string { return r[:len(r)-5] }, auth.ReasonMalformed},
		"nothing":                {func(string) string { return "" }, auth.ReasonMalformed},
		"another message":        {func(string) string { return "<x/>" }, auth.ReasonMalformed},
		"another namespace":      {func(r string) string { return strings.ReplaceAll(r, "SAML:2.0:protocol", "SAML:2.1:protocol") }, auth.ReasonMalformed},
		"as deep as may be": {func(r string) string {
			return strings.Replace(r, "<samlp:Status>", "<samlp:Extensions>"+deep(saml.MaxDepth-2)+"</samlp:Extensions><samlp:Status>", 1)
		}, ""},
		"too deep": {func(r string) string {
			return strings.Replace(r, "<samlp:Status>", "<samlp:Extensions>"+deep(saml.MaxDepth-1)+"</samlp:Extensions><samlp:Status>", 1)
		}, auth.ReasonTooLarge},
		"too many elements": {func(r string) string {
			return strings.Replace(r, "<samlp:Status>", "<samlp:Extensions>"+strings.Repeat("<x/>", saml.MaxElements)+"</samlp:Extensions><samlp:Status>", 1)
		}, auth.ReasonTooLarge},
		"as many bytes as may be": {func(r string) string { return r + strings.Repeat(" ", saml.MaxMessageBytes-len(r)) }, ""},
		"too many bytes":          {func(r string) string { return r + strings.Repeat(" ", saml.MaxMessageBytes-len(r)+1) }, auth.ReasonTooLarge},
		"far too many bytes":      {func(r string) string { return r + strings.Repeat(" ", 3*saml.MaxMessageBytes) }, auth.ReasonTooLarge},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.begin(auth.Wish{})
			_, err := s.finish(c.change(s.respond(sign(t, s.fill(assertionTemplate), theirs(), ""))))
			if c.want == "" {
				must(t, err)
				return
			}
			refused(t, what, err, c.want)
			s.silent()
		})
	}
}

func TestEncryptedAssertions(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		how    sealing
		signed bool
		want   auth.Reason
	}{
		"AES-256-GCM":             {sealing{gcm256, oaep, ""}, true, ""},
		"AES-128-GCM":             {sealing{gcm128, oaep, ""}, true, ""},
		"SHA-1 named":             {sealing{gcm256, oaep, "http://www.w3.org/2000/09/xmldsig#sha1"}, true, ""},
		"AES-CBC":                 {sealing{cbc256, oaep, ""}, true, auth.ReasonAlgorithm},
		"AES-CBC, says the label": {sealing{"http://www.w3.org/2001/04/xmlenc#aes128-cbc", oaep, ""}, true, auth.ReasonAlgorithm},
		"triple DES":              {sealing{"http://www.w3.org/2001/04/xmlenc#tripledes-cbc", oaep, ""}, true, auth.ReasonAlgorithm},
		"PKCS 1.5":                {sealing{gcm256, rsa15, ""}, true, auth.ReasonAlgorithm},
		"unknown hash":            {sealing{gcm256, oaep, "http://www.w3.org/2001/04/xmldsig-more#md5"}, true, auth.ReasonAlgorithm},
		"another hash than said":  {sealing{gcm256, oaep, "http://www.w3.org/2001/04/xmlenc#sha256"}, true, auth.ReasonSignature},
		"not signed":              {sealing{gcm256, oaep, ""}, false, auth.ReasonSignature},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.begin(auth.Wish{})
			assertion := s.fill(assertionTemplate)
			if c.signed {
				assertion = sign(t, assertion, theirs(), "")
			}
			_, err := s.finish(s.respond(encrypt(t, assertion, c.how)))
			if c.want == "" {
				must(t, err)
				return
			}
			refused(t, what, err, c.want)
			s.silent()
		})
	}
	s := newScene(t)
	s.begin(auth.Wish{})
	if _, err := s.finish(sign(t, s.respond(encrypt(t, s.fill(assertionTemplate), sealing{gcm256, oaep, ""})), theirs(), "")); err != nil {
		t.Errorf("encrypted within a signed response: %v", err)
	}
	s = newScene(t)
	s.begin(auth.Wish{})
	sealed := encrypt(t, sign(t, s.fill(assertionTemplate), theirs(), ""), sealing{gcm256, oaep, ""})
	end := strings.LastIndex(sealed, "</xenc:CipherValue>")
	changed := sealed[:end-6] + "AAAAA=" + sealed[end:]
	_, err := s.finish(s.respond(changed))
	refused(t, "changed afterwards", err, auth.ReasonSignature)
}

func TestFinishRefusesAnswersToOtherQuestions(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		change func(s *scene, form url.Values) []byte
		want   auth.Reason
	}{
		"right":             {func(s *scene, _ url.Values) []byte { return s.started.State }, ""},
		"other relay state": {func(s *scene, f url.Values) []byte { f.Set("RelayState", "x"); return s.started.State }, auth.ReasonState},
		"no relay state":    {func(s *scene, f url.Values) []byte { f.Del("RelayState"); return s.started.State }, auth.ReasonMalformed},
		"two responses":     {func(s *scene, f url.Values) []byte { f.Add("SAMLResponse", "x"); return s.started.State }, auth.ReasonMalformed},
		"not base64":        {func(s *scene, f url.Values) []byte { f.Set("SAMLResponse", "<x/>"); return s.started.State }, auth.ReasonMalformed},
		"unasked":           {func(*scene, url.Values) []byte { return nil }, auth.ReasonState},
		"kept by another": {func(s *scene, _ url.Values) []byte {
			return []byte(strings.Replace(string(s.started.State), "bund", "land", 1))
		}, auth.ReasonState},
		"kept of a logout": {func(s *scene, _ url.Values) []byte {
			return []byte(strings.Replace(string(s.started.State), "sign-in", "logout", 1))
		}, auth.ReasonState},
		"just in time": {func(s *scene, _ url.Values) []byte {
			s.now = s.now.Add(5*time.Minute + saml.ClockSkew - time.Second)
			return s.started.State
		}, ""},
		"too late":            {func(s *scene, _ url.Values) []byte { s.now = s.now.Add(saml.StateLifetime); return s.started.State }, auth.ReasonExpired},
		"before it was asked": {func(s *scene, _ url.Values) []byte { s.now = s.now.Add(-time.Second); return s.started.State }, auth.ReasonExpired},
	} {
		s := newScene(t)
		s.begin(auth.Wish{})
		response := s.respond(sign(t, s.fill(assertionTemplate), theirs(), ""))
		form := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString([]byte(response))}, "RelayState": {s.relay}}
		state := c.change(s, form)
		_, err := s.p.Finish(t.Context(), auth.Reply{Form: form}, state)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
			continue
		}
		refused(t, what, err, c.want)
	}
}

func TestStepUpAndContext(t *testing.T) {
	t.Parallel()
	s := newScene(t, func(c *settings.SAML) { c.Contexts = []string{"urn:high"} })
	s.begin(auth.Wish{})
	_, err := s.finish(s.respond(sign(t, s.fill(assertionTemplate), theirs(), "")))
	refused(t, "a weaker proof", err, auth.ReasonContext)
	for ago, want := range map[time.Duration]auth.Reason{saml.ClockSkew: "", saml.ClockSkew + time.Second: auth.ReasonStale} {
		s := newScene(t)
		s.begin(auth.Wish{Again: true})
		at := `AuthnInstant="` + s.now.Add(-ago).Format(time.RFC3339)
		_, err := s.finish(s.respond(sign(t, s.fill(strings.Replace(assertionTemplate, `AuthnInstant="{now}`, at, 1)), theirs(), "")))
		if want == "" {
			must(t, err)
			continue
		}
		refused(t, ago.String(), err, want)
	}
}

func TestSubjectOfAnAttribute(t *testing.T) {
	t.Parallel()
	for values, want := range map[string]auth.Reason{"<saml:AttributeValue>u1</saml:AttributeValue>": "", "": auth.ReasonSubject, "<saml:AttributeValue>u1</saml:AttributeValue><saml:AttributeValue>u2</saml:AttributeValue>": auth.ReasonSubject} {
		s := newScene(t, func(c *settings.SAML) { c.SubjectAttribute = "id" })
		s.begin(auth.Wish{})
		changed := strings.Replace(assertionTemplate, "<saml:AttributeStatement>", `<saml:AttributeStatement><saml:Attribute Name="id">`+values+`</saml:Attribute>`, 1)
		id, err := s.finish(s.respond(sign(t, s.fill(changed), theirs(), "")))
		if want == "" && (err != nil || id.Subject != issuer+" u1") {
			t.Errorf("%q: %+v, %v", values, id, err)
		}
		if want != "" {
			refused(t, values, err, want)
		}
	}
}

func TestProvidersMayChangeTheirKeys(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.begin(auth.Wish{})
	s.writeMetadata(next(), curved())
	s.now = s.now.Add(saml.MetadataRetry - time.Second)
	_, err := s.finish(s.respond(sign(t, s.fill(assertionTemplate), next(), "")))
	refused(t, "sooner than they are read again", err, auth.ReasonSignature)
	s.now = s.now.Add(time.Second)
	if _, err := s.finish(s.respond(sign(t, s.fill(assertionTemplate), next(), ""))); err != nil {
		t.Errorf("the new key: %v", err)
	}
	s.begin(auth.Wish{})
	if _, err := s.finish(s.respond(sign(t, s.fill(strings.Replace(assertionTemplate, "a1", "a2", 1)), curved(), dsig.ECDSASHA256SignatureMethod))); err != nil {
		t.Errorf("the second new key: %v", err)
	}
	s.begin(auth.Wish{})
	_, err = s.finish(s.respond(sign(t, s.fill(strings.Replace(assertionTemplate, "a1", "a3", 1)), theirs(), "")))
	refused(t, "the old key", err, auth.ReasonSignature)

	must(t, os.Remove(s.file("idp.xml"))) // then what was good stays
	s.now = s.now.Add(saml.MetadataAge)
	s.begin(auth.Wish{})
	if _, err := s.finish(s.respond(sign(t, s.fill(strings.Replace(assertionTemplate, "a1", "a4", 1)), next(), ""))); err != nil {
		t.Errorf("with metadata that cannot be read: %v", err)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	group := func(inside, more string) string {
		return `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="e1"` + more + `>` + inside + `</md:EntitiesDescriptor>`
	}
	until := func(d time.Duration) string {
		return ` validUntil="` + time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).Add(d).Format(time.RFC3339) + `"`
	}
	other := strings.Replace(metadataOf("", theirs()), issuer, "https://other.example", 1)
	for what, c := range map[string]struct {
		text  string
		right bool
	}{
		"one entity":                {metadataOf("", theirs()), true},
		"with a comment":            {"<!-- x -->" + metadataOf("", theirs()), true},
		"one of many":               {group(other+group(metadataOf("", theirs()), ""), ""), true},
		"none of many":              {group(other, ""), false},
		"another entity":            {other, false},
		"valid":                     {metadataOf(until(time.Second), theirs()), true},
		"no longer valid":           {metadataOf(until(0), theirs()), false},
		"group no longer valid":     {group(metadataOf("", theirs()), until(0)), false},
		"no key":                    {metadataOf(""), false},
		"weak key":                  {metadataOf("", weak()), false},
		"weak key beside another":   {metadataOf("", weak(), theirs()), true},
		"key without a certificate": {strings.NewReplacer("<ds:KeyInfo>", "<ds:Other>", "</ds:KeyInfo>", "</ds:Other>").Replace(metadataOf("", theirs())), false},
		"certificate that is none":  {strings.Replace(metadataOf("", theirs()), "<ds:X509Certificate>", "<ds:X509Certificate>AAAA", 1), false},
		"key for encryption":        {strings.Replace(metadataOf("", theirs()), `use="signing"`, `use="encryption"`, 1), false},
		"no sign-in":                {strings.Replace(metadataOf("", theirs()), "SingleSignOnService", "Other", 1), false},
		"sign-in by a script":       {strings.Replace(metadataOf("", theirs()), "https://idp.example/sso", "javascript:x", 1), false},
		"another protocol":          {strings.Replace(metadataOf("", theirs()), "SAML:2.0:protocol", "SAML:1.1:protocol", 1), false},
		"document type":             {"<!DOCTYPE x>" + metadataOf("", theirs()), false},
		"nothing":                   {"", false},
	} {
		s := newScene(t)
		must(t, os.WriteFile(s.file("idp.xml"), []byte(c.text), 0o600))
		if _, err := s.p.Begin(t.Context(), auth.Wish{}); (err == nil) != c.right || err != nil && !errors.Is(err, auth.ErrProviderUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for by, right := range map[string]bool{sign(t, metadataOf("", theirs()), next(), ""): true, sign(t, metadataOf("", theirs()), foreign(), ""): false, metadataOf("", theirs()): false} {
		s := newScene(t)
		must(t, os.WriteFile(s.file("signer.crt"), next().pem(), 0o600))
		must(t, os.WriteFile(s.file("idp.xml"), []byte(by), 0o600))
		s = rescene(s, func(c *settings.SAML) { c.MetadataCertFile = s.file("signer.crt") })
		if _, err := s.p.Begin(t.Context(), auth.Wish{}); (err == nil) != right {
			t.Errorf("signed metadata: %v, want %v", err, right)
		}
	}
}

// rescene is a scene with the metadata of another.
func rescene(from *scene, change func(*settings.SAML)) *scene {
	return newScene(from.t, change, func(c *settings.SAML) { c.Metadata = from.file("idp.xml") })
}

func TestOwnMetadataAndRequestAreXML(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	var ours struct {
		EntityID string `xml:"entityID,attr"`
		Role     struct {
			Signed   bool `xml:"AuthnRequestsSigned,attr"`
			Consumer struct {
				Location string `xml:",attr"`
			} `xml:"AssertionConsumerService"`
			Methods []struct {
				Algorithm string `xml:",attr"`
			} `xml:"KeyDescriptor>EncryptionMethod"`
		} `xml:"SPSSODescriptor"`
	}
	must(t, xml.Unmarshal(s.p.Metadata(), &ours))
	if ours.EntityID != entity || !ours.Role.Signed || ours.Role.Consumer.Location != consumer || len(ours.Role.Methods) != 3 {
		t.Errorf("%+v", ours)
	}
	if strings.Contains(string(s.p.Metadata()), "cbc") {
		t.Error("our metadata offer AES-CBC")
	}
	s.begin(auth.Wish{})
	address, err := url.Parse(s.started.Address)
	must(t, err)
	if q := address.Query(); q.Get("SigAlg") != dsig.RSASHA256SignatureMethod || q.Get("Signature") == "" || q.Get("x") != "1" || q.Get("RelayState") == "" {
		t.Errorf("%s", s.started.Address)
	}
}

// FuzzFinish feeds whatever comes to an address that everybody can reach.
func FuzzFinish(f *testing.F) {
	f.Add([]byte(responseTemplate))
	f.Add([]byte(assertionTemplate))
	f.Add([]byte(`<a xmlns:a="a" ID="x"><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/></a>`))
	f.Fuzz(func(t *testing.T, message []byte) {
		s := newScene(t)
		s.begin(auth.Wish{})
		if _, err := s.finish(string(message)); !errors.Is(err, auth.ErrProviderRefused) {
			t.Errorf("%q: %v", message, err)
		}
	})
}
