package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// The one-time codes of an authenticator app (TOTP, RFC 6238), with the parameters that every app knows: HMAC-SHA-1, as RFC
// 4226 has it, six digits, a new code every 30 seconds.
const (
	TOTPPeriod = 30 * time.Second
	TOTPDigits = 6
	// TOTPSkew is how many periods a code may be early or late, for clocks that go wrong and people who type slowly.
	TOTPSkew = 1

	totpModulus     = 1_000_000 // 10^TOTPDigits
	totpSecretBytes = 20        // as long as what HMAC-SHA-1 makes of it (RFC 4226, section 4)
)

func newTOTPSecret() []byte {
	secret := make([]byte, totpSecretBytes)
	_, _ = rand.Read(secret) // never fails
	return secret
}

// totpStep is the number of the period that a time lies in.
func totpStep(at time.Time) int64 { return at.Unix() / int64(TOTPPeriod/time.Second) }

// totpCode is the code of a period (RFC 4226, section 5.3).
func totpCode(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, step) // a hash takes everything
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	value := binary.BigEndian.Uint32(sum[offset:]) & 0x7fff_ffff
	return fmt.Sprintf("%0*d", TOTPDigits, value%totpModulus)
}

// totpMatch finds the period of a code among those that are good now and later than the last one that was used, which makes
// each code good once. The code may have spaces in it, as apps show it.
func totpMatch(secret []byte, code string, last int64, now time.Time) (step int64, ok bool) {
	code = strings.Join(strings.Fields(code), "")
	for step := totpStep(now) - TOTPSkew; step <= totpStep(now)+TOTPSkew; step++ {
		if subtle.ConstantTimeCompare([]byte(totpCode(secret, step)), []byte(code)) == 1 && step > last {
			return step, true
		}
	}
	return 0, false
}

// totpText is a secret as people type it into an app.
func totpText(secret []byte) string { return base32.StdEncoding.EncodeToString(secret) }

// totpAddress is what the QR code says: the otpauth address that apps take.
func totpAddress(secret []byte, issuer, account string) string {
	query := url.Values{"secret": {totpText(secret)}, "issuer": {issuer}}
	// Apps read "+" as it stands, not as a space.
	return "otpauth://totp/" + url.PathEscape(issuer+":"+account) + "?" + strings.ReplaceAll(query.Encode(), "+", "%20")
}
