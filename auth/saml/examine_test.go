package saml_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"konklave/auth/saml"
)

func TestExamineTellsWhatIsWrongWithMetadata(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	ends := time.Unix(1, 0).UTC() // of the certificates of these tests
	until := s.now.Add(time.Hour)
	for name, c := range map[string]struct {
		text string
		want saml.Health
		err  string
	}{
		"as they should be":  {metadataOf("", theirs()), saml.Health{SignOn: "https://idp.example/sso?x=1", Ends: ends, OwnEnds: ends}, ""},
		"valid for an hour":  {metadataOf(` validUntil="`+until.Format(time.RFC3339)+`"`, theirs()), saml.Health{SignOn: "https://idp.example/sso?x=1", Ends: ends, OwnEnds: ends, ValidUntil: until}, ""},
		"not valid any more": {metadataOf(` validUntil="`+s.now.Format(time.RFC3339)+`"`, theirs()), saml.Health{OwnEnds: ends}, "were valid until"},
		"of another":         {strings.ReplaceAll(metadataOf("", theirs()), issuer, "https://other.example"), saml.Health{OwnEnds: ends}, "know no"},
		"a weak key":         {metadataOf("", weak()), saml.Health{OwnEnds: ends}, "no key for signing"},
		"a page":             {"<html><body>Sign in</body></html>", saml.Health{OwnEnds: ends}, "know no"},
		"nothing":            {"", saml.Health{OwnEnds: ends}, "cannot be read"},
	} {
		must(t, os.WriteFile(s.file("idp.xml"), []byte(c.text), 0o600))
		h, err := s.p.Examine(t.Context())
		if h != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
	must(t, os.Remove(s.file("idp.xml")))
	if _, err := s.p.Examine(t.Context()); err == nil {
		t.Error("metadata that are not there are good")
	}
}
