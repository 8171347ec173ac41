package finding

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"
)

// When requests are far more than usual. Both have to be exceeded: what is much at all, and what is much for who asks.
const (
	// PersonSpike and SourceSpike are how many requests in one minute are much for an account, and for a network with many people.
	PersonSpike = 600
	SourceSpike = 2000
	// SpikeFactor is how many times the usual is much.
	SpikeFactor = 10
	// UsualMinutes is over about how many minutes the usual is told.
	UsualMinutes = 60
	// SpikeQuiet is between two findings about one account or network.
	SpikeQuiet = time.Hour
	// MaxFlows is how many accounts and networks are counted at once; of more, those that come later are not.
	MaxFlows = 20_000
	// maxSpikes is how many findings wait to be kept; more are not.
	maxSpikes = 64
)

// Traffic counts requests in memory: of each account and each network, how many there are in a minute and how many there usually are.
// To count takes no time worth telling and asks nobody. It may be used by many goroutines at once.
type Traffic struct {
	now    func() time.Time
	spikes chan Finding

	mu    sync.Mutex
	flows map[string]*flow // by kind and name
	swept int64            // the minute in which quiet ones were forgotten last
}

// flow is what one account or network asks.
type flow struct {
	minute int64   // since 1970, of count
	count  int     // in that minute
	limit  int     // above which count is a spike
	usual  float64 // in a minute
}

// NewTraffic returns a Traffic.
func NewTraffic(now func() time.Time) *Traffic {
	return &Traffic{now: now, spikes: make(chan Finding, maxSpikes), flows: map[string]*flow{}}
}

// Source counts a request from a network of the organisation's people.
func (t *Traffic) Source(tenant, source string) {
	if n, usual, over := t.count("source/"+source, SourceSpike); over {
		t.tell(New(tenant, t.now(), TrafficSpike, "", source, SpikeQuiet, Evidence{Sources: []string{source}, Requests: n, Usual: usual}))
	}
}

// Person counts a request of an account from a network.
func (t *Traffic) Person(tenant, userID, source string) {
	if n, usual, over := t.count("person/"+userID, PersonSpike); over {
		t.tell(New(tenant, t.now(), TrafficSpike, userID, userID, SpikeQuiet, Evidence{Sources: []string{source}, Requests: n, Usual: usual}))
	}
}

// count counts one and says, at the first one above the limit in a minute, how many there were and how many are usual.
func (t *Traffic) count(key string, least int) (n, usual int, over bool) {
	minute := t.now().Unix() / 60
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.flows[key]
	if f == nil {
		if f = t.add(key, minute); f == nil {
			return 0, 0, false
		}
		f.limit = least
	}
	if minute != f.minute {
		f.pass(minute, least)
	}
	f.count++
	return f.count, int(f.usual), f.count == f.limit+1
}

// add begins to count, unless too many are counted.
func (t *Traffic) add(key string, minute int64) *flow {
	if len(t.flows) >= MaxFlows && t.swept != minute {
		t.swept = minute
		maps.DeleteFunc(t.flows, func(_ string, f *flow) bool { return minute-f.minute > UsualMinutes })
	}
	if len(t.flows) >= MaxFlows {
		return nil
	}
	f := &flow{minute: minute}
	t.flows[key] = f
	return f
}

// pass goes on to another minute: what was asked in the last one, and nothing in those between, becomes part of the usual. A minute
// counts for no more than what was much in it, so that a flood does not make itself usual at once.
func (f *flow) pass(minute int64, least int) {
	const keeps = 1 - 1.0/UsualMinutes
	f.usual = f.usual*keeps + float64(min(f.count, f.limit))/UsualMinutes
	for range min(max(0, minute-f.minute-1), 10*UsualMinutes) {
		f.usual *= keeps
	}
	f.minute, f.count, f.limit = minute, 0, max(least, int(SpikeFactor*f.usual))
}

// tell hands a finding over, unless too many wait.
func (t *Traffic) tell(f Finding) {
	select {
	case t.spikes <- f:
	default:
	}
}

// Keeper keeps findings.
type Keeper interface {
	// KeepFinding stores a finding, unless one of the same kind and topic is too new.
	KeepFinding(ctx context.Context, f Finding) error
}

// Run keeps the findings until ctx ends, and returns nil then. One that cannot be kept is logged and lost.
func (t *Traffic) Run(ctx context.Context, k Keeper, log *slog.Logger) error {
	for {
		select {
		case f := <-t.spikes:
			if err := k.KeepFinding(ctx, f); err != nil && ctx.Err() == nil {
				log.ErrorContext(ctx, "a finding is lost", "kind", string(f.Kind), "err", err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}
