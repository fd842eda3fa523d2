package e2e

import (
	"database/sql"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/money"
)

// forbidden is a query for the ids of rows that must not be.
type forbidden struct{ what, query string }

// neverSo is what must hold over the database whatever happened. It is what the tables say of themselves; what the network and
// the bank say of them is compared in requireInvariants.
func neverSo() []forbidden {
	return []forbidden{
		{"I2: a payment behind the position", `SELECT p.id FROM payments p JOIN cursors c ON c.account = p.account
			WHERE p.operation_id > c.position`},
		{"I3: a payment credited to a transaction that it does not name", `SELECT p.id FROM payments p JOIN transactions t ON t.id = p.transaction_id
			WHERE p.state = 'credited' AND (p.account <> t.receiving_account OR p.memo_type <> t.memo_type OR p.memo <> t.memo
				OR p.asset_code <> t.asset_code OR p.asset_issuer <> t.asset_issuer)`},
		{"I3: a credited payment without a transaction, or a judgement that says otherwise", `SELECT id FROM payments
			WHERE (state = 'credited' AND transaction_id IS NULL) OR (judgement = 'credited' AND state NOT IN ('credited', 'refunded'))`},
		{"I4: credited is not what its payments come to", `SELECT t.id FROM transactions t WHERE t.credited_units <>
			(SELECT COALESCE(SUM(p.amount_units), 0) FROM payments p WHERE p.transaction_id = t.id AND (p.state = 'credited'
				OR EXISTS (SELECT 1 FROM refunds r WHERE r.payment_id = p.id AND r.from_held)))`},
		{"I4: refunded is not what its refunds take", `SELECT t.id FROM transactions t WHERE t.refund_units <>
			(SELECT COALESCE(SUM(r.units), 0) FROM refunds r WHERE r.transaction_id = t.id AND r.from_held AND r.state <> 'cancelled')`},
		{"I4: a payment of which something else goes back than its refunds", `SELECT p.id FROM payments p WHERE p.refund_units <>
			(SELECT COALESCE(SUM(r.units), 0) FROM refunds r WHERE r.payment_id = p.id AND r.state <> 'cancelled')`},
		{"I4: a payment that is refunded and has not gone back as a whole", `SELECT p.id FROM payments p WHERE p.state = 'refunded' AND p.amount_units <>
			(SELECT COALESCE(SUM(r.units), 0) FROM refunds r WHERE r.payment_id = p.id AND r.state = 'confirmed')`},
		{"I8: two envelopes of an account that may land", `SELECT account FROM refund_attempts
			WHERE state = 'sending' GROUP BY account HAVING COUNT(*) > 1`},
		{"I8: a refund with two envelopes that are not dead", `SELECT refund_id FROM refund_attempts
			WHERE state <> 'dead' GROUP BY refund_id HAVING COUNT(*) > 1`},
		{"I8: a confirmed refund without its movement", `SELECT r.id FROM refunds r WHERE r.state = 'confirmed' AND NOT EXISTS
			(SELECT 1 FROM refund_attempts a JOIN outgoing_movements m ON m.inner_hash = a.inner_hash AND m.account = a.account
				WHERE a.refund_id = r.id AND a.state = 'landed' AND m.outer_hash = r.stellar_hash AND m.amount_units = r.units - r.fee_units
					AND m.to_account = r.destination AND m.asset_code = r.asset_code AND m.asset_issuer = r.asset_issuer)`},
		{"I14: a movement out that no refund explains", `SELECT m.outer_hash FROM outgoing_movements m WHERE NOT EXISTS
			(SELECT 1 FROM refund_attempts a WHERE a.inner_hash = m.inner_hash AND a.account = m.account)`},
		{"I4: payout is not what its payouts take", `SELECT t.id FROM transactions t WHERE t.payout_units <>
			(SELECT COALESCE(SUM(p.debit_units), 0) FROM payouts p WHERE p.transaction_id = t.id AND p.state NOT IN ('failed', 'cancelled', 'returned'))`},
		{"I4: more out than in, or less than nothing", `SELECT id FROM transactions
			WHERE payout_units + refund_units > credited_units OR payout_units < 0 OR refund_units < 0 OR credited_units < 0`},
		{"I4: paid out without having been funded", `SELECT t.id FROM transactions t
			WHERE t.funded = FALSE AND EXISTS (SELECT 1 FROM payouts p WHERE p.transaction_id = t.id)`},
		{"I5: two attempts that may both have been paid", `SELECT payout_id FROM payout_attempts
			WHERE state <> 'failed' GROUP BY payout_id HAVING COUNT(*) > 1`},
		{"I5: a delivered payout without a delivered attempt", `SELECT p.id FROM payouts p WHERE p.state = 'delivered'
			AND NOT EXISTS (SELECT 1 FROM payout_attempts a WHERE a.payout_id = p.id AND a.state = 'delivered')`},
		{"I5: delivered without an answer that says so", `SELECT a.payout_id FROM payout_attempts a WHERE a.state = 'delivered'
			AND NOT EXISTS (SELECT 1 FROM attempt_answers s WHERE s.payout_id = a.payout_id AND s.number = a.number AND s.outcome = 'delivered')`},
		{"a transaction completed without a delivered payout", `SELECT t.id FROM transactions t WHERE t.status = 'completed'
			AND NOT EXISTS (SELECT 1 FROM payouts p WHERE p.transaction_id = t.id AND p.state = 'delivered')`},
		{"a delivered payout of a transaction that is not completed", `SELECT p.id FROM payouts p JOIN transactions t ON t.id = p.transaction_id
			WHERE p.state = 'delivered' AND t.status <> 'completed'`},
		// What a payment was when it was stored is in its own row; its history begins with its first change.
		{"a history with a gap", `SELECT subject_id FROM events GROUP BY subject_kind, subject_id
			HAVING MIN(seq) <> CASE subject_kind WHEN 'payment' THEN 2 ELSE 1 END OR MAX(seq) - MIN(seq) + 1 <> COUNT(*)`},
		{"a history whose steps do not join", `SELECT e.subject_id FROM events e
			JOIN events b ON b.subject_kind = e.subject_kind AND b.subject_id = e.subject_id AND b.seq = e.seq - 1
			WHERE e.subject_kind IN ('transaction', 'payout', 'payment', 'refund') AND e.from_status <> b.to_status`},
		{"a transaction whose last event tells another status", `SELECT t.id FROM transactions t WHERE NOT EXISTS (SELECT 1 FROM events e
			WHERE e.subject_kind = 'transaction' AND e.subject_id = t.id AND e.seq = t.version AND e.to_status = t.status)`},
		{"a payout whose last event tells another state", `SELECT p.id FROM payouts p WHERE NOT EXISTS (SELECT 1 FROM events e
			WHERE e.subject_kind = 'payout' AND e.subject_id = p.id AND e.seq = p.version AND e.to_status = p.state)`},
		{"a refund whose last event tells another state", `SELECT r.id FROM refunds r WHERE NOT EXISTS (SELECT 1 FROM events e
			WHERE e.subject_kind = 'refund' AND e.subject_id = r.id AND e.seq = r.version AND e.to_status = r.state)`},
		{"I11: a change of status that nobody is told of", `SELECT e.subject_id FROM events e JOIN transactions t ON t.id = e.subject_id
			WHERE e.subject_kind = 'transaction' AND t.callback_url <> '' AND e.from_status <> '' AND e.from_status <> e.to_status
				AND NOT EXISTS (SELECT 1 FROM callbacks c WHERE c.subject_kind = 'transaction' AND c.subject_id = e.subject_id AND c.seq = e.seq)`},
	}
}

