package sandbox

import "testing"

// TestOnlyAFilterMoreIsOurs, on kernels that count filters (from 5.9 on) and on those that do not.
func TestOnlyAFilterMoreIsOurs(t *testing.T) {
	t.Parallel()
	thread := func(mode, count string) status {
		s := status{"Seccomp": mode}
		if count != "" {
			s["Seccomp_filters"] = count
		}
		return s
	}
	for name, test := range map[string]struct {
		before, threads []status
		want            bool
	}{
		"alone":                      {[]status{thread("0", "0")}, []status{thread("2", "1"), thread("2", "1")}, true},
		"beside an inherited one":    {[]status{thread("2", "1")}, []status{thread("2", "2")}, true},
		"inherited only":             {[]status{thread("2", "1")}, []status{thread("2", "1")}, false},
		"one thread without":         {[]status{thread("2", "1")}, []status{thread("2", "2"), thread("2", "1")}, false},
		"inherited by some of us":    {[]status{thread("0", "0"), thread("2", "1")}, []status{thread("2", "1")}, false},
		"none":                       {[]status{thread("0", "0")}, []status{thread("0", "0")}, false},
		"old kernel, alone":          {[]status{thread("0", "")}, []status{thread("2", "")}, true},
		"old kernel, inherited":      {[]status{thread("2", "")}, []status{thread("2", "")}, false},
		"old kernel, none":           {[]status{thread("0", "")}, []status{thread("0", "")}, false},
		"we cannot be read":          {nil, []status{thread("2", "1")}, false},
		"the process cannot be read": {[]status{thread("0", "0")}, nil, false},
	} {
		if got := oneMoreFilter(test.threads, test.before); got.InForce != test.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestRefusalsInsideCount where the outside would look whole.
func TestRefusalsInsideCount(t *testing.T) {
	t.Parallel()
	for _, l := range Layers() {
		f := Finding{Layer: l, InForce: true}
		f.doubt("no", choice{})
		if want := l != Seccomp && l != ResourceLimits; f.InForce != want {
			t.Errorf("%s: %+v", l, f)
		}
		f = Finding{Layer: l, InForce: true}
		if f.doubt("", choice{}); !f.InForce {
			t.Errorf("%s without a failure: %+v", l, f)
		}
	}
}
