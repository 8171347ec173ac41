package main

import (
	"strings"
	"testing"
)

func TestFollowShowsWhatFailedAndCountsAll(t *testing.T) {
	t.Parallel()
	events := `{"Action":"start","Package":"a"}
{"Action":"output","Package":"a","Test":"TestGood","Output":"quiet\n"}
{"Action":"pass","Package":"a","Test":"TestGood"}
{"Action":"output","Package":"a","Test":"TestBad","Output":"a_test.go:7: loud\n"}
{"Action":"fail","Package":"a","Test":"TestBad"}
{"Action":"skip","Package":"a","Test":"TestLater"}
{"Action":"fail","Package":"a","Elapsed":1.234}
{"Action":"pass","Package":"b","Elapsed":0.5}
{"Action":"skip","Package":"c"}
{"Action":"build-output","ImportPath":"d","Output":"d.go:1: broken\n"}
not json
`
	var out strings.Builder
	got := follow(&out, strings.NewReader(events))
	want := counts{packages: 2, failedPackages: 1, passed: 1, failed: 1, skipped: 1}
	if got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	for _, text := range []string{"a_test.go:7: loud", "fail  a  1.23s", "pass  b  500ms", "d.go:1: broken", "not json"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("output lacks %q:\n%s", text, &out)
		}
	}
	if strings.Contains(out.String(), "quiet") {
		t.Errorf("output of a test that passed is shown:\n%s", &out)
	}
}
