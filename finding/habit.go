package finding

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Aspect is in what respect something is usual for an account.
type Aspect string

// The aspects. Networks and hours are kept of administrators alone.
const (
	AspectCountry Aspect = "country" // the ISO 3166 code from where somebody signs in; marked with the place
	AspectNetwork Aspect = "network" // the shortened network from where an administrator signs in
	AspectHour    Aspect = "hour"    // the hour of the day, in UTC, at which an administrator acts
)

// Habit is something that an account does again and again.
type Habit struct {
	Tenant, UserID  string
	Aspect          Aspect
	Value           string
	Mark            string // what was noted the last time
	Times           int
	FirstAt, LastAt time.Time
}

// When something counts as usual, and when what is not is worth a finding.
const (
	// HabitMemory is how long something stays usual after it was done the last time.
	HabitMemory = 180 * 24 * time.Hour
	// LearnTime and LearnTimes are for how long and how often an administrator has to be known before anything is unusual.
	LearnTime  = 14 * 24 * time.Hour
	LearnTimes = 20
	// HabitQuiet is between two findings of one kind about what is unusual for an account.
	HabitQuiet = 24 * time.Hour

	// TravelDistance is how far two places must lie apart at least, after what the database of places does not know better.
	TravelDistance = 500.0 // kilometres
	// TravelSpeed is what nobody exceeds, airliners included.
	TravelSpeed = 1000.0 // kilometres an hour
)

// Place is where an address is used, as far as a database of places knows.
type Place struct {
	Country             string  // ISO 3166 code
	Latitude, Longitude float64 // degrees
	Radius              float64 // kilometres that it may be off
	Located             bool    // whether the three are known
}

// Mark writes the place down for Habit.Mark; empty when it is not located.
func (p Place) Mark() string {
	if !p.Located {
		return ""
	}
	return fmt.Sprintf("%.2f,%.2f,%.0f", p.Latitude, p.Longitude, p.Radius)
}

// placeOf reads what Mark wrote.
func placeOf(h Habit) Place {
	p := Place{Country: h.Value}
	parts := strings.Split(h.Mark, ",")
	if len(parts) != 3 {
		return p
	}
	for i, to := range []*float64{&p.Latitude, &p.Longitude, &p.Radius} {
		v, err := strconv.ParseFloat(parts[i], 64)
		if err != nil {
			return p
		}
		*to = v
	}
	p.Located = true
	return p
}

// apart is how many kilometres two places lie apart at least; 0 when that is not known.
func (p Place) apart(q Place) float64 {
	if !p.Located || !q.Located {
		return 0
	}
	const earth, degree = 6371.0, math.Pi / 180
	a1, a2 := p.Latitude*degree, q.Latitude*degree
	north, east := math.Sin((a2-a1)/2), math.Sin((q.Longitude-p.Longitude)*degree/2)
	h := north*north + math.Cos(a1)*math.Cos(a2)*east*east
	return max(0, 2*earth*math.Asin(math.Sqrt(min(1, h)))-p.Radius-q.Radius)
}

// impossible reports whether nobody gets so far in that time.
func impossible(kilometres float64, in time.Duration) bool {
	return kilometres >= TravelDistance && kilometres > TravelSpeed*in.Hours()
}

// of returns the habits of one aspect, those that were done last first.
func of(all []Habit, a Aspect) []Habit {
	found := slices.DeleteFunc(slices.Clone(all), func(h Habit) bool { return h.Aspect != a })
	slices.SortStableFunc(found, func(a, b Habit) int { return b.LastAt.Compare(a.LastAt) })
	return found
}

// known reports whether enough is known to call something unusual at that time.
func known(habits []Habit, at time.Time) bool {
	times, first := 0, at
	for _, h := range habits {
		times += h.Times
		if h.FirstAt.Before(first) {
			first = h.FirstAt
		}
	}
	return times >= LearnTimes && at.Sub(first) >= LearnTime
}

// hour is how an hour is written as a habit.
func hour(at time.Time) string { return fmt.Sprintf("%02d:00", at.UTC().Hour()) }

// unusualHour reports whether neither the hour nor one beside it is usual.
func unusualHour(hours []Habit, at time.Time) bool {
	return known(hours, at) && !slices.ContainsFunc(hours, func(h Habit) bool {
		return h.Value == hour(at) || h.Value == hour(at.Add(time.Hour)) || h.Value == hour(at.Add(-time.Hour))
	})
}

// unusual reports whether a value is none of what is usual.
func unusual(habits []Habit, value string) bool {
	return !slices.ContainsFunc(habits, func(h Habit) bool { return h.Value == value })
}
