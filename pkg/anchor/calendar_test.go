package anchor_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the machine may have none

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

const nine, five = anchor.ClockTime(9 * 60), anchor.ClockTime(17 * 60)

// office is Monday to Friday, nine to five, in Berlin.
func office(t *testing.T) anchor.Calendar {
	return anchor.Calendar{
		Location: zone(t, "Europe/Berlin"), Opens: nine, Closes: five,
		Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday},
	}
}

func zone(t *testing.T, name string) *time.Location {
	location, err := time.LoadLocation(name)
	require.NoError(t, err)
	return location
}

func moment(t *testing.T, text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return at
}

// requireMoment compares moments, however they are written.
func requireMoment(t *testing.T, want string, got time.Time) {
	t.Helper()
	require.Truef(t, moment(t, want).Equal(got), "want %s, got %s", want, got)
}

func TestClockTime_is_read_and_written_as_a_clock_shows_it(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]anchor.ClockTime{"00:00": 0, "09:05": 545, "17:30": 1050, "24:00": 1440} {
		got, err := anchor.ParseClockTime(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, text, got.String())
	}
	for _, text := range []string{"", "9", "25:00", "24:01", "12:60", "17:30:00", " 17:30", "-1:00"} {
		_, err := anchor.ParseClockTime(text)
		require.ErrorContains(t, err, "no time of the day", text)
	}
}

func TestOpening_is_now_where_a_calendar_says_nothing(t *testing.T) {
	t.Parallel()
	now := moment(t, "2026-12-25T03:04:05Z")
	at, ok := anchor.Calendar{}.Opening(now)
	require.True(t, ok)
	require.Equal(t, now, at)
}

func TestOpening_is_the_next_time_at_which_the_rail_takes_payouts(t *testing.T) {
	t.Parallel()
	c := office(t)
	c.Holidays = []string{"2026-12-25", "2026-12-26"} // a Friday and a Saturday
	for now, want := range map[string]string{
		"2026-11-23T08:59:59+01:00": "2026-11-23T09:00:00+01:00",
		"2026-11-23T09:00:00+01:00": "2026-11-23T09:00:00+01:00",
		"2026-11-23T16:59:59+01:00": "2026-11-23T16:59:59+01:00",
		"2026-11-23T17:00:00+01:00": "2026-11-24T09:00:00+01:00",
		"2026-11-27T17:00:00+01:00": "2026-11-30T09:00:00+01:00", // over the weekend
		"2026-11-22T23:30:00Z":      "2026-11-23T09:00:00+01:00", // Monday in Berlin
		"2026-12-24T18:00:00+01:00": "2026-12-28T09:00:00+01:00", // over the holidays
		"2026-12-25T12:00:00+01:00": "2026-12-28T09:00:00+01:00",
		"2026-03-27T17:00:00+01:00": "2026-03-30T09:00:00+02:00", // clocks are put forward in between
		"2026-10-23T17:00:00+02:00": "2026-10-26T09:00:00+01:00", // and back
	} {
		at, ok := c.Opening(moment(t, now))
		require.True(t, ok)
		requireMoment(t, want, at)
	}
}

func TestA_rail_that_closes_at_midnight_is_open_until_then(t *testing.T) {
	t.Parallel()
	c := anchor.Calendar{Opens: nine}
	at, ok := c.Opening(moment(t, "2026-11-23T23:59:59Z"))
	require.True(t, ok)
	requireMoment(t, "2026-11-23T23:59:59Z", at)
	at, ok = c.Opening(moment(t, "2026-11-24T00:00:00Z"))
	require.True(t, ok)
	requireMoment(t, "2026-11-24T09:00:00Z", at)
}

