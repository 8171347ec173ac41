package auth

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

func TestA29CookiesAreBoundToTheHost(t *testing.T) {
	t.Parallel()
	for _, name := range []string{SessionCookie, GuestCookie, DeviceCookie} {
		if !strings.HasPrefix(name, "__Host-") {
			t.Errorf("a sibling host can set %s", name)
		}
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	secret := newSecret()
	hash, ok := hashSecret(secret)
	if !ok || len(hash) != 32 || strings.Contains(secret, string(hash)) {
		t.Errorf("hash of %q is %x, %v", secret, hash, ok)
	}
	if secret == newSecret() {
		t.Error("two secrets are the same")
	}
	for _, wrong := range []string{"", secret[1:], secret + "A", secret[:42] + "\n", strings.Repeat("A", 42) + "\n", "\r" + secret[:42], secret[:42] + "=", secret[:42] + "+", strings.Repeat("é", 21) + "x"} {
		if _, ok := hashSecret(wrong); ok {
			t.Errorf("%q is taken for a secret", wrong)
		}
	}
	if _, ok := hashSecret(strings.Repeat("A", 42) + "B"); ok {
		t.Error("a secret can be written in two ways")
	}
}

func TestGuestID(t *testing.T) {
	t.Parallel()
	cookie, id := NewGuest()
	again, ok := GuestID(cookie)
	if !ok || again != id || len(id) != guestIDLength || strings.Contains(cookie, id) {
		t.Errorf("cookie %q, id %q, again %q, %v", cookie, id, again, ok)
	}
	if _, other := NewGuest(); other == id {
		t.Error("two guests have the same id")
	}
	for _, wrong := range []string{"", "x", cookie + "x", id} {
		if _, ok := GuestID(wrong); ok {
			t.Errorf("%q is taken for a guest cookie", wrong)
		}
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][2]string{
		"192.0.2.7": {"192.0.2.7/32", "192.0.2.0/24"}, "192.0.2.7:80": {"192.0.2.7/32", "192.0.2.0/24"},
		"::ffff:192.0.2.7":    {"192.0.2.7/32", "192.0.2.0/24"},
		"2001:db8:1:2:3::7":   {"2001:db8:1:2::/64", "2001:db8:1::/48"},
		"[2001:db8:1:2::7]:1": {"2001:db8:1:2::/64", "2001:db8:1::/48"},
		"fe80::1%eth0":        {"fe80::/64", "fe80::/48"},
		"":                    {"unknown", "unknown"}, "localhost": {"unknown", "unknown"}, "1.2.3": {"unknown", "unknown"},
	} {
		if got := [2]string{sourceOf(address), shortSource(address)}; got != want {
			t.Errorf("%q: %v, want %v", address, got, want)
		}
	}
}

func TestA73UserAgentIsPrintable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux)":                      "Mozilla/5.0 (X11; Linux)",
		"a\r\nSet-Cookie: x\x1b[31m\x00\u202eb":         "aSet-Cookie: x[31mb",
		" é ":                                           "",
		strings.Repeat("x", maxUserAgentLength):         strings.Repeat("x", maxUserAgentLength),
		strings.Repeat("x", maxUserAgentLength+1):       strings.Repeat("x", maxUserAgentLength),
		strings.Repeat("x", maxUserAgentLength-1) + "é": strings.Repeat("x", maxUserAgentLength-1),
	} {
		if got := shortUserAgent(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestAccountKeysDoNotMix(t *testing.T) {
	t.Parallel()
	keys := map[string]bool{}
	for _, k := range []string{accountKey("x", "a@example.org"), accountKey("a@example.org", ""), accountKey("b", ""), accountKey("", "")} {
		if keys[k] {
			t.Errorf("%s came twice", k)
		}
		keys[k] = true
	}
	if accountKey("A@example.org", "a@example.org") != accountKey("a@example.org ", "a@example.org") {
		t.Error("two ways to write an address are counted apart")
	}
}

func TestTurnsPassOneAtATime(t *testing.T) {
	t.Parallel()
	turns := turns{keys: map[string]*turn{}}
	inside, counted := map[string]int{}, 0
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 60 {
		key := string(rune('a' + i%3))
		all.Go(func() {
			release, err := turns.take(t.Context(), key)
			if err != nil {
				t.Error(err)
				return
			}
			defer release()
			mu.Lock()
			inside[key]++
			if inside[key] > 1 {
				t.Errorf("%d have the turn for %s", inside[key], key)
			}
			mu.Unlock()
			mu.Lock()
			inside[key]--
			counted++
			mu.Unlock()
		})
	}
	all.Wait()
	if counted != 60 || len(turns.keys) != 0 {
		t.Errorf("%d had a turn, %d keys are left", counted, len(turns.keys))
	}
}

func TestTurnIsWaitedForUntilTheContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := turns{keys: map[string]*turn{}}
		release, err := turns.take(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		waited := make(chan error)
		go func() {
			_, err := turns.take(ctx, "a")
			waited <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-waited; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		release()
		if len(turns.keys) != 0 {
			t.Errorf("%d keys are left", len(turns.keys))
		}
	})
}
