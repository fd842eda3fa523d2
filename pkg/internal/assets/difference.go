package assets

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Difference is one value that is stored otherwise than it was given. Secrets are described, not shown.
type Difference struct {
	Name          string
	Stored, Given string
	Fixed         bool // it never changes
}

// DifferentError means that an asset is registered with other values than were given; nothing was changed.
type DifferentError struct {
	Code        string
	Differences []Difference
}

func (e *DifferentError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "asset %s is registered with other values; nothing was changed", e.Code)
	fixed := false
	for _, d := range e.Differences {
		fmt.Fprintf(&text, "\n  %s: %s is registered, %s was given", d.Name, d.Stored, d.Given)
		if d.Fixed {
			text.WriteString(" (it never changes)")
			fixed = true
		}
	}
	if fixed {
		text.WriteString("\nLeave out what never changes")
	} else {
		text.WriteString("\nGive --update to change them")
	}
	return text.String()
}

// differences compares what is stored with what shall be.
func differences(before, after store.Asset) []Difference {
	var all []Difference
	note := func(name, stored, given string, fixed bool) {
		if stored != given {
			all = append(all, Difference{Name: name, Stored: stored, Given: given, Fixed: fixed})
		}
	}
	note("decimals", strconv.FormatInt(before.Decimals, 10), strconv.FormatInt(after.Decimals, 10), true)
	note("receiving account", before.ReceivingAccount, after.ReceivingAccount, false)
	note("enabled", strconv.FormatBool(before.Enabled), strconv.FormatBool(after.Enabled), false)
	note("sep31", strconv.FormatBool(before.Sep31Enabled), strconv.FormatBool(after.Sep31Enabled), false)
	note("sep38", strconv.FormatBool(before.Sep38Enabled), strconv.FormatBool(after.Sep38Enabled), false)
	note("fixed fee", shown(before.FeeFixedUnits), shown(after.FeeFixedUnits), false)
	note("percent fee", before.FeePercent, after.FeePercent, false)
	note("least amount", shown(before.MinUnits), shown(after.MinUnits), false)
	note("greatest amount", shown(before.MaxUnits), shown(after.MaxUnits), false)
	note("funding methods", listed(before.FundingMethods), listed(after.FundingMethods), false)
	return all
}

func listed(methods string) string {
	if methods == "" {
		return "none"
	}
	return methods
}

// detail writes the differences for the history.
func detail(all []Difference) (string, error) {
	type change struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	changes := make(map[string]change, len(all))
	for _, d := range all {
		changes[d.Name] = change{d.Stored, d.Given}
	}
	text, err := json.Marshal(changes)
	return string(text), err
}

// refused tells whether the differences stop a registration.
func refused(all []Difference, update bool) bool {
	for _, d := range all {
		if d.Fixed || !update {
			return true
		}
	}
	return false
}