// requireInvariants compares the database with itself, with the ledgers and with the bank's books. Nothing may be under way.
func (w *world) requireInvariants() {
	w.Helper()
	for _, f := range neverSo() {
		require.Empty(w, w.db.texts(f.query), f.what)
	}
	w.requireEveryPaymentOnce()
	w.requireEveryDepartureOnce()
	w.requireEveryPayoutOnce()
	w.requireDiscretion()
}

// payment is what ledgers and database must tell alike.
type payment struct {
	operation              int64
	account                string // the receiving one
	other, asset, hash     string
	units, ledger, closeUs int64
}

// requireEveryPaymentOnce checks I1: what the ledgers have for the receiving accounts since they are watched is what is stored.
func (w *world) requireEveryPaymentOnce() {
	w.Helper()
	inLedgers := w.inLedgers(func(p sandbox.Payment) (account, other string) { return p.To, p.From })
	stored, rows := w.stored(`SELECT operation_id, account, from_account, asset_code, asset_issuer, outer_hash, amount_units, ledger, closed_us FROM payments`)
	require.Equal(w, inLedgers, stored, "I1: each payment is one row")
	require.Len(w, stored, rows, "I1: no payment is two rows")
}

// requireEveryDepartureOnce checks the same for what left them.
func (w *world) requireEveryDepartureOnce() {
	w.Helper()
	inLedgers := w.inLedgers(func(p sandbox.Payment) (account, other string) { return p.From, p.To })
	stored, rows := w.stored(`SELECT operation_id, account, to_account, asset_code, asset_issuer, outer_hash, amount_units, ledger, closed_us FROM outgoing_movements`)
	require.Equal(w, inLedgers, stored, "each movement out is one row")
	require.Len(w, stored, rows, "no movement out is two rows")
}

