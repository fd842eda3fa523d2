package store

// OutgoingStatements are the set-wise statements that read for outgoing movements, as they run for n rows.
func OutgoingStatements(n int) map[string]string {
	return map[string]string{"hashesOfRefunds": hashesOfRefunds().sql(n, 0), "ownAccounts": ownAccounts().sql(n, 0)}
}
