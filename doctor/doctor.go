// Package doctor examines an instance, the machine that it runs on and the way to it, and says in plain words what is wrong
// and what to do about it.
package doctor

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"konklave/config"
)

// Level is how a finding is to be taken.
type Level string

// The levels.
const (
	Good    Level = "good"    // as it should be
	Advice  Level = "advice"  // works, but can be better
	Failed  Level = "failed"  // has to be mended
	Unknown Level = "unknown" // could not be examined from here
)

// Finding is what one check found.
type Finding struct {
	Check string `json:"check"`
	Level Level  `json:"level"`
	Text  string `json:"text"`          // what was found
	Fix   string `json:"fix,omitempty"` // what to do; empty when nothing is to be done
}

// checkLimit is how long one check may take.
const checkLimit = 15 * time.Second

// Check examines one subject.
type Check struct {
	Name string
	Run  func(ctx context.Context) []Finding
}

// Checks lists what is examined for a configuration, in the order of the report. Worker makes a fresh command that becomes a
// conference, to see behind which walls it comes.
func Checks(c config.Config, now func() time.Time, worker func() *exec.Cmd) []Check {
	return []Check{
		{"web address", func(ctx context.Context) []Finding { return webAddress(ctx, c) }},
		{"proxy", func(context.Context) []Finding { return proxies(c) }},
		{"certificate", func(ctx context.Context) []Finding { return certificate(ctx, c, now()) }},
		{"relay", func(ctx context.Context) []Finding { return relay(ctx, c) }},
		{"media", func(context.Context) []Finding { return media(c) }},
		{"database", func(ctx context.Context) []Finding { return database(ctx, c) }},
		{"backups", func(ctx context.Context) []Finding { return backups(ctx, c, now()) }},
		{"administrators", func(ctx context.Context) []Finding { return administrators(ctx, c) }},
		{"identity providers", func(ctx context.Context) []Finding { return providers(ctx, c, now) }},
		{"mail", func(ctx context.Context) []Finding { return mailServer(ctx, c) }},
		{"second persons", func(ctx context.Context) []Finding { return secondPersons(ctx, c) }},
		{"audit log", func(ctx context.Context) []Finding {
			return append(auditLog(ctx, c, now()), auditRights(ctx, c, now())...)
		}},
		{"places", func(context.Context) []Finding { return places(c, now()) }},
		{"isolation", func(context.Context) []Finding { return isolation(c, worker) }},
		{"disk", func(context.Context) []Finding { return disk(c) }},
		{"clock", func(context.Context) []Finding { return clock() }},
		{"limits", func(context.Context) []Finding { return limits(c) }},
	}
}

// Examine runs the checks one after another and tells each finding as it comes.
func Examine(ctx context.Context, checks []Check, tell func(Finding)) {
	for _, check := range checks {
		limited, cancel := context.WithTimeout(ctx, checkLimit)
		for _, f := range check.Run(limited) {
			f.Check = check.Name
			tell(f)
		}
		cancel()
	}
}

func good(format string, args ...any) Finding {
	return Finding{Level: Good, Text: fmt.Sprintf(format, args...)}
}

func advice(fix, format string, args ...any) Finding {
	return Finding{Level: Advice, Text: fmt.Sprintf(format, args...), Fix: fix}
}

func failed(fix, format string, args ...any) Finding {
	return Finding{Level: Failed, Text: fmt.Sprintf(format, args...), Fix: fix}
}

func unknown(fix, format string, args ...any) Finding {
	return Finding{Level: Unknown, Text: fmt.Sprintf(format, args...), Fix: fix}
}
