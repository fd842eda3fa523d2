package store_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// scene are rows that every CHECK below begins with; all of them are right.
type scene struct {
	transaction, other, payout, asset string
}

const insertPayment = `INSERT INTO payments (id, chain, account, operation_id, idx, kind, inner_hash, outer_hash, ledger, closed_us, from_account, from_muxed_id,
	to_muxed_id, asset_code, asset_issuer, amount_units, memo_type, memo, judgement, state, refund_units, transaction_id, version, created_us, updated_us)
	VALUES ($1, 'c', 'GRECEIVING', $2, 0, 'payment', 'h', 'h', 1, 1, 'G', '', '', 'USDC', 'G', $3, 'id', '1', $4, $5, $6, $7, 1, 1, 1)`

const insertAttempt = `INSERT INTO payout_attempts (payout_id, number, key, state, sealed_request, request_hash, sender_version, receiver_version, sends,
	first_sent_us, last_sent_us, created_us, updated_us) VALUES ($1, $2, $3, $4, '', '', 0, 0, 1, 1, 1, 1, 1)`

const insertPayout = `INSERT INTO payouts (id, transaction_id, number, version, state, waits_for, rail, debit_units, amount_units, amount_decimals, amount_asset,
	created_us, updated_us) VALUES ($1, $2, $3, 1, $4, $5, 'r', $6, 1, 2, 'iso4217:BRL', 1, 1)`

func setScene(b *bench) scene {
	funded, p := b.funded(b.draft(), anchor.PayoutReady, anchor.WaitsForNothing)
	other := b.create(b.draft())
	b.must(insertPayment, "p1", 100, 50, "credited", "credited", 0, funded.ID)
	b.must(insertAttempt, p.ID, 1, "k1", "sending")
	customer := b.customer("sep31-sender", anchor.CustomerAccepted)
	b.must("UPDATE customers SET memo_type = 'id', memo = 'twice' WHERE id = $1", customer)
	b.must("INSERT INTO cursors (account, chain, position, through_ledger, through_closed_us, ledger_hash, started_ledger, fence, updated_us) VALUES ('GRECEIVING', 'c', 1, 1, 1, '', 1, 1, 1)")
	return scene{transaction: funded.ID, other: other.ID, payout: p.ID, asset: b.asset.ID}
}

