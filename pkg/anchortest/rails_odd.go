package anchortest

import (
	"errors"
	"strings"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// oddTexts are values that people have, or that are sent by mistake.
func oddTexts() map[string]string {
	return map[string]string{
		"an empty value":              "",
		"a very long value":           strings.Repeat("Wolfeschlegelsteinhausenbergerdorff ", 60),
		"another script":              "Ngô Thị 山田 太郎 Ωμέγα",
		"letters that are combined":   "Zoe\u0308 e\u0301te\u0301",
		"signs beyond the basic ones": "👩‍👩‍👧 𝒜𝓃𝓃",
		"writing from right to left":  "\u202eمحمد",
		"line breaks and tabs":        "Ana\r\n\tSouza",
		"signs of other languages":    `O'Brien "; DROP TABLE payouts; -- <b>&amp;</b> ${x} %s \`,
		"white space only":            " \u00a0\u2003 ",
	}
}

// odd are payouts that differ from one that is paid in a way that must do no harm.
func (c *railCheck) odd() map[string]anchor.Payout {
	list := map[string]anchor.Payout{}
	for name, text := range oddTexts() {
		p := c.payout()
		p.Sender, p.Receiver = withValues(p.Sender, text), withValues(p.Receiver, text)
		fields := map[string]string{}
		for field := range p.Fields {
			fields[field] = text
		}
		p.Fields = fields
		list[name] = p
	}
	alone := c.payout()
	alone.Sender, alone.Receiver, alone.Fields = nil, nil, nil
	list["no sender, no receiver and no fields"] = alone
	bare := c.payout()
	bare.Sender, bare.Receiver = &anchor.Customer{}, &anchor.Customer{}
	list["people of whom nothing is known"] = bare
	unnamed := c.payout()
	unnamed.FundingMethod = ""
	list["no funding method"] = unnamed
	more := c.payout()
	more.Fields = map[string]string{"unheard_of": "something"}
	list["fields that it has never heard of"] = more
	return list
}

func withValues(of *anchor.Customer, text string) *anchor.Customer {
	changed := copyOfCustomer(of)
	for name := range valuesOf(changed) {
		changed.Values[name] = text
	}
	return changed
}

func (c *railCheck) bearsOddValues(r *report) {
	for name, p := range c.odd() {
		// It may pay, refuse or fail; that nothing worse happens is seen by execute, and in the end.
		if _, err := c.execute(r.Context(), r, p); errors.Is(err, errNoResult) {
			r.Logf("that was a payout with %s", name)
			return
		}
		c.neverTwice(r, p.Key)
	}
}