func TestA_calendar_without_a_time_at_which_the_rail_takes_payouts_has_no_opening(t *testing.T) {
	t.Parallel()
	now := moment(t, "2026-11-23T12:00:00Z")
	var everyDay []string
	for day := range 800 {
		everyDay = append(everyDay, now.AddDate(0, 0, day).Format(time.DateOnly))
	}
	for name, c := range map[string]anchor.Calendar{
		"opens after it closes":   {Opens: five, Closes: nine},
		"opens when it closes":    {Opens: nine, Closes: nine},
		"only holidays":           {Holidays: everyDay, CutOffs: []anchor.ClockTime{nine}},
		"its only day is not one": {Days: []time.Weekday{9}, CutOffs: []anchor.ClockTime{nine}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, ok := c.Opening(now)
			require.False(t, ok)
			_, ok = c.CutOff(now)
			require.False(t, ok)
		})
	}
}

func TestTimes_that_a_change_of_clocks_leaves_out_or_shows_twice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		zone      string
		opens     anchor.ClockTime
		now, want string
	}{
		"left out in Berlin":     {"Europe/Berlin", 150, "2026-03-29T00:30:00+01:00", "2026-03-29T03:30:00+02:00"},
		"left out in New York":   {"America/New_York", 150, "2026-03-08T00:30:00-05:00", "2026-03-08T03:30:00-04:00"},
		"half an hour left out":  {"Australia/Lord_Howe", 135, "2026-10-04T00:30:00+10:30", "2026-10-04T02:45:00+11:00"},
		"shown twice in Berlin":  {"Europe/Berlin", 150, "2026-10-25T00:30:00+02:00", "2026-10-25T02:30:00+02:00"},
		"shown twice in NewYork": {"America/New_York", 90, "2026-11-01T00:30:00-04:00", "2026-11-01T01:30:00-04:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, ok := anchor.Calendar{Location: zone(t, c.zone), Opens: c.opens}.Opening(moment(t, c.now))
			require.True(t, ok)
			requireMoment(t, c.want, at)
			again, ok := anchor.Calendar{Location: zone(t, c.zone), Opens: c.opens}.Opening(at)
			require.True(t, ok)
			require.Equal(t, at, again, "it is open then")
		})
	}
}

func TestNextDay_begins_another_day_of_the_calendar(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ zone, now, want, day string }{
		"in UTC":                            {"UTC", "2026-11-23T23:59:59Z", "2026-11-24T00:00:00Z", "2026-11-24"},
		"where it is later":                 {"Europe/Berlin", "2026-11-23T23:30:00Z", "2026-11-24T23:00:00Z", "2026-11-25"},
		"a day of 23 hours":                 {"Europe/Berlin", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", "2026-03-30"},
		"a day of 25 hours":                 {"Europe/Berlin", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", "2026-10-26"},
		"where midnight is left out":        {"America/Santiago", "2026-09-05T20:00:00-04:00", "2026-09-06T01:00:00-03:00", "2026-09-06"},
		"where midnight is left out, Cairo": {"Africa/Cairo", "2026-04-23T20:00:00+02:00", "2026-04-24T01:00:00+03:00", "2026-04-24"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calendar := anchor.Calendar{Location: zone(t, c.zone)}
			next := calendar.NextDay(moment(t, c.now))
			requireMoment(t, c.want, next)
			require.Equal(t, c.day, calendar.Day(next))
			require.NotEqual(t, c.day, calendar.Day(next.Add(-time.Nanosecond)))
		})
	}
}

func TestCutOff_is_the_first_one_after_a_moment_on_a_day_of_work(t *testing.T) {
	t.Parallel()
	c := office(t)
	c.CutOffs = []anchor.ClockTime{five, nine}
	for now, want := range map[string]string{
		"2026-11-23T08:00:00+01:00": "2026-11-23T09:00:00+01:00",
		"2026-11-23T09:00:00+01:00": "2026-11-23T17:00:00+01:00",
		"2026-11-27T17:00:00+01:00": "2026-11-30T09:00:00+01:00",
		"2026-10-24T12:00:00+02:00": "2026-10-26T09:00:00+01:00",
	} {
		at, ok := c.CutOff(moment(t, now))
		require.True(t, ok)
		requireMoment(t, want, at)
	}
	c.CutOffs = nil
	_, ok := c.CutOff(moment(t, "2026-11-23T08:00:00+01:00"))
	require.False(t, ok)
}
