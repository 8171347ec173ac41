package auth

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestA87AClockThatIsPutBackGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		put := time.Duration(0)
		clock := Forward(func() time.Time { return time.Now().Add(put) })
		began := clock()
		for _, step := range []struct {
			passes, put time.Duration // the wall is put by so much after so long
			want        time.Duration // since the beginning
		}{
			{time.Hour, 0, time.Hour},
			{time.Hour, -2 * time.Hour, 2 * time.Hour},
			{time.Minute, -2 * time.Hour, 2*time.Hour + time.Minute},
			{time.Hour, 0, 3*time.Hour + time.Minute},                 // put right
			{time.Minute, 2 * time.Hour, 5*time.Hour + 2*time.Minute}, // put forward
			{time.Minute, 0, 5*time.Hour + 3*time.Minute},             // and right again
		} {
			time.Sleep(step.passes)
			put = step.put
			if got := clock().Sub(began); got != step.want {
				t.Errorf("%v after the wall was put by %v: %v, want %v", step.passes, step.put, got, step.want)
			}
		}
	})
}
