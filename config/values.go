package config

import (
	"strconv"
	"strings"
	"time"

	"github.com/stellar/go-stellar-sdk/strkey"
)

// given is a value as somebody wrote it: always text, so that neither YAML nor the environment has types of its own.
type given struct {
	text   string
	items  []string // instead of text, for a YAML list
	isList bool
	origin string // where it stands: "anchor.yaml line 3", "the environment", …
}

// assign reads a value into its place.
func (r row) assign(s *Settings, value given) *Fault {
	into := r.field(s)
	if list, ok := into.(*[]string); ok {
		*list = value.list()
		return nil
	}
	if value.isList {
		return r.fault("is a list in " + value.origin + ", where one value belongs")
	}
	problem := parseInto(into, value.text, r.seconds)
	if problem == "" {
		return nil
	}
	return r.fault(problem + " (" + value.origin + ")")
}

// list splits at commas, trims, and drops what is empty, so that a trailing comma does no harm.
func (v given) list() []string {
	raw := v.items
	if !v.isList {
		raw = strings.Split(v.text, ",")
	}
	var items []string
	for _, item := range raw {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// parseInto returns what is wrong with the text, without repeating a secret.
func parseInto(into any, text string, seconds bool) string {
	switch into := into.(type) {
	case *string:
		*into = strings.TrimSpace(text)
	case *Secret:
		*into = Secret(text)
	case *int:
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return "is " + show(text) + ", which is not a whole number"
		}
		*into = n
	case *bool:
		yes, ok := parseBool(strings.TrimSpace(text))
		if !ok {
			return "is " + show(text) + ", which is neither 1, 0, true nor false"
		}
		*into = yes
	case *time.Duration:
		d, ok := parseDuration(strings.TrimSpace(text), seconds)
		if !ok {
			return "is " + show(text) + ", which is not a duration"
		}
		*into = d
	}
	return ""
}

func parseBool(text string) (yes, ok bool) {
	switch text {
	case "1", "true":
		return true, true
	case "0", "false":
		return false, true
	default:
		return false, false
	}
}

// parseDuration wants a unit, except where Polaris counts in seconds. "0" alone is Go syntax for no time at all.
func parseDuration(text string, seconds bool) (time.Duration, bool) {
	if n, err := strconv.Atoi(text); seconds && err == nil {
		if n > int(time.Duration(1<<63-1)/time.Second) || n < 0 {
			return 0, false
		}
		return time.Duration(n) * time.Second, true
	}
	d, err := time.ParseDuration(text)
	return d, err == nil
}

// show quotes a value for a message: shortened, and not at all where somebody put a seed into the wrong place.
func show(text string) string {
	const most = 60
	if looksLikeSeed(text) {
		return "what looks like a secret seed"
	}
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return strconv.Quote(text)
}

func looksLikeSeed(text string) bool {
	const seedLength = 56
	text = strings.ToUpper(strings.TrimSpace(text))
	return strkey.IsValidEd25519SecretSeed(text) || len(text) >= seedLength-2 && strings.HasPrefix(text, "S")
}

func upper(name string) string { return strings.ToUpper(name) }
