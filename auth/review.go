package auth

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/user"
)

// How people are asked about who signed in at a provider.
const (
	ReviewEvery   = 10 * time.Second // is looked for those whose turn it is
	ReviewBatch   = 32               // people at a time
	ReviewWorkers = 4                // of whom so many at once
	// ReviewRetry is after how long somebody is asked about again when the provider could not tell, or when the controller
	// that had begun to ask is gone.
	ReviewRetry = 2 * time.Minute
	// ReviewGrace is how long somebody about whom the provider cannot tell stays signed in after the time to ask.
	ReviewGrace = time.Hour
)

// Run reviews until ctx ends, whenever tick sends.
func (f *Federation) Run(ctx context.Context, tick <-chan time.Time, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
			if err := f.Review(ctx); err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, "identity providers were not asked about everybody", "error", err)
			}
		}
	}
}

// Review asks the providers about everybody whose turn it is. Who is gone there, or has no role any more, loses access; who
// came to other roles gets them.
func (f *Federation) Review(ctx context.Context) error {
	for {
		now := wholeMillis(f.now())
		due, err := f.store.ClaimReviews(ctx, now, now.Add(ReviewRetry), ReviewBatch)
		if err != nil {
			return err
		}
		if err := f.reviewAll(ctx, due); err != nil || len(due) < ReviewBatch {
			return err
		}
	}
}

func (f *Federation) reviewAll(ctx context.Context, due []Link) error {
	var mu sync.Mutex
	var failures []error
	var all sync.WaitGroup
	turns := make(chan struct{}, ReviewWorkers)
	for _, l := range due {
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			if err := f.review(ctx, l); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failures = append(failures, err)
			}
		})
	}
	all.Wait()
	return errors.Join(failures...)
}

// review asks about one person and stores what follows.
func (f *Federation) review(ctx context.Context, l Link) error {
	e, err := f.entrance(l.Provider, func(Entrance) bool { return true })
	if err != nil {
		return f.bar(ctx, l, ReasonRemoved, false)
	}
	if len(l.Sealed) == 0 { // the person was removed by provisioning and is back: the provider vouches again at the next sign-in
		return f.bar(ctx, l, ReasonStale, false)
	}
	before, err := f.unseal(l)
	if err != nil {
		return err
	}
	if e.Reviewer == nil {
		return f.bar(ctx, l, ReasonStale, false)
	}
	id, err := e.Reviewer.Review(ctx, before)
	switch {
	case errors.Is(err, ErrProviderGone):
		reason := ReasonUnknown
		_ = errors.As(err, &reason) // an adapter always says one
		return f.bar(ctx, l, reason, true)
	case err != nil && f.now().Before(before.AskAgain.Add(ReviewGrace)):
		return nil // asked again after ReviewRetry; the adapter has told the log
	case err != nil:
		return f.bar(ctx, l, ReasonSilent, false)
	}
	g, err := e.give(id)
	var refusal Reason
	if err != nil && !errors.As(err, &refusal) {
		return err
	}
	return f.confirm(ctx, l, id, g, refusal)
}

// reviewer is who acts when nobody is there.
func (f *Federation) reviewer() (audit.Origin, error) {
	actor := access.System("identity")
	return audit.Origin{At: wholeMillis(f.now()), Actor: actor}, access.Decide(actor, access.IdentityReview, access.Object{Kind: "user", Tenant: actor.Tenant}).Err()
}

// confirm stores what the provider says now. The refusal is why the rules give nothing, empty when they do; it does not count for
// somebody who is provisioned, whose roles come from there.
func (f *Federation) confirm(ctx context.Context, l Link, id ProviderIdentity, g given, refusal Reason) error {
	by, err := f.reviewer()
	if err != nil {
		return err
	}
	sealed, err := f.seal(l, id)
	if err != nil {
		return err
	}
	return f.store.Settle(ctx, l, func(k Known) (Outcome, error) {
		if k.User.ID == "" {
			return Outcome{}, user.ErrUnknown
		}
		if refusal != "" && !k.Provisioned {
			return barred(by, k, refusal, true, g.because), nil
		}
		k.Link.Sealed, k.Link.AskAt = sealed, wholeMillis(id.AskAgain)
		if !k.User.Disabled() {
			k.Link.GoneAt = time.Time{} // it was silent for a while
		}
		return about(k).withRoles(by, g, l.Provider), nil
	})
}

// bar ends all sessions of a person, and API tokens are good for nothing until the provider vouches for the person again. For good
// means that only the next sign-in there does that; otherwise an answer of the provider is enough.
func (f *Federation) bar(ctx context.Context, l Link, reason Reason, forGood bool) error {
	by, err := f.reviewer()
	if err != nil {
		return err
	}
	return f.store.Settle(ctx, l, func(k Known) (Outcome, error) {
		if k.User.ID == "" {
			return Outcome{}, user.ErrUnknown
		}
		return barred(by, k, reason, forGood, nil), nil
	})
}

// barred is what bar stores. Because is where the rules are written that are the reason.
func barred(by audit.Origin, k Known, reason Reason, forGood bool, because []string) Outcome {
	// What an administrator has disabled stays the administrator's: a time since which the person is gone would let the provider in.
	out, first := forGood && !k.User.Disabled(), k.Link.GoneAt.IsZero() && !k.User.Disabled()
	k.Link.AskAt = by.At.Add(ReviewGrace) // only of importance where there are API tokens
	if first {
		k.Link.GoneAt = by.At
	}
	if out {
		k.User.DisabledAt, k.Link.GoneAt, k.Link.AskAt = by.At, by.At, by.At // an administrator who lets the person in has the provider asked
	}
	return Outcome{Known: k, End: true, Entries: func(ended int) []audit.Entry {
		if !out && !first && ended == 0 {
			return nil
		}
		return []audit.Entry{audit.IdentityBarred(by, k.User.ID, k.Link.Provider, string(reason), ended, because)}
	}}
}
