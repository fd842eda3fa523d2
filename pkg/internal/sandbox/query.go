package sandbox

import (
	"math"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
)

const (
	defaultLimit = 10
	maxLimit     = 200
)

// query is which part of a list is asked for.
type query struct {
	values     url.Values
	cursor     place
	cursorText string // as links show it
	descending bool
	limit      int
	failed     bool
	join       bool
}

// readQuery reads cursor, order, limit, include_failed and join. latest is the ledger that cursor=now means.
// Only the cursors of effects have two parts (pairs).
func readQuery(r *http.Request, latest uint32, pairs bool) (query, *problem) {
	q := query{values: r.URL.Query(), limit: defaultLimit}
	for _, read := range []func() *problem{
		func() *problem { return q.readCursor(r.Header.Get("Last-Event-ID"), latest, pairs) },
		q.readOrder, q.readLimit, q.readFailed, q.readJoin,
	} {
		if p := read(); p != nil {
			return query{}, p
		}
	}
	if q.cursorText == "" && q.descending {
		q.cursor = lastPlace()
	}
	return q, nil
}

func (q *query) readCursor(lastEvent string, latest uint32, pairs bool) *problem {
	text := q.values.Get("cursor")
	if lastEvent != "" {
		text = lastEvent
	}
	switch text {
	case "":
		return nil
	case "now":
		text = strconv.FormatInt((int64(latest)+1)<<32-1, 10)
	}
	cursor, ok := place{}, false
	if pairs {
		cursor, ok = readPair(text)
	} else {
		cursor.id, ok = readNumber(text)
	}
	if !ok {
		return badRequest("cursor", "cursor: invalid value")
	}
	if cursor.id < 0 {
		return badRequest("cursor", "the cursor "+text+" is a negative number: ")
	}
	q.cursor, q.cursorText = cursor, text
	return nil
}

func readNumber(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// readPair reads the cursor of an effect. One without the second part is behind all effects of its operation.
func readPair(text string) (place, bool) {
	if id, ok := readNumber(text); ok {
		return place{id: id, order: math.MaxInt64}, true
	}
	first, second, _ := strings.Cut(text, "-")
	id, idOK := readNumber(first)
	order, orderOK := readNumber(second)
	return place{id: id, order: order}, idOK && orderOK
}

func (q *query) readOrder() *problem {
	switch q.values.Get("order") {
	case "", "asc":
	case "desc":
		q.descending = true
	default:
		return badRequest("order", "order: invalid value")
	}
	return nil
}

func (q *query) readLimit() *problem {
	text := q.values.Get("limit")
	if text == "" {
		return nil
	}
	limit, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return badRequest("limit", "unparseable value")
	case limit <= 0:
		return badRequest("limit", "invalid limit: non-positive value provided")
	case limit > maxLimit:
		return badRequest("limit", "invalid limit: value provided that is over limit max of 200")
	}
	q.limit = int(limit)
	return nil
}

func (q *query) readFailed() *problem {
	switch q.values.Get("include_failed") {
	case "", "false":
	case "true":
		q.failed = true
	default:
		return badRequest("include_failed", "Filter should be true or false")
	}
	return nil
}

func (q *query) readJoin() *problem {
	switch q.values.Get("join") {
	case "":
	case "transactions":
		q.join = true
	default:
		return badRequest("join", "Accepted values: transactions")
	}
	return nil
}

// link is the query part of a link from this page, escaped for JSON.
func (q query) link(cursor string, descending bool) string {
	values := url.Values{}
	for name, v := range q.values {
		values[name] = v
	}
	values.Set("cursor", cursor)
	values.Set("limit", strconv.Itoa(q.limit))
	values.Set("order", "asc")
	if descending {
		values.Set("order", "desc")
	}
	return "?" + strings.ReplaceAll(values.Encode(), "&", `\u0026`)
}

// record is what lists are made of.
type record interface {
	position() place
	shown() bool // without include_failed
	print(p *printer, join bool)
}

// pick reads the part of a list that a query asks for. The list is in ascending order; what lies before the elder
// ledger is not told of any more.
func pick[T record](all []T, q query, elder uint32) []record {
	oldest := place{id: int64(elder) << 32}
	var picked []record
	take := func(r record) bool {
		if q.failed || r.shown() {
			picked = append(picked, r)
		}
		return len(picked) < q.limit
	}
	if q.descending {
		from := sort.Search(len(all), func(i int) bool { return all[i].position().compare(q.cursor) >= 0 })
		for _, r := range slices.Backward(all[:from]) {
			if r.position().compare(oldest) < 0 || !take(r) {
				break
			}
		}
		return picked
	}
	from := sort.Search(len(all), func(i int) bool {
		at := all[i].position()
		return at.compare(q.cursor) > 0 && at.compare(oldest) >= 0
	})
	for _, r := range all[from:] {
		if !take(r) {
			break
		}
	}
	return picked
}

// within is the part of a list whose ids are in a span.
func within[T record](all []T, s span) []T {
	from := sort.Search(len(all), func(i int) bool { return all[i].position().id >= s.from })
	until := sort.Search(len(all), func(i int) bool { return all[i].position().id >= s.until })
	return all[from:until]
}
