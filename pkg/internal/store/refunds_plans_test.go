package store_test

// hotRefundQueries run with every look at refunds, however many there are that are over.
func hotRefundQueries() []hotQuery {
	account := map[string]any{"account": "G", "now_us": int64(1)}
	due := map[string]any{"account": "G", "automatic": true, "now_us": int64(1)}
	explained := map[string]any{"account": "G", "automatic": true, "now_us": int64(1), "trouble": "why", "most": int64(10)}
	attempt, lease := "(refund_attempts_inner_hash_key|sqlite_autoindex_refund_attempts_[12])", "(leases_pkey|sqlite_autoindex_leases_1)"
	payment := "(refunds_payment_id_number_key|sqlite_autoindex_refunds_2)"
	return []hotQuery{
		{"refunds", "DueRefund", due, []string{"refunds_ready"}},
		{"refunds", "ExplainWait", explained, []string{"refunds_ready"}},
		{"refunds", "AccountWaits", account, []string{lease}},
		{"refunds", "RefundAttemptByHash", map[string]any{"inner_hash": "x"}, []string{attempt}},
		{"refunds", "AccountsWithRefunds", map[string]any{"now_us": int64(1)}, []string{"refunds_ready", "refund_attempts_in_flight", lease}},
		{"refunds", "NextRefundUs", nil, []string{"refunds_ready", "refund_attempts_in_flight", lease}},
		{"refunds", "RefundAttemptInFlight", map[string]any{"account": "G"}, []string{"refund_attempts_in_flight"}},
		{"refunds", "RefundsOfPayment", map[string]any{"payment_id": "x"}, []string{payment}},
		{"refunds", "RefundsOfTransaction", map[string]any{"transaction_id": "x"}, []string{"refunds_by_transaction"}},
		{"refunds", "MovementOfHash", map[string]any{"inner_hash": "x"}, []string{"outgoing_movements_by_hash"}},
		{"refunds", "UnexplainedMovement", map[string]any{"account": "G"}, []string{"outgoing_movements_unexplained"}},
		{"refunds", "CountUnexplainedMovements", nil, []string{"outgoing_movements_unexplained"}},
		{"refunds", "CountRefunds", nil, []string{"refunds_ready", "refunds_under_way", "refunds_held"}},
		{"refunds", "IsRefundHash", map[string]any{"hash": "x"}, []string{"refund_attempts_bumped"}},
		{
			"refunds", "RefundedBefore",
			map[string]any{"destination": "G", "memo": "1", "memo_type": "id", "asset_code": "A", "asset_issuer": "G", "closed_us": int64(1)},
			[]string{"refunds_confirmed"},
		},
		{
			"refunds", "RefundedByItselfSince", map[string]any{"account": "G", "since_us": int64(1), "asset_code": "A", "asset_issuer": "G"},
			[]string{"refunds_automatic"},
		},
	}
}
