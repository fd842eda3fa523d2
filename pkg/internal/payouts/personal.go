package payouts

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// shortest is how long a value must be to be looked for: shorter ones occur in every text.
const shortest = 3

// withoutPeople takes out of a rail's text what the requests say of people. Banks repeat account numbers and names in their
// errors, and an HTTP client repeats the address it called; logs and events are not encrypted. What is left is fit to be stored.
func withoutPeople(text string, requests ...anchor.Payout) string {
	for _, p := range requests {
		for _, value := range valuesOf(p) {
			for _, spelling := range []string{value, url.QueryEscape(value), url.PathEscape(value)} {
				text = strings.ReplaceAll(text, spelling, "[withheld]")
			}
		}
	}
	return anchor.CleanText(text)
}

// valuesOf are the values of a request, the longest first: one may be part of another.
func valuesOf(p anchor.Payout) []string {
	values := slices.Collect(maps.Values(p.Fields))
	for _, c := range []*anchor.Customer{p.Sender, p.Receiver} {
		if c != nil {
			values = slices.AppendSeq(values, maps.Values(c.Values))
		}
	}
	values = slices.DeleteFunc(values, func(v string) bool { return len(v) < shortest })
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	return values
}
