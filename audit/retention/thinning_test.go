package retention

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit"
	"konklave/audit/checkpoint"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// kept is a checkpoint of so long ago, of a log, cosigned by these.
func kept(size int64, ago time.Duration, origin string, witnesses ...string) Checkpoint {
	note := checkpoint.Checkpoint{Origin: origin, Size: size, Root: tlog.Hash{}}.Text() + "\n— " + origin + " AAAAAAAA\n"
	for _, w := range witnesses {
		note += "— " + w + " AAAAAAAA\n"
	}
	return Checkpoint{Size: size, At: now.Add(-ago), Note: []byte(note)}
}

// keeps returns which sizes stay.
func keeps(newestFirst ...Checkpoint) []int64 {
	var sizes []int64
	for t, i := NewThinning(now), 0; i < len(newestFirst); i++ {
		if t.Keeps(newestFirst[i]) {
			sizes = append(sizes, newestFirst[i].Size)
		}
	}
	return sizes
}

func TestOfEachHourAndEachDayOneStays(t *testing.T) {
	t.Parallel()
	const s, h = time.Second, time.Hour
	for name, test := range map[string]struct {
		given []Checkpoint
		want  []int64
	}{
		"all of the last day":     {[]Checkpoint{kept(9, 1*s, "l"), kept(8, 2*s, "l"), kept(7, 24*h-2*s, "l"), kept(6, 24*h-1*s, "l")}, []int64{9, 8, 7, 6}},
		"the last of an hour":     {[]Checkpoint{kept(9, 0, "l"), kept(8, 25*h+1*s, "l"), kept(7, 25*h+2*s, "l"), kept(6, 26*h, "l"), kept(5, 26*h+1*s, "l")}, []int64{9, 8, 5}},
		"hours for 31 days":       {[]Checkpoint{kept(9, 0, "l"), kept(8, 31*24*h-1*s, "l"), kept(7, 31*24*h, "l"), kept(6, 31*24*h+h, "l"), kept(5, 31*24*h+12*h, "l"), kept(4, 31*24*h+12*h+1*s, "l")}, []int64{9, 8, 7, 4}},
		"the last of each log":    {[]Checkpoint{kept(9, 0, "m"), kept(8, 25*h+1*s, "m"), kept(7, 25*h+2*s, "l"), kept(6, 25*h+3*s, "l")}, []int64{9, 8, 7}},
		"the last cosigned":       {[]Checkpoint{kept(9, 0, "l"), kept(8, 25*h+1*s, "l", "v"), kept(7, 25*h+2*s, "l", "w"), kept(6, 25*h+3*s, "l", "v", "w")}, []int64{9, 8, 7}},
		"one cosigned of an hour": {[]Checkpoint{kept(9, 0, "l", "w"), kept(8, 25*h+1*s, "l"), kept(7, 25*h+2*s, "l", "w"), kept(6, 25*h+3*s, "l", "w")}, []int64{9, 8, 7}},
		"what nobody understands": {[]Checkpoint{{Size: 9, At: now.Add(-72 * h), Note: []byte("x")}, {Size: 8, Note: kept(8, 0, "l").Note}, {Size: 7, Note: kept(7, 0, "l").Note}}, []int64{9, 8, 7}},
	} {
		if got := keeps(test.given...); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v stay, want %v", name, got, test.want)
		}
	}
}

func TestAYearOfCheckpointsBecomesFew(t *testing.T) {
	t.Parallel()
	thinning, stay := NewThinning(now), 0
	for i := range int64(366 * 24 * 6) { // one in ten minutes
		if thinning.Keeps(kept(1<<40-i, time.Duration(i)*10*time.Minute, "l", "w")) {
			stay++
		}
	}
	if most := 24*6 + 30*24 + 337; stay > most || stay < most-10 {
		t.Errorf("%d stay, want about %d", stay, most)
	}
}

func TestEachCategoryButTheLogItselfHasItsRetention(t *testing.T) {
	t.Parallel()
	due := map[audit.Category]Removal{}
	for _, r := range (Policy{Security: 100, Administration: 10, Conference: 20}).Due(now) {
		due[r.Category] = r
	}
	for _, c := range audit.Categories() {
		if r, there := due[c]; there == (c == audit.CategoryLog) || there && !strings.Contains(r.Policy, string(c)) {
			t.Errorf("%s: %+v", c, r)
		}
	}
	for c, days := range map[audit.Category]int{audit.CategorySecurity: 100, audit.CategoryAdministration: 10, audit.CategoryConference: 20} {
		if want := time.Date(2026, 11, 22-days, 0, 0, 0, 0, time.UTC); !due[c].Before.Equal(want) || due[c].Policy != fmt.Sprintf("%s %d days", c, days) {
			t.Errorf("%s: %+v, want %v", c, due[c], want)
		}
	}
}