func TestThe_database_refuses_what_must_never_be(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		s := setScene(b)
		for name, c := range map[string]struct {
			statement string
			args      []any
		}{
			"more paid out than credited":            {"UPDATE transactions SET payout_units = credited_units + 1 WHERE id = $1", []any{s.transaction}},
			"more refunded than credited":            {"UPDATE transactions SET payout_units = 0, refund_units = credited_units + 1 WHERE id = $1", []any{s.transaction}},
			"paid out and refunded":                  {"UPDATE transactions SET refund_units = 1 WHERE id = $1", []any{s.transaction}},
			"less credited than paid out":            {"UPDATE transactions SET credited_units = payout_units - 1 WHERE id = $1", []any{s.transaction}},
			"a negative credit":                      {"UPDATE transactions SET credited_units = -1, payout_units = -1 WHERE id = $1", []any{s.transaction}},
			"a negative payout":                      {"UPDATE transactions SET payout_units = -1 WHERE id = $1", []any{s.transaction}},
			"a negative refund":                      {"UPDATE transactions SET refund_units = -1 WHERE id = $1", []any{s.other}},
			"a transaction of nothing":               {"UPDATE transactions SET expected_units = 0 WHERE id = $1", []any{s.other}},
			"a status that SEP-31 does not have":     {"UPDATE transactions SET status = 'on_hold' WHERE id = $1", []any{s.other}},
			"version zero":                           {"UPDATE transactions SET version = 0 WHERE id = $1", []any{s.other}},
			"a memo type that payments cannot match": {"UPDATE transactions SET memo_type = 'return' WHERE id = $1", []any{s.other}},
			"a memo of another transaction":          {"UPDATE transactions SET memo = (SELECT memo FROM transactions WHERE id = $1) WHERE id = $2", []any{s.transaction, s.other}},
			"an asset that is not there":             {"UPDATE transactions SET asset_id = 'nothing' WHERE id = $1", []any{s.other}},
			"a sender that is not there":             {"UPDATE transactions SET sender_id = 'nobody' WHERE id = $1", []any{s.other}},
			"an account that is not watched":         {"UPDATE transactions SET receiving_account = 'GSOMEWHERE' WHERE id = $1", []any{s.other}},
			"one quote for two transactions":         {"UPDATE transactions SET quote_id = 'q'", nil},

			"a payment seen twice":                    {insertPayment, []any{"p2", 100, 50, "unmatched", "open", 0, nil}},
			"a payment credited to no transaction":    {insertPayment, []any{"p2", 200, 50, "credited", "credited", 0, nil}},
			"a payment of a negative amount":          {insertPayment, []any{"p2", 200, -1, "unmatched", "open", 0, nil}},
			"more of a payment refunded than arrived": {insertPayment, []any{"p2", 200, 50, "unmatched", "refunding", 51, nil}},
			"a negative refund of a payment":          {insertPayment, []any{"p2", 200, 50, "unmatched", "open", -1, nil}},
			"a judgement that nobody knows":           {insertPayment, []any{"p2", 200, 50, "suspicious", "open", 0, nil}},
			"a payment in no known state":             {insertPayment, []any{"p2", 200, 50, "unmatched", "lost", 0, nil}},
			"a payment of an unknown transaction":     {insertPayment, []any{"p2", 200, 50, "late", "open", 0, "nothing"}},

			"two live payouts of a transaction":         {insertPayout, []any{"o2", s.transaction, 2, "ready", "", 1}},
			"two payouts of one number":                 {insertPayout, []any{"o2", s.transaction, 1, "failed", "", 1}},
			"a payout that waits for nothing":           {insertPayout, []any{"o2", s.other, 1, "waiting", "", 1}},
			"a ready payout that waits":                 {insertPayout, []any{"o2", s.other, 1, "ready", "kyc", 1}},
			"a payout that waits for something unknown": {insertPayout, []any{"o2", s.other, 1, "waiting", "rain", 1}},
			"a payout of nothing":                       {insertPayout, []any{"o2", s.other, 1, "ready", "", 0}},
			"a payout of no transaction":                {insertPayout, []any{"o2", "nothing", 1, "ready", "", 1}},
			"a payout number zero":                      {insertPayout, []any{"o2", s.other, 0, "ready", "", 1}},

			"two live attempts of a payout":         {insertAttempt, []any{s.payout, 2, "k2", "sending"}},
			"a second attempt beside an unsent one": {insertAttempt, []any{s.payout, 2, "k2", "not_sent"}},
			"two attempts under one key":            {insertAttempt, []any{s.payout, 2, "k1", "failed"}},
			"two attempts of one number":            {insertAttempt, []any{s.payout, 1, "k2", "failed"}},
			"an attempt in no known state":          {insertAttempt, []any{s.payout, 2, "k2", "maybe"}},

			"one event twice":                     {"INSERT INTO events (subject_kind, subject_id, seq, kind, from_status, to_status, actor, at_us) VALUES ('transaction', $1, 1, 'noted', '', '', 'a', 1)", []any{s.transaction}},
			"two customers under one memo":        {"UPDATE customers SET memo_type = 'id', memo = 'same'", nil},
			"a customer status of our own":        {"UPDATE customer_statuses SET status = 'MAYBE'", nil},
			"a customer memo of type return":      {"UPDATE customers SET memo_type = 'return'", nil},
			"a second asset of code and issuer":   {"INSERT INTO assets SELECT 'a2', code, issuer, decimals, receiving_account, enabled, sep31_enabled, sep38_enabled, min_units, max_units, fee_fixed_units, fee_percent, funding_methods, version, created_us, updated_us FROM assets WHERE id = $1", []any{s.asset}},
			"an asset of eight decimals":          {"UPDATE assets SET decimals = 8 WHERE id = $1", []any{s.asset}},
			"an asset whose limits cross":         {"UPDATE assets SET min_units = 2, max_units = 1 WHERE id = $1", []any{s.asset}},
			"an asset with a negative fee":        {"UPDATE assets SET fee_fixed_units = -1 WHERE id = $1", []any{s.asset}},
			"an asset received nowhere":           {"UPDATE assets SET receiving_account = 'GSOMEWHERE' WHERE id = $1", []any{s.asset}},
			"a second cursor of an account":       {"INSERT INTO cursors (account, chain, position, through_ledger, through_closed_us, ledger_hash, started_ledger, fence, updated_us) VALUES ('GRECEIVING', 'd', 1, 1, 1, '', 1, 1, 1)", nil},
			"a signer of a kind nobody knows":     {"UPDATE receiving_accounts SET signer = 'paper'", nil},
			"an account watched from below zero":  {"UPDATE receiving_accounts SET from_ledger = -1", nil},
			"a callback in no known state":        {"INSERT INTO callbacks (id, subject_kind, subject_id, seq, subscriber, body, state, next_us, created_us, updated_us) VALUES ('c1', 'transaction', $1, 1, 'owner', '', 'lost', 1, 1, 1)", []any{s.transaction}},
			"a transaction removed from history":  {"DELETE FROM transactions WHERE id = $1", []any{s.transaction}},
			"an account removed from the watched": {"DELETE FROM receiving_accounts", nil},
		} {
			if strings.HasPrefix(name, "two customers") {
				b.customer("sep31-sender", anchor.CustomerAccepted)
			}
			require.ErrorContains(t, b.exec(c.statement, c.args...), "constraint", name)
		}
		// The same statements with right values pass: what refused them was the value.
		b.must("UPDATE transactions SET payout_units = 0, refund_units = credited_units WHERE id = $1", s.transaction)
		b.must(insertPayment, "p2", 200, 50, "unmatched", "refunding", 50, nil)
		b.must(insertPayout, "o2", s.other, 1, "waiting", "kyc", 1)
		b.must("UPDATE payout_attempts SET state = 'failed' WHERE payout_id = $1", s.payout)
		b.must(insertAttempt, s.payout, 2, "k2", "sending")
		b.must("UPDATE payouts SET state = 'failed' WHERE id = $1", s.payout)
		b.must(insertPayout, "o3", s.transaction, 2, "ready", "", 1)
		b.must("UPDATE transactions SET quote_id = 'q' WHERE id = $1", s.other)
	})
}
