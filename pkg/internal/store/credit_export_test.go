package store

// CreditStatements are the set-wise statements of crediting as they run for n rows, with the number of their parameters.
func CreditStatements(db *DB, n int) map[string]struct {
	Text  string
	Fixed int // parameters that come first
} {
	type shown = struct {
		Text  string
		Fixed int
	}
	return map[string]shown{
		"transactionsByMemo":  {transactionsByMemo().sql(n, 2), 2},
		"lockTransactions":    {lockTransactions(db.engine).sql(n, 0), 0},
		"fundTransactions":    {fundTransactions().sql(n, 1), 1},
		"statusesOfCustomers": {statusesOfCustomers().sql(n, 0), 0},
	}
}
