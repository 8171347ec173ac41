package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
)

const horse = "correct horse battery"

// scattered is a text of so many characters of these without any pattern, always the same one.
func scattered(letters string, n int) string {
	from, some := rand.New(rand.NewPCG(1, 2)), []rune(letters)
	text := make([]rune, n)
	for i := range text {
		text[i] = some[from.IntN(len(some))]
	}
	return string(text)
}

func TestPasswordLengthFromBothSides(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		password string
		want     error
	}{
		{"", ErrPasswordTooShort},
		{strings.Repeat("x", MinPasswordLength-1), ErrPasswordTooShort},
		{scattered("xy", MinPasswordLength), nil},
		{strings.Repeat("ä", MinPasswordLength-1), ErrPasswordTooShort}, // more bytes than characters
		{scattered("👍👎", MaxPasswordLength), nil},
		{strings.Repeat("x", MaxPasswordLength+1), ErrPasswordTooLong},
		{strings.Repeat("x", 10_000_000), ErrPasswordTooLong},
		{strings.Repeat("\xff", MinPasswordLength), ErrPasswordInvalid},
		{"      spaces count      ", nil},
	} {
		if err := CheckPassword(c.password); !errors.Is(err, c.want) {
			t.Errorf("%.20q (%d bytes): %v, want %v", c.password, len(c.password), err, c.want)
		}
	}
}

func TestHashAndVerify(t *testing.T) {
	t.Parallel()
	p := NewPasswords(1)
	stored, err := p.Hash(t.Context(), horse+" ä")
	if err != nil || !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("stored %q, %v", stored, err)
	}
	again, err := p.Hash(t.Context(), horse+" ä")
	if err != nil || again == stored {
		t.Errorf("the same salt twice: %v", err)
	}
	for password, want := range map[string]bool{
		horse + " ä": true, horse + " a\u0308": true, // however the keyboard composes it
		horse + " a": false, "": false, strings.Repeat("x", 10_000_000): false, horse + "\xff": false,
	} {
		if ok, renew, err := p.Verify(t.Context(), stored, password); ok != want || renew || err != nil {
			t.Errorf("%.30q: %v, renew %v, %v; want %v", password, ok, renew, err, want)
		}
	}
	if _, err := p.Hash(t.Context(), "short"); !errors.Is(err, ErrPasswordTooShort) {
		t.Errorf("short password: %v", err)
	}
}

// stored makes a hash with any cost.
func stored(password, cost string, memory, time uint32, threads uint8, length uint32) string {
	salt := []byte("somesaltsomesalt")
	key := argon2.IDKey([]byte(password), salt, time, memory, threads, length)
	b64 := base64.RawStdEncoding
	return "$argon2id$v=19$" + cost + "$" + b64.EncodeToString(salt) + "$" + b64.EncodeToString(key)
}

func TestHashOfAnotherCostIsVerifiedAndRenewed(t *testing.T) {
	t.Parallel()
	p := NewPasswords(1)
	for name, hash := range map[string]string{
		"memory": stored(horse, "m=64,t=2,p=1", 64, 2, 1, 32), "time": stored(horse, "m=19456,t=1,p=1", 19456, 1, 1, 32),
		"threads": stored(horse, "m=19456,t=2,p=2", 19456, 2, 2, 32), "length": stored(horse, "m=19456,t=2,p=1", 19456, 2, 1, 16),
	} {
		if ok, renew, err := p.Verify(t.Context(), hash, horse); !ok || !renew || err != nil {
			t.Errorf("%s: %v, renew %v, %v", name, ok, renew, err)
		}
		if ok, renew, err := p.Verify(t.Context(), hash, "wrong"); ok || renew || err != nil {
			t.Errorf("%s with a wrong password: %v, renew %v, %v", name, ok, renew, err)
		}
	}
}

func TestDamagedHashIsAnError(t *testing.T) {
	t.Parallel()
	good := stored(horse, "m=64,t=1,p=1", 64, 1, 1, 32)
	for _, bad := range []string{
		"x", "$", strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=64", "m=0", 1), strings.Replace(good, "m=64", "m=262145", 1), strings.Replace(good, "t=1", "t=17", 1),
		strings.Replace(good, "p=1", "p=256", 1), strings.Replace(good, "m=64,", "", 1), strings.Replace(good, "t=1", "x=1", 1),
		good + "$", good + "!", good[:len(good)-30], good + strings.Repeat("A", 100), "$argon2id$v=19$m=64,t=1,p=1$$",
	} {
		if ok, _, err := NewPasswords(1).Verify(t.Context(), bad, horse); ok || !errors.Is(err, errHashDamaged) {
			t.Errorf("%q: %v, %v", bad, ok, err)
		}
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add(stored(horse, "m=64,t=1,p=1", 64, 1, 1, 32))
	f.Fuzz(func(t *testing.T, text string) {
		if h, err := parsePHC(text); err == nil && (h.memory > maxArgonMemory || h.time > maxArgonTime || len(h.key) > maxKeyBytes || h.memory*h.time*uint32(h.threads) == 0) {
			t.Errorf("%q is taken as %+v", text, h)
		}
	})
}

// spent is the processor time that this program has taken so far. Unlike the time of the clock it hardly depends on what else
// the machine does.
func spent(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// TestA28UnknownAccountCostsAsMuch is not parallel: what other tests spend would count, too.
func TestA28UnknownAccountCostsAsMuch(t *testing.T) {
	p := NewPasswords(1)
	hash, err := p.Hash(t.Context(), horse)
	if err != nil {
		t.Fatal(err)
	}
	ways := []struct{ name, hash, password string }{
		{"a wrong password of a known account", hash, "wrong horse battery"},
		{"an unknown account", "", "wrong horse battery"},
		{"an endless password", hash, strings.Repeat("x", 100_000)},
	}
	// The cheapest of many runs is what each costs when nobody else uses the caches; the runs take turns so that what the
	// machine does meets all, and stop when the costs are near enough.
	const rounds = 200
	cheapest := []time.Duration{time.Hour, time.Hour, time.Hour}
	for range rounds {
		for i, w := range ways {
			before := spent(t)
			if ok, _, err := p.Verify(t.Context(), w.hash, w.password); ok || err != nil {
				t.Fatal(ok, err)
			}
			cheapest[i] = min(cheapest[i], spent(t)-before)
		}
		if slices.Max(cheapest)*4 < slices.Min(cheapest)*5 {
			return
		}
	}
	for i, w := range ways {
		t.Errorf("%s costs %v", w.name, cheapest[i])
	}
}

func TestHashesTakeTurns(t *testing.T) {
	t.Parallel()
	p := NewPasswords(1)
	p.slots <- struct{}{} // somebody else's turn
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, hash := range []string{"", stored(horse, "m=64,t=1,p=1", 64, 1, 1, 32)} {
		if _, _, err := p.Verify(ctx, hash, horse); !errors.Is(err, context.Canceled) {
			t.Errorf("verify: %v", err)
		}
	}
	if _, err := p.Hash(ctx, horse); !errors.Is(err, context.Canceled) {
		t.Errorf("hash: %v", err)
	}
	<-p.slots
	if ok, _, err := p.Verify(t.Context(), stored(horse, "m=64,t=1,p=1", 64, 1, 1, 32), horse); !ok || err != nil {
		t.Errorf("after the turn: %v, %v", ok, err)
	}
}
