package privacy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/privacy"
)

// stalled is a database that has what is at hand at once, and does not get to the log.
type stalled struct{}

func (stalled) OwnData(context.Context, string, string, audit.Entry) (privacy.OwnData, error) {
	return privacy.OwnData{}, nil
}

func (stalled) OwnLog(ctx context.Context, _, _ string, _ func(privacy.OwnLogEntry) error) (bool, error) {
	<-ctx.Done()
	return false, ctx.Err()
}

func TestWhatIsNotReadInTimeIsLeftOutAndSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		anna := access.Actor{Kind: access.KindAccount, UserID: "u1", Tenant: access.DefaultTenant, Roles: access.Ordinary.List()}
		began := time.Now()
		e, err := privacy.NewService(stalled{}, nil, nil, time.Now).Export(t.Context(), anna)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := e.Write(t.Context(), &text); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != privacy.ReadingTime {
			t.Errorf("took %v", took)
		}
		var own struct{ Complete *bool }
		if err := json.Unmarshal(text.Bytes(), &own); err != nil || own.Complete == nil || *own.Complete {
			t.Errorf("an export that has an end and is not complete: %v, %s", err, &text)
		}
	})
}
