package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// item reports what is wrong with an item of a list, "rails[0]", or one of its keys.
func (c *checker) item(key, problem, mend string) {
	c.faults.add(&Fault{Key: key, Problem: problem, Mend: mend})
}

// name checks the name of an item and that no item before it has the same.
func (c *checker) name(at, name string, seen map[string]bool) {
	if name != "" && !isName(name) {
		c.item(at+".name", "is "+show(name), "use up to 64 letters, digits, dots, dashes and underscores")
	}
	c.once(at, name, seen)
}

// label is a name that others chose, such as "SEPA Instant".
func (c *checker) label(at, name string, seen map[string]bool) {
	if name != "" && !isLabel(name) {
		c.item(at+".name", "is "+show(name), "use up to 64 printable characters, no comma, no space at either end")
	}
	c.once(at, name, seen)
}

func (c *checker) once(at, name string, seen map[string]bool) {
	switch {
	case name == "":
		c.item(at+".name", "is missing", "give it a name")
	case seen[name]:
		c.item(at+".name", "is "+show(name)+", which was there before", "give each its own name")
	}
	seen[name] = true
}

func isLabel(name string) bool {
	const longest = 64
	unfit := func(r rune) bool { return !unicode.IsPrint(r) || r == ',' || r == unicode.ReplacementChar }
	return len(name) <= longest && strings.TrimSpace(name) == name && !strings.ContainsFunc(name, unfit)
}

// oneOf checks a key that has a few values.
func (c *checker) oneOf(key, value string, allowed ...string) {
	if slices.Contains(allowed, value) {
		return
	}
	problem := "is " + show(value)
	if value == "" {
		problem = "is missing"
	}
	c.item(key, problem, "give "+strings.Join(allowed, " or "))
}

func (c *checker) customers() {
	seen, sides := map[string]bool{}, map[string]bool{}
	for i, t := range c.s.Customers.Types {
		at := fmt.Sprintf("customers.types[%d]", i)
		c.name(at, t.Name, seen)
		c.oneOf(at+".side", t.Side, SideSender, SideReceiver)
		c.oneOf(at+".accept", t.Accept, AcceptAutomatic, AcceptOperator)
		c.customerFields(at, t.Fields)
		sides[t.Side] = true
	}
	if !c.need.business || c.supplied.Customers || !c.s.Server.Active("sep-31") {
		return
	}
	for _, side := range []string{SideSender, SideReceiver} {
		if !sides[side] {
			c.item("customers.types", "has no type with side: "+side, "add one; SEP-31 transactions have a sender and a receiver")
		}
	}
}

func (c *checker) customerFields(at string, fields []CustomerField) {
	seen := map[string]bool{}
	for i, field := range fields {
		at := fmt.Sprintf("%s.fields[%d]", at, i)
		c.name(at, field.Name, seen)
		c.oneOf(at+".type", field.Type, FieldString, FieldNumber, FieldDate, FieldBinary)
		c.choices(at, field.Choices)
		if field.Type == FieldBinary && len(field.Choices) > 0 {
			c.item(at+".choices", "belong to a binary field", "remove them")
		}
	}
}

func (c *checker) choices(at string, choices []string) {
	seen := map[string]bool{}
	for _, choice := range choices {
		if choice == "" || seen[choice] {
			c.item(at+".choices", "have "+show(choice)+", which is empty or was there before", "name each choice once")
		}
		seen[choice] = true
	}
}

func (c *checker) transactionFields() {
	seen := map[string]bool{}
	for i, field := range c.s.TransactionFields {
		at := fmt.Sprintf("transaction_fields[%d]", i)
		c.name(at, field.Name, seen)
		c.choices(at, field.Choices)
	}
}

func (c *checker) fundingMethods(rails map[string]bool) {
	seen := map[string]bool{}
	for i, method := range c.s.FundingMethods {
		at := fmt.Sprintf("funding_methods[%d]", i)
		c.label(at, method.Name, seen)
		c.railOf(at, method, rails)
		if method.ETA < 0 {
			c.item(at+".eta", fmt.Sprintf("is %v", method.ETA), "give a duration of zero or more, such as 2h")
		}
	}
	if c.need.payouts && len(c.s.FundingMethods) == 0 && c.s.Server.Active("sep-31") {
		c.item("funding_methods", "is empty: no payout could be made",
			"name the funding methods of your assets, each with its rail, as in anchor.yaml.example")
	}
}

// railOf leaves names that nothing declares to the roles that have the business' own rails at hand.
func (c *checker) railOf(at string, method FundingMethod, rails map[string]bool) {
	switch {
	case method.Rail == "":
		c.item(at+".rail", fmt.Sprintf("is missing: funding method %s has no rail", show(method.Name)), "name a rail")
	case c.need.business && !rails[method.Rail]:
		c.item(at+".rail", "is "+show(method.Rail)+", which is no rail", "declare it under rails, or bring it as a Go value of that name")
	}
}

// publicNetwork refuses what is only fit for trials where real money moves.
func (c *checker) publicNetwork() {
	if !c.public() || !c.need.business {
		return
	}
	for i, rail := range c.s.Rails {
		if rail.Kind == RailSimulated && !slices.Contains(c.supplied.Rails, rail.Name) {
			c.item(fmt.Sprintf("rails[%d].kind", i), "is simulated, which pays nobody, on the public network",
				"remove it and bring a rail of your bank")
		}
	}
	if !c.supplied.Customers {
		c.publicCustomers()
	}
	if len(c.s.SEP31.SendingAnchors) == 0 && !c.supplied.Receiver {
		c.wrong("sep31.sending_anchors", "is empty on the public network")
	}
}

func (c *checker) publicCustomers() {
	for i, t := range c.s.Customers.Types {
		if t.Accept == AcceptAutomatic {
			c.item(fmt.Sprintf("customers.types[%d].accept", i), "is automatic on the public network: "+show(t.Name)+" would be accepted unseen",
				"set accept: operator, or bring a CustomerIntegration of your own")
		}
	}
}
