package config

import (
	"fmt"
	"slices"
	"strconv"
	"time"
	_ "time/tzdata" // calendars name time zones, and the machine may have none

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

// Kinds of rails.
const (
	RailSimulated = "simulated"
	RailRemote    = "remote"
	RailCSV       = "csv"
	RailOwn       = "own"
)

// Rail is a rail of the declared integration, or says how much one of the business' own may be asked to do.
type Rail struct {
	Name    string        `yaml:"name" doc:"name by which funding methods refer to it"`
	Kind    string        `yaml:"kind" doc:"simulated: pays nobody, for trials; refused on the public network. remote: the server of remote.url pays. csv: files of payouts are written for a bank that takes them. own: the business' program brings it; the entry holds its limits and calendar"`
	Outcome string        `yaml:"outcome" default:"delivered" doc:"delivered: paid at once; accepted: under way, delivered when asked after a while; failing: refused"`
	After   time.Duration `yaml:"after" default:"0s" doc:"how long it takes, as 2s"`
	File    string        `yaml:"file" default:"simulated-bank.jsonl" doc:"file that is the simulated bank's ledger; processes that name the same file share the bank"`

	NotKnownFinalAfter time.Duration `yaml:"not_known_final_after" default:"0s" doc:"of a remote rail: how long after it was sent a payout that the server does not know will never be made; 0s: never, an operator decides"`
	SameKeySafeFor     time.Duration `yaml:"same_key_safe_for" default:"0s" doc:"of a remote rail: for how long the server recognises a payout that is sent again; 0s: never"`

	Directory  string        `yaml:"directory" doc:"of a csv rail: where its files are written"`
	Answers    string        `yaml:"answers" doc:"of a csv rail: where the bank puts files that say what became of payouts; none: the business reports it"`
	Columns    []string      `yaml:"columns" doc:"of a csv rail: what is written besides key, transaction_id, amount, asset and funding_method, such as receiver.bank_account_number, sender.last_name or fields.purpose"`
	BatchMost  int           `yaml:"batch_most" default:"1000" doc:"of a csv rail: how many payouts are in a file at most"`
	BatchEvery time.Duration `yaml:"batch_every" default:"1m" doc:"of a csv rail without cut-offs: how long to collect before a file is written"`

	Limits   RailLimits   `yaml:"limits" doc:"how much it is asked to do, by all processes together"`
	Calendar RailCalendar `yaml:"calendar" doc:"when it takes payouts; without it: always"`
}

// RailLimits bound what a rail is asked to do; see anchor.Limits.
type RailLimits struct {
	CallsPerSecond string       `yaml:"calls_per_second" default:"0" doc:"calls in a second, such as 5 or 0.5; 0 is no limit"`
	InFlight       int          `yaml:"in_flight" default:"0" doc:"calls that have not been answered; 0 is no limit"`
	Amounts        []RailAmount `yaml:"amounts" doc:"amounts by the asset that is paid out"`
}

// RailAmount bounds what a rail is given in one asset.
type RailAmount struct {
	Asset     string `yaml:"asset" doc:"SEP-38 name, such as iso4217:BRL"`
	PerPayout string `yaml:"per_payout" default:"0" doc:"a payout of more waits for the operator; 0 is no limit"`
	PerDay    string `yaml:"per_day" default:"0" doc:"what would be more waits for the next day; 0 is no limit"`
}

// RailCalendar says when a rail takes payouts; see anchor.Calendar.
type RailCalendar struct {
	TimeZone string   `yaml:"time_zone" default:"UTC" doc:"such as America/Sao_Paulo; also the one by whose days limits count"`
	Days     []string `yaml:"days" doc:"of mon, tue, wed, thu, fri, sat and sun; none: every day"`
	Opens    string   `yaml:"opens" default:"00:00" doc:"time of the day from which it takes payouts"`
	Closes   string   `yaml:"closes" default:"24:00" doc:"time of the day until which it does"`
	CutOffs  []string `yaml:"cut_offs" doc:"of a csv rail: times of the day at which a file is written; none: see batch_every"`
	Holidays []string `yaml:"holidays" doc:"days on which it takes none, such as 2026-12-25"`
}

// railFault is what is wrong with one key of a rail.
type railFault struct{ key, problem, mend string }

// amountDecimals is how many decimals a limit may have: as many as any amount that is paid out.
const amountDecimals = 7

// Terms are the limits and the calendar as the engine takes them. A rail that was not validated may give an error.
func (r Rail) Terms() (anchor.Limits, anchor.Calendar, error) {
	limits, calendar, faults := r.terms()
	if len(faults) > 0 {
		return anchor.Limits{}, anchor.Calendar{}, fmt.Errorf("rail %s: %s %s: %s", r.Name, faults[0].key, faults[0].problem, faults[0].mend)
	}
	return limits, calendar, nil
}

func (r Rail) terms() (anchor.Limits, anchor.Calendar, []railFault) {
	limits, wrongLimits := r.Limits.read()
	calendar, wrongTimes := r.Calendar.read()
	return limits, calendar, append(wrongLimits, wrongTimes...)
}

func (l RailLimits) read() (limits anchor.Limits, faults []railFault) {
	limits = anchor.Limits{InFlight: l.InFlight, PerPayout: map[string]money.Amount{}, PerDay: map[string]money.Amount{}}
	var err error
	if limits.CallsPerSecond, err = strconv.ParseFloat(orZero(l.CallsPerSecond), 64); err != nil || !(limits.CallsPerSecond >= 0 && limits.CallsPerSecond <= 1e6) {
		faults = append(faults, railFault{"limits.calls_per_second", "is " + show(l.CallsPerSecond), "give a number of zero or more, such as 5 or 0.5"})
	}
	if l.InFlight < 0 {
		faults = append(faults, railFault{"limits.in_flight", fmt.Sprintf("is %d", l.InFlight), "give zero or more"})
	}
	seen := map[string]bool{}
	for i, a := range l.Amounts {
		at := fmt.Sprintf("limits.amounts[%d]", i)
		asset, err := money.ParseAsset(a.Asset)
		name := asset.String()
		if err != nil || seen[name] {
			faults = append(faults, railFault{at + ".asset", "is " + show(a.Asset) + ", which is no asset or was there before", "name each asset once, such as iso4217:BRL"})
			continue
		}
		seen[name] = true
		faults = append(faults, limitOf(at+".per_payout", a.PerPayout, name, limits.PerPayout)...)
		faults = append(faults, limitOf(at+".per_day", a.PerDay, name, limits.PerDay)...)
	}
	return limits, faults
}

func limitOf(key, text, asset string, into map[string]money.Amount) []railFault {
	amount, err := money.Parse(orZero(text), amountDecimals)
	if err != nil {
		return []railFault{{key, "is " + show(text) + ", which is no amount", "give an amount of zero or more, such as 50000.00"}}
	}
	if amount.Units() > 0 {
		into[asset] = amount
	}
	return nil
}

func orZero(text string) string {
	if text == "" {
		return "0"
	}
	return text
}

func (k RailCalendar) read() (c anchor.Calendar, faults []railFault) {
	wrong := func(key, problem, mend string) { faults = append(faults, railFault{"calendar." + key, problem, mend}) }
	var err error
	if c.Location, err = time.LoadLocation(k.TimeZone); err != nil || k.TimeZone == "Local" {
		wrong("time_zone", "is "+show(k.TimeZone)+", which is no time zone", "give one such as America/Sao_Paulo")
		c.Location = time.UTC
	}
	for i, text := range k.Days {
		day := slices.Index(weekdays(), text)
		if day < 0 {
			wrong(fmt.Sprintf("days[%d]", i), "is "+show(text), "give mon, tue, wed, thu, fri, sat or sun")
			continue
		}
		c.Days = append(c.Days, time.Weekday(day))
	}
	for _, one := range []struct {
		key, text string
		into      *anchor.ClockTime
	}{{"opens", k.Opens, &c.Opens}, {"closes", k.Closes, &c.Closes}} {
		if one.text == "" {
			continue
		}
		if *one.into, err = anchor.ParseClockTime(one.text); err != nil {
			wrong(one.key, "is "+show(one.text)+", which is no time of the day", "give one such as \"17:30\"")
		}
	}
	if c.Closes > 0 && c.Opens >= c.Closes {
		wrong("closes", fmt.Sprintf("is %v, which is not after opens (%v)", c.Closes, c.Opens), "give a later time of the day")
	}
	for i, text := range k.CutOffs {
		at, err := anchor.ParseClockTime(text)
		if err != nil {
			wrong(fmt.Sprintf("cut_offs[%d]", i), "is "+show(text)+", which is no time of the day", "give one such as \"17:30\"")
		}
		c.CutOffs = append(c.CutOffs, at)
	}
	for i, text := range k.Holidays {
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			wrong(fmt.Sprintf("holidays[%d]", i), "is "+show(text)+", which is no day", "give one such as 2026-12-25")
		}
	}
	c.Holidays = slices.Clone(k.Holidays)
	return c, faults
}

func weekdays() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }
