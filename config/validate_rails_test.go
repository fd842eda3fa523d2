package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

func badRails() []badSetting {
	rail := func(text string) string {
		return "rails: [{name: bank, " + text + "}]\nfunding_methods: [{name: PIX, rail: bank}]\n"
	}
	simulated := func(text string) string { return rail("kind: simulated, " + text) }
	csv := func(text string) string { return rail("kind: csv, " + text) }
	amounts := func(text string) string { return simulated("limits: {amounts: [" + text + "]}") }
	return []badSetting{
		{name: "a rail of its own that nobody brings", yaml: rail("kind: own"), key: "rails[0].kind", problem: "brings no rail", mend: "Business.Rails"},
		{name: "less than no calls", yaml: simulated("limits: {calls_per_second: -1}"), key: "rails[0].limits.calls_per_second", problem: `"-1"`, mend: "0.5"},
		{name: "as many calls as there are none", yaml: simulated("limits: {calls_per_second: NaN}"), key: "rails[0].limits.calls_per_second", problem: `"NaN"`},
		{name: "less than none in flight", yaml: simulated("limits: {in_flight: -1}"), key: "rails[0].limits.in_flight", problem: "is -1"},
		{name: "a limit of no asset", yaml: amounts("{asset: BRL, per_day: 1}"), key: "rails[0].limits.amounts[0].asset", problem: `"BRL"`, mend: "iso4217:BRL"},
		{name: "two limits of one asset", yaml: amounts("{asset: 'iso4217:BRL', per_day: 1}, {asset: 'iso4217:BRL', per_day: 2}"), key: "rails[0].limits.amounts[1].asset", problem: "before"},
		{name: "a limit that is no amount", yaml: amounts("{asset: 'iso4217:BRL', per_payout: much}"), key: "rails[0].limits.amounts[0].per_payout", problem: `"much"`, mend: "50000.00"},
		{name: "a zone that is none", yaml: simulated("calendar: {time_zone: Brazil/Nowhere}"), key: "rails[0].calendar.time_zone", problem: "no time zone", mend: "America/Sao_Paulo"},
		{name: "a day that is none", yaml: simulated("calendar: {days: [monday]}"), key: "rails[0].calendar.days[0]", problem: `"monday"`, mend: "mon"},
		{name: "a time that is none", yaml: simulated("calendar: {opens: '25:00'}"), key: "rails[0].calendar.opens", problem: `"25:00"`, mend: "17:30"},
		{name: "a rail that closes before it opens", yaml: simulated("calendar: {opens: '17:00', closes: '09:00'}"), key: "rails[0].calendar.closes", problem: "09:00", mend: "later"},
		{name: "a cut-off that is no time", yaml: simulated("calendar: {cut_offs: [noon]}"), key: "rails[0].calendar.cut_offs[0]", problem: `"noon"`},
		{name: "a holiday that is no day", yaml: simulated("calendar: {holidays: [Christmas]}"), key: "rails[0].calendar.holidays[0]", problem: `"Christmas"`, mend: "2026-12-25"},
		{name: "files that are written nowhere", yaml: csv("answers: in"), key: "rails[0].directory", problem: "is missing"},
		{name: "answers among what is written", yaml: csv("directory: out, answers: out"), key: "rails[0].answers", problem: "of its own"},
		{name: "a column of nobody", yaml: csv("directory: out, answers: in, columns: [bank_number]"), key: "rails[0].columns[0]", problem: `"bank_number"`, mend: "receiver."},
		{name: "a column twice", yaml: csv("directory: out, answers: in, columns: [fields.a, fields.a]"), key: "rails[0].columns[1]", problem: "before"},
		{name: "empty files", yaml: csv("directory: out, answers: in, batch_most: 0"), key: "rails[0].batch_most", problem: "is 0"},
		{name: "files without end", yaml: csv("directory: out, answers: in, batch_every: 0s"), key: "rails[0].batch_every", problem: "is 0s"},
	}
}

func TestLimitsAndCalendarsOfRailsAreRead(t *testing.T) {
	t.Parallel()
	s := loaded(t, `
rails:
  - name: bank
    kind: own
    limits:
      calls_per_second: 0.5
      in_flight: 3
      amounts: [{asset: 'iso4217:BRL', per_payout: 50000.00, per_day: 0}]
    calendar: {time_zone: America/Sao_Paulo, days: [mon, fri], opens: "08:00", closes: "17:30", cut_offs: ["10:00"], holidays: ["2026-12-25"]}
funding_methods: [{name: PIX, rail: bank}]
`)
	require.NoError(t, s.Validate(config.RoleExecute, config.Supplied{Rails: []string{"bank"}}))
	limits, calendar, err := s.Rails[0].Terms()
	require.NoError(t, err)
	most, err := money.Parse("50000", 7)
	require.NoError(t, err)
	require.Equal(t, anchor.Limits{
		CallsPerSecond: 0.5, InFlight: 3, PerPayout: map[string]money.Amount{"iso4217:BRL": most}, PerDay: map[string]money.Amount{},
	}, limits)
	require.Equal(t, "America/Sao_Paulo", calendar.Location.String())
	calendar.Location = nil
	require.Equal(t, anchor.Calendar{
		Days: []time.Weekday{time.Monday, time.Friday}, Opens: 8 * 60, Closes: 17*60 + 30, CutOffs: []anchor.ClockTime{600}, Holidays: []string{"2026-12-25"},
	}, calendar)
}

func TestARailWithoutLimitsHasNone(t *testing.T) {
	t.Parallel()
	limits, calendar, err := loaded(t, paying).Rails[0].Terms()
	require.NoError(t, err)
	require.Equal(t, anchor.Limits{PerPayout: map[string]money.Amount{}, PerDay: map[string]money.Amount{}}, limits)
	require.Equal(t, anchor.Calendar{Location: time.UTC}, calendar)
}
