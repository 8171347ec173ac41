package backup

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"
)

func at(text string) Made {
	t, err := time.Parse(nameTime, text)
	if err != nil {
		panic(err)
	}
	return Made{Name: nameBegin + text + nameEnd, At: t}
}

func TestWhichBackupsStay(t *testing.T) {
	t.Parallel()
	newestFirst := []Made{
		at("20261122T120000Z"), at("20261122T114500Z"), at("20261122T113000Z"),
		at("20261121T235900Z"), at("20261121T100000Z"),
		at("20261119T080000Z"), at("20261119T070000Z"), at("20261101T000000Z"),
	}
	now := newestFirst[0]
	for _, c := range []struct {
		all            []Made
		made           Made
		keep, keepDays int
		gone           []int
	}{
		{newestFirst, now, 8, 0, nil},
		{newestFirst, now, 1, 0, []int{1, 2, 3, 4, 5, 6, 7}},
		{newestFirst, now, 3, 0, []int{3, 4, 5, 6, 7}},
		{newestFirst, now, 3, 1, []int{3, 4, 5, 6, 7}},
		{newestFirst, now, 1, 2, []int{1, 2, 4, 5, 6, 7}},
		{newestFirst, now, 2, 3, []int{2, 4, 6, 7}},
		{newestFirst, now, 1, 4, []int{1, 2, 4, 6}},
		{newestFirst, at("20261121T235900Z"), 2, 0, []int{0, 1, 2, 5, 6, 7}}, // the clock was wrong and went back
		{newestFirst, at("20261101T000000Z"), 1, 0, []int{0, 1, 2, 3, 4, 5, 6}},
		{nil, now, 1, 0, nil},
	} {
		var want []Made
		for _, i := range c.gone {
			want = append(want, c.all[i])
		}
		got := superfluous(c.all, c.made, c.keep, c.keepDays)
		slices.SortFunc(got, func(a, b Made) int { return b.At.Compare(a.At) })
		if !slices.Equal(got, want) {
			t.Errorf("keep %d and %d days: %v goes, want %v", c.keep, c.keepDays, got, want)
		}
		if slices.Contains(got, c.made) {
			t.Errorf("keep %d: the one just made goes", c.keep)
		}
	}
}

func TestAFullDiskIsNamed(t *testing.T) {
	t.Parallel()
	for _, no := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if err := full(fmt.Errorf("write: %w", no)); !errors.Is(err, ErrDiskFull) {
			t.Errorf("%v: %v", no, err)
		}
	}
	if err := full(syscall.EIO); errors.Is(err, ErrDiskFull) {
		t.Error("another failure is called a full disk")
	}
}
