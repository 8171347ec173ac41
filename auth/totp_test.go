package auth

import (
	"net/url"
	"testing"
	"time"
)

// The SHA-1 rows of RFC 6238, appendix B, whose last six digits are those of a code of six digits.
func TestTOTPCodesAreThoseOfTheRFC(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := totpCode(secret, totpStep(time.Unix(at, 0))); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

func TestA34TOTPWindow(t *testing.T) {
	t.Parallel()
	secret := newTOTPSecret()
	made := time.Unix(1_800_000_000, 0) // the beginning of a period
	code := totpCode(secret, totpStep(made))
	for offset, want := range map[time.Duration]bool{
		-TOTPPeriod - time.Second: false, -TOTPPeriod: true, 0: true, TOTPPeriod: true, 2*TOTPPeriod - time.Second: true, 2 * TOTPPeriod: false,
	} {
		if _, ok := totpMatch(secret, code, 0, made.Add(offset)); ok != want {
			t.Errorf("%v after the period began: accepted is %v", offset, ok)
		}
	}
	step, ok := totpMatch(secret, code[:3]+" "+code[3:], 0, made)
	if !ok || step != totpStep(made) {
		t.Errorf("with a space: %d, %v", step, ok)
	}
	if _, ok := totpMatch(secret, code, step, made); ok {
		t.Error("a code is good twice")
	}
	earlier := totpCode(secret, step-1)
	if _, ok := totpMatch(secret, earlier, step, made); ok && earlier != code {
		t.Error("a code of before the last one that was used is good")
	}
	for _, wrong := range []string{"", code[:5], code + "0", "abcdef", "-00001"} {
		if _, ok := totpMatch(secret, wrong, 0, made); ok {
			t.Errorf("%q is good", wrong)
		}
	}
}

func TestTOTPAddressIsOneThatAppsTake(t *testing.T) {
	t.Parallel()
	text := totpAddress([]byte("12345678901234567890"), "Stadt Köln & Co", "anna+x@example.org")
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Stadt Köln & Co:anna+x@example.org" {
		t.Errorf("%s: %+v, %v", text, u, err)
	}
	if q := u.Query(); q.Get("secret") != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" || q.Get("issuer") != "Stadt Köln & Co" {
		t.Errorf("%s", text)
	}
}
