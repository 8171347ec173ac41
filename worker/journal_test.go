package worker

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/conference"
	"konklave/control"
	"konklave/fault"
)

// controller plays the other end of the control channel.
type controller struct {
	fail    []error // answers before it works
	appends []control.Append
}

func (c *controller) call(_ context.Context, _ string, body, _ any) error {
	if len(c.fail) > 0 {
		err := c.fail[0]
		c.fail = c.fail[1:]
		return err
	}
	c.appends = append(c.appends, body.(control.Append)) //nolint:forcetypeassert // the journal makes no other call
	return nil
}

func messages(n int, text string) []conference.Event {
	events := make([]conference.Event, n)
	for i := range events {
		events[i] = conference.Event{Seq: int64(i + 1), Fact: &conference.ChatMessage{Message: conference.Message{Text: text}}}
	}
	return events
}

func TestAppendsNeverOutgrowAFrame(t *testing.T) {
	t.Parallel()
	c := &controller{}
	j := &journal{line: c, epoch: 3, seq: 10}
	worst := strings.Repeat("\x01", conference.ChatTextMax) // six bytes each in JSON
	if err := j.Append(t.Context(), messages(256, worst)); err != nil {
		t.Fatal(err)
	}
	next, total := int64(11), 0
	for _, a := range c.appends {
		raw, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) > control.FrameMax/2 {
			t.Errorf("an append has %d bytes", len(raw))
		}
		if a.Seq != next || a.Epoch != 3 {
			t.Errorf("append %d of epoch %d, want %d", a.Seq, a.Epoch, next)
		}
		next += int64(len(a.Events))
		total += len(a.Events)
	}
	if total != 256 || len(c.appends) < 2 {
		t.Errorf("%d events in %d appends", total, len(c.appends))
	}
}

func TestAppendWaitsForAControllerThatIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &controller{fail: []error{errNoController, errNoController, errors.New("disk is full")}}
		j := &journal{line: c}
		began := time.Now()
		if err := j.Append(t.Context(), messages(1, "x")); err != nil {
			t.Fatal(err)
		}
		if len(c.appends) != 1 || time.Since(began) != 7*callPauseFirst {
			t.Errorf("%d appends after %v", len(c.appends), time.Since(began))
		}
	})
}

func TestAControllerIsToldNothingThatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	q := control.Redeem{Ticket: "t", Session: "s", Address: "192.0.2.1"}
	for version, want := range map[int]any{
		control.VersionArrive: q, control.VersionArrive - 1: control.Redeem{Ticket: "t", Session: "s"},
		control.VersionSession: control.Redeem{Ticket: "t", Session: "s"}, control.VersionSession - 1: control.Redeem{Ticket: "t"},
	} {
		if got := understood(q, version); got != want {
			t.Errorf("version %d: %+v", version, got)
		}
	}
}

func TestARefusalIsFinal(t *testing.T) {
	t.Parallel()
	stale := fault.New(fault.KindConflict, "journal.stale_epoch", "Another worker has taken this conference over.")
	j := &journal{line: &controller{fail: []error{stale}}}
	if err := j.Append(t.Context(), messages(1, "x")); !errors.Is(err, stale) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	j = &journal{line: &controller{fail: []error{errNoController}}}
	if err := j.Append(ctx, messages(1, "x")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
