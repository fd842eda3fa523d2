package anchor

import (
	"fmt"
	"slices"
	"time"
)

// lookAhead bounds how far a calendar is searched for a day on which the rail takes payouts.
const lookAhead = 400

// ParseClockTime reads "17:30"; "24:00" is the end of the day.
func ParseClockTime(text string) (ClockTime, error) {
	if text == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0, fmt.Errorf("%q is no time of the day such as 17:30", text)
	}
	return ClockTime(t.Hour()*60 + t.Minute()), nil
}

// String gives "17:30".
func (c ClockTime) String() string { return fmt.Sprintf("%02d:%02d", int(c)/60, int(c)%60) }

func (c Calendar) location() *time.Location {
	if c.Location == nil {
		return time.UTC
	}
	return c.Location
}

// Day names the day of t in the calendar's time zone, as 2026-11-23.
func (c Calendar) Day(t time.Time) string { return t.In(c.location()).Format(time.DateOnly) }

// NextDay is when the day after t begins in the calendar's time zone.
func (c Calendar) NextDay(t time.Time) time.Time { return c.at(t, 1, 0) }

// at is a time of the day so many days after t's. Where clocks are put forward over it, it is as much later; where they are put
// back over it and show it twice, it is the first of the two.
func (c Calendar) at(t time.Time, days int, clock ClockTime) time.Time {
	local := t.In(c.location())
	year, month, day := local.Year(), local.Month(), local.Day()+days
	at := time.Date(year, month, day, 0, int(clock), 0, 0, c.location())
	if missing := time.Date(year, month, day, 0, int(clock), 0, 0, time.UTC).Sub(shown(at)); missing > 0 {
		return at.Add(missing)
	}
	_, before := at.Add(-lookBack).Zone()
	_, after := at.Zone()
	first := at.Add(-time.Duration(before-after) * time.Second)
	if before > after && shown(first).Equal(shown(at)) {
		return first
	}
	return at
}

// lookBack is longer than clocks are ever put back by, and shorter than they stay.
const lookBack = 4 * time.Hour

// shown is what the clock on the wall shows at t, as if that were UTC.
func shown(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// works tells whether the rail takes payouts on the day so many days after t's.
func (c Calendar) works(t time.Time, days int) bool {
	noon := c.at(t, days, 12*60)
	return (len(c.Days) == 0 || slices.Contains(c.Days, noon.Weekday())) && !slices.Contains(c.Holidays, noon.Format(time.DateOnly))
}

func (c Calendar) closes() ClockTime {
	if c.Closes == 0 {
		return 24 * 60
	}
	return c.Closes
}

// Opening is when the rail takes payouts, at t or next after it: t itself where it takes them then. ok is false where the
// calendar has no such time within a year.
func (c Calendar) Opening(t time.Time) (at time.Time, ok bool) {
	for days := range lookAhead {
		if !c.works(t, days) {
			continue
		}
		opens, closes := c.at(t, days, c.Opens), c.at(t, days, c.closes())
		switch {
		case t.Before(opens) && opens.Before(closes):
			return opens, true
		case !t.Before(opens) && t.Before(closes):
			return t, true
		}
	}
	return time.Time{}, false
}

// CutOff is the first cut-off after t on a day on which the rail takes payouts; ok is false where there is none within a year.
func (c Calendar) CutOff(t time.Time) (at time.Time, ok bool) {
	cutOffs := slices.Sorted(slices.Values(c.CutOffs))
	for days := range lookAhead {
		if !c.works(t, days) {
			continue
		}
		for _, clock := range cutOffs {
			if at := c.at(t, days, clock); at.After(t) {
				return at, true
			}
		}
	}
	return time.Time{}, false
}
