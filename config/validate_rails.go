package config

import (
	"fmt"
	"regexp"
	"slices"
)

func (c *checker) rails() {
	known := map[string]bool{}
	for i, rail := range c.s.Rails {
		at := fmt.Sprintf("rails[%d]", i)
		c.name(at, rail.Name, known)
		c.oneOf(at+".kind", rail.Kind, RailSimulated, RailRemote, RailCSV, RailOwn)
		c.remoteRail(at, rail)
		c.csvRail(at, rail)
		c.ownRail(at, rail)
		c.oneOf(at+".outcome", rail.Outcome, OutcomeDelivered, OutcomeAccepted, OutcomeFailing)
		if rail.After < 0 {
			c.item(at+".after", fmt.Sprintf("is %v", rail.After), "give a duration of zero or more, such as 2s")
		}
		_, _, faults := rail.terms()
		for _, fault := range faults {
			c.item(at+"."+fault.key, fault.problem, fault.mend)
		}
	}
	for _, name := range c.supplied.Rails {
		known[name] = true
	}
	c.fundingMethods(known)
}

// ownRail checks that the business brings what the settings speak of.
func (c *checker) ownRail(at string, rail Rail) {
	if rail.Kind == RailOwn && c.need.business && !slices.Contains(c.supplied.Rails, rail.Name) {
		c.item(at+".kind", "is own, but the program brings no rail of this name", "bring it in Business.Rails, or give another kind")
	}
}

// column is what csvfile can write of a payout.
var column = regexp.MustCompile(`^(sender|receiver|fields)\.[A-Za-z0-9_]+$`)

func (c *checker) csvRail(at string, rail Rail) {
	if rail.Kind != RailCSV {
		return
	}
	if rail.Directory == "" {
		c.item(at+".directory", "is missing", "name the folder into which files of payouts are written")
	}
	if rail.Answers != "" && rail.Answers == rail.Directory {
		c.item(at+".answers", "is "+show(rail.Answers)+", which is no folder of its own", "name the folder into which the bank's answers are put")
	}
	for i, name := range rail.Columns {
		if !column.MatchString(name) || slices.Contains(rail.Columns[:i], name) {
			c.item(fmt.Sprintf("%s.columns[%d]", at, i), "is "+show(name)+", which is no column or was there before",
				"give names such as receiver.bank_account_number, sender.last_name or fields.purpose")
		}
	}
	if rail.BatchMost <= 0 || rail.BatchMost > 10_000 {
		c.item(at+".batch_most", fmt.Sprintf("is %d", rail.BatchMost), "give a number from 1 to 10000")
	}
	if rail.BatchEvery <= 0 {
		c.item(at+".batch_every", fmt.Sprintf("is %v", rail.BatchEvery), "give a duration above zero, such as 1m")
	}
}
