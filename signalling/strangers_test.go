package signalling

import (
	"fmt"
	"testing"
)

func TestA52StrangersAreLimitedInAllAndFromOneSource(t *testing.T) {
	t.Parallel()
	s := strangers{bySource: map[string]int{}}
	for range StrangersOfOne {
		if !s.enter("192.0.2.1") {
			t.Fatal("refused below the limit of one source")
		}
	}
	if s.enter("192.0.2.1") {
		t.Error("admitted over the limit of one source")
	}
	for i := range StrangersMax - StrangersOfOne {
		if !s.enter(fmt.Sprint("source ", i)) {
			t.Fatal("refused below the limit of all")
		}
	}
	if s.enter("192.0.2.2") {
		t.Error("admitted over the limit of all")
	}
	s.leave("192.0.2.1")
	if !s.enter("192.0.2.2") {
		t.Error("refused after one has left")
	}
	for i := range StrangersMax - StrangersOfOne {
		s.leave(fmt.Sprint("source ", i))
	}
	if len(s.bySource) != 2 {
		t.Errorf("%d sources are remembered", len(s.bySource))
	}
}
