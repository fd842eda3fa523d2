package inspect

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

// span says how long something took or lasts, in the two largest units that matter.
func span(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 24*time.Hour:
		return both(int(d.Hours()), "h", int(d.Minutes())%60, "min")
	default:
		return both(int(d.Hours())/24, "d", int(d.Hours())%24, "h")
	}
}

func both(n int, unit string, rest int, lesser string) string {
	if rest == 0 {
		return fmt.Sprintf("%d %s", n, unit)
	}
	return fmt.Sprintf("%d %s %d %s", n, unit, rest, lesser)
}

// instant is a time for people, in UTC.
func instant(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// units is an amount without trailing zeros; one that cannot be is shown as "?".
func units(n int64, decimals int64) string {
	a, err := money.New(n, int(decimals))
	if err != nil {
		return "?"
	}
	return a.Short()
}

// stellarDecimals is what the amounts of Stellar assets have.
const stellarDecimals = money.StellarDecimals

// stroops is an amount of a Stellar asset with its code.
func stroops(n int64, code string) string { return units(n, stellarDecimals) + " " + code }

// memoWords shows a memo that is stored as senders write it.
func memoWords(kind, stored string) string {
	if kind == "" || kind == "none" || stored == "" {
		return "no memo"
	}
	wire, err := store.WireMemo(kind, stored)
	if err != nil || strings.ContainsFunc(wire, unprintable) {
		return "memo " + kind + ":" + stored
	}
	return "memo " + kind + ":" + wire
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// memoReadings are the ways in which somebody may mean a memo: type and stored form.
func memoReadings(text string) []memoReading {
	if kind, value, ok := strings.Cut(text, ":"); ok && value != "" {
		switch kind {
		case "id", "text", "hash", "return":
			return readingsAs(kind, value)
		}
	}
	var all []memoReading
	for _, kind := range []string{"id", "hash", "return", "text"} {
		all = append(all, readingsAs(kind, text)...)
	}
	return all
}

type memoReading struct{ kind, stored string }

func readingsAs(kind, text string) []memoReading {
	var list []memoReading
	switch kind {
	case "id":
		if id := strings.TrimLeft(text, "0"); isDigits(text) {
			list = append(list, memoReading{kind, max(id, "0")})
		}
	case "hash", "return":
		if raw, err := hex.DecodeString(text); err == nil && len(raw) == hashBytes {
			list = append(list, memoReading{kind, hex.EncodeToString(raw)})
		}
		if raw, err := base64.StdEncoding.DecodeString(text); err == nil && len(raw) == hashBytes {
			list = append(list, memoReading{kind, hex.EncodeToString(raw)})
		}
	case "text":
		if len(text) <= longestText {
			list = append(list, memoReading{kind, base64.StdEncoding.EncodeToString([]byte(text))})
		}
		if raw, err := base64.StdEncoding.DecodeString(text); err == nil && len(raw) <= longestText {
			list = append(list, memoReading{kind, text})
		}
	}
	return list
}

const (
	hashBytes   = 32
	longestText = 28 // bytes of a memo of type text
)

func isDigits(text string) bool {
	return text != "" && len(text) <= 20 && strings.Trim(text, "0123456789") == ""
}