// inLedgers is what the ledgers have for the receiving accounts since they are watched; side says which of its two accounts
// a payment is looked at from.
func (w *world) inLedgers(side func(sandbox.Payment) (account, other string)) map[int64]payment {
	w.Helper()
	since := map[string]int64{}
	w.db.each("SELECT account, from_ledger FROM receiving_accounts", func(r *sql.Rows) error {
		var account string
		var ledger int64
		err := r.Scan(&account, &ledger)
		since[account] = ledger
		return err
	})
	found := map[int64]payment{}
	for _, tx := range w.network.Transactions() {
		for _, p := range tx.Payments {
			account, other := side(p)
			if from, watched := since[account]; watched && tx.Successful && tx.Ledger >= from {
				found[p.ID] = payment{p.ID, account, other, p.Asset, tx.Hash, p.Units, tx.Ledger, tx.ClosedAt.UnixMicro()}
			}
		}
	}
	return found
}

// stored reads payments by their operations, and how many rows there are.
func (w *world) stored(query string) (found map[int64]payment, rows int) {
	w.Helper()
	found = map[int64]payment{}
	w.db.each(query, func(r *sql.Rows) error {
		var p payment
		var issuer string
		err := r.Scan(&p.operation, &p.account, &p.other, &p.asset, &issuer, &p.hash, &p.units, &p.ledger, &p.closeUs)
		if p.asset += ":" + issuer; issuer == "" {
			p.asset = "native"
		}
		found[p.operation] = p
		rows++
		return err
	})
	return found, rows
}

// requireEveryPayoutOnce checks that the bank paid each delivered payout once, under the key of its attempt, and nothing else.
func (w *world) requireEveryPayoutOnce() {
	w.Helper()
	booked, err := w.bank.Payments()
	require.NoError(w, err)
	type paid struct {
		transaction, asset, external string
		units                        int64
	}
	expected, decimals := map[string]paid{}, map[string]int{}
	w.db.each(`SELECT a.key, p.transaction_id, p.amount_asset, a.external_id, p.amount_units, p.amount_decimals
		FROM payouts p JOIN payout_attempts a ON a.payout_id = p.id WHERE a.state IN ('delivered', 'accepted')`, func(r *sql.Rows) error {
		var key string
		var p paid
		var places int
		err := r.Scan(&key, &p.transaction, &p.asset, &p.external, &p.units, &places)
		expected[key], decimals[key] = p, places
		return err
	})
	actual, transactions := map[string]paid{}, map[string]bool{}
	for _, b := range booked {
		key := string(b.Key)
		require.NotContains(w, actual, key, "a key paid twice")
		require.False(w, transactions[b.TransactionID], "transaction %s paid twice", b.TransactionID)
		require.Contains(w, expected, key, "a payment by the bank that the anchor does not know of")
		amount, err := money.Parse(b.Amount, decimals[key])
		require.NoError(w, err, "amount %s of key %s", b.Amount, key)
		actual[key], transactions[b.TransactionID] = paid{b.TransactionID, b.Asset, b.ExternalID, amount.Units()}, true
	}
	require.Equal(w, expected, actual, "the bank's books")
}
