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
{"Action":"output","Package":"a","Test":"TestLater","Output":"=== RUN   TestLater\n"}
{"Action":"output","Package":"a","Test":"TestLater","Output":"    a_test.go:9: needs root: to be several users\n"}
{"Action":"skip","Package":"a","Test":"TestLater"}
{"Action":"skip","Package":"a","Test":"TestSilent"}
{"Action":"fail","Package":"a","Elapsed":1.234}
{"Action":"pass","Package":"b","Elapsed":0.5}
{"Action":"skip","Package":"c"}
{"Action":"build-output","ImportPath":"d","Output":"d.go:1: broken\n"}
not json
`
	var out strings.Builder
	got := follow(&out, strings.NewReader(events))
	want := counts{packages: 2, failedPackages: 1, passed: 1, failed: 1, skipped: 2}
	if got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	for _, text := range []string{"a_test.go:7: loud", "fail  a  1.23s", "pass  b  500ms", "d.go:1: broken", "not json", "skip  a.TestLater: needs root: to be several users\n", "skip  a.TestSilent\n"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("output lacks %q:\n%s", text, &out)
		}
	}
	if strings.Contains(out.String(), "quiet") {
		t.Errorf("output of a test that passed is shown:\n%s", &out)
	}
}
