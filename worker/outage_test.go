package worker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"konklave/fault"
)

// outage is a controller whose database is gone until a moment; each attempt takes it a time to find that out.
type outage struct {
	controller
	until    time.Time
	takes    time.Duration
	attempts int
}

func (o *outage) call(ctx context.Context, name string, body, result any) error {
	o.attempts++
	time.Sleep(o.takes) // virtual
	if time.Now().Before(o.until) {
		return fault.New(fault.KindUnavailable, "server.unavailable", "The server cannot reach its database right now.")
	}
	return o.controller.call(ctx, name, body, result)
}

func TestAppendOutlastsADatabaseThatIsGoneForHalfAMinute(t *testing.T) {
	t.Parallel()
	const gone = 30 * time.Second
	for name, takes := range map[string]time.Duration{"it refuses": time.Millisecond, "it hangs": 10 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := &outage{until: time.Now().Add(gone), takes: takes}
				j := &journal{line: o, epoch: 3, seq: 10}
				began := time.Now()
				if err := j.Append(t.Context(), messages(2, "x")); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took < gone || took > gone+callPauseMax+takes {
					t.Errorf("stored after %v", took)
				}
				if most := int(gone/callPauseMax) + 8; o.attempts > most {
					t.Errorf("%d attempts, want at most %d", o.attempts, most)
				}
				if err := j.Append(t.Context(), messages(1, "y")); err != nil {
					t.Fatal(err)
				}
				if len(o.appends) != 2 || o.appends[0].Seq != 11 || o.appends[1].Seq != 13 {
					t.Errorf("appends %+v", o.appends)
				}
			})
		})
	}
}

func TestAnAppendThatWaitsEndsWithTheWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		o := &outage{until: time.Now().Add(time.Hour)}
		began := time.Now()
		if err := (&journal{line: o}).Append(ctx, messages(1, "x")); err == nil || len(o.appends) != 0 {
			t.Errorf("got %v, %+v", err, o.appends)
		}
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
