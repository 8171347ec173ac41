package httpapi

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// MaxTracked is how many sources or sessions a limiter remembers; the one that was quiet longest is forgotten first.
const MaxTracked = 10_000

// limiter bounds the rate of each key.
type limiter struct {
	rate  rate.Limit
	burst int
	now   func() time.Time

	mu    sync.Mutex
	keys  map[string]*list.Element // of *bucket
	order *list.List               // the most recent first
}

type bucket struct {
	key string
	*rate.Limiter
}

func newLimiter(perSecond float64, burst int, now func() time.Time) *limiter {
	return &limiter{rate: rate.Limit(perSecond), burst: burst, now: now, keys: map[string]*list.Element{}, order: list.New()}
}

// allow takes one from the key's budget and reports whether there was one.
func (l *limiter) allow(key string) bool { return l.bucket(key).AllowN(l.now(), 1) }

// exhausted reports whether the key's budget is used up, and takes nothing.
func (l *limiter) exhausted(key string) bool { return l.bucket(key).TokensAt(l.now()) < 1 }

func (l *limiter) bucket(key string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.keys[key]; ok {
		l.order.MoveToFront(e)
		return e.Value.(*bucket).Limiter
	}
	if l.order.Len() >= MaxTracked {
		oldest := l.order.Remove(l.order.Back()).(*bucket)
		delete(l.keys, oldest.key)
	}
	b := &bucket{key, rate.NewLimiter(l.rate, l.burst)}
	l.keys[key] = l.order.PushFront(b)
	return b.Limiter
}

// sourceKey is what counts as one source: an IPv4 address, or the /64 network of an IPv6 address.
func sourceKey(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return "unknown"
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}
