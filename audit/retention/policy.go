// Package retention says how long what the audit log tells is kept, and lets go of what was kept long enough: the content of
// entries, each removal under a certificate that is an entry itself, and checkpoints that nobody needs any more.
package retention

import (
	"fmt"
	"time"

	"konklave/audit"
	"konklave/audit/leaf"
)

// Limits of a policy, in days.
const (
	MinSecurityDays = leaf.MinSecurityDays
	MinDays         = leaf.MinDays // of the other categories
	MaxDays         = 3660         // ten years
	DefaultDays     = 184          // no six months are longer
)

// Policy is for how many days each category is kept. What a category does not have here is kept for ever.
type Policy struct{ Security, Administration, Conference int }

// Default keeps everything for six months.
func Default() Policy { return Policy{DefaultDays, DefaultDays, DefaultDays} }

// rule is for how long one category is kept.
type rule struct {
	category audit.Category
	days     int
}

func (p Policy) rules() []rule {
	return []rule{
		{audit.CategorySecurity, p.Security}, {audit.CategoryAdministration, p.Administration}, {audit.CategoryConference, p.Conference},
	}
}

// Allows reports whether what is older than a time may go, at another one.
func (p Policy) Allows(c audit.Category, before, now time.Time) bool {
	for _, r := range p.rules() {
		if r.category == c {
			return !before.After(now.Add(-time.Duration(r.days) * day))
		}
	}
	return false
}

// ShortestDays is for how many days a category is kept whatever the policy; 0 for one that is never removed.
func ShortestDays(c audit.Category) int {
	switch c {
	case audit.CategorySecurity:
		return MinSecurityDays
	case audit.CategoryAdministration, audit.CategoryConference:
		return MinDays
	default:
		return 0
	}
}

// String is the policy as it is recorded: "security 184, administration 184, conference 184", in days.
func (p Policy) String() string {
	return fmt.Sprintf("security %d, administration %d, conference %d", p.Security, p.Administration, p.Conference)
}

// Parse reads what String wrote.
func Parse(text string) (p Policy, err error) {
	if _, err = fmt.Sscanf(text, "security %d, administration %d, conference %d", &p.Security, &p.Administration, &p.Conference); err != nil || p.String() != text {
		return Policy{}, fmt.Errorf("%q is no policy of retention", text)
	}
	return p, nil
}

// Longer keeps each category as long as whichever of two policies keeps it longer.
func (p Policy) Longer(other Policy) Policy {
	return Policy{max(p.Security, other.Security), max(p.Administration, other.Administration), max(p.Conference, other.Conference)}
}

const day = 24 * time.Hour

// Removal is what is to lose its content.
type Removal struct {
	Category audit.Category // never audit.CategoryLog
	Before   time.Time      // what is older goes
	Scope    leaf.Scope     // the personal parts, or bodies too
	Policy   string         // by which rule
	Reason   string         // why
}

// Due is what was kept long enough, one removal for each category. An entry goes at the first midnight (UTC) after its days: so
// all that is due on one day goes together, however often somebody looks.
func (p Policy) Due(now time.Time) []Removal {
	var due []Removal
	for _, r := range p.rules() {
		due = append(due, Removal{
			Category: r.category, Before: now.UTC().Add(-time.Duration(r.days) * day).Truncate(day), Scope: leaf.ScopeEntry,
			Policy: fmt.Sprintf("%s %d days", r.category, r.days), Reason: "its retention is over",
		})
	}
	return due
}
