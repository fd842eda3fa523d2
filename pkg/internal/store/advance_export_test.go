package store

import "strings"

// Shown is a statement of many rows as it runs, with the number of its parameters.
type Shown struct {
	Text       string
	Parameters int
}

func shown(s statement, n, fixed int) Shown {
	return Shown{s.sql(n, fixed), fixed + n*strings.Count(s.row, "?")}
}

// AdvanceStatement is the statement that advances n transactions.
func AdvanceStatement(n int) Shown { return shown(advanceTransactions(), n, 1) }

// HeldStatements are those that find and change the payments of n transactions, or n payments, of which everything goes back.
func HeldStatements(db *DB, n int) map[string]Shown {
	return map[string]Shown{
		"lockCreditedPayments": shown(lockCreditedPayments(db.engine), n, 0),
		"refundPayments":       shown(refundPayments(), n, 1),
	}
}
