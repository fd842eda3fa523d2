package sandbox

import (
	"cmp"
	"math"
	"strconv"
)

// place is where a record stands in a list. Everything but effects is told apart by its id alone.
type place struct {
	id    int64 // TOID
	order int64 // among the effects of one operation, from 1; else zero
}

func (p place) compare(other place) int {
	return cmp.Or(cmp.Compare(p.id, other.id), cmp.Compare(p.order, other.order))
}

// text is the place as a paging token.
func (p place) text() string {
	if p.order == 0 {
		return strconv.FormatInt(p.id, 10)
	}
	return strconv.FormatInt(p.id, 10) + "-" + strconv.FormatInt(p.order, 10)
}

// lastPlace is behind every record.
func lastPlace() place { return place{id: math.MaxInt64, order: math.MaxInt64} }

// span is a range of ids; until is not in it.
type span struct{ from, until int64 }

// everything is the span of all records.
func everything() span { return span{until: math.MaxInt64} }

func ledgerSpan(sequence uint32) span {
	return span{from: int64(sequence) << 32, until: (int64(sequence) + 1) << 32}
}

func transactionSpan(id int64) span { return span{from: id, until: id + 1<<12} }

func operationSpan(id int64) span { return span{from: id, until: id + 1} }
