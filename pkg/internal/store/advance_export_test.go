package store

import "strings"

// AdvanceText is the statement that advances n transactions, with the number of its parameters.
func AdvanceText(n int) (text string, parameters int) {
	s := advanceTransactions()
	return s.sql(n, 1), 1 + n*strings.Count(s.row, "?")
}
