package config

import (
	"strings"
	"testing"

	"konklave/audit/retention"
)

func TestRetentionHasLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		change func(*retention.Policy)
		wrong  string
	}{
		{func(*retention.Policy) {}, ""},
		{func(p *retention.Policy) { p.Security = retention.MinSecurityDays }, ""},
		{func(p *retention.Policy) { p.Security = retention.MinSecurityDays - 1 }, "audit.keep-security-days"},
		{func(p *retention.Policy) { p.Security = retention.MaxDays }, ""},
		{func(p *retention.Policy) { p.Security = retention.MaxDays + 1 }, "audit.keep-security-days"},
		{func(p *retention.Policy) { p.Administration = retention.MinDays }, ""},
		{func(p *retention.Policy) { p.Administration = retention.MinDays - 1 }, "audit.keep-administration-days"},
		{func(p *retention.Policy) { p.Administration = retention.MaxDays + 1 }, "audit.keep-administration-days"},
		{func(p *retention.Policy) { p.Conference = retention.MinDays }, ""},
		{func(p *retention.Policy) { p.Conference = retention.MinDays - 1 }, "audit.keep-conference-days"},
		{func(p *retention.Policy) { p.Conference = retention.MaxDays + 1 }, "audit.keep-conference-days"},
	} {
		d := Default()
		c.change(&d.Audit.Keep)
		if err := d.Validate(); (err == nil) != (c.wrong == "") || err != nil && !strings.HasPrefix(err.Error(), c.wrong) {
			t.Errorf("%+v: %v, want %q", d.Audit.Keep, err, c.wrong)
		}
	}
}
