-- What explain and doctor read. They are asked by people, now and then: plans matter less here than in the other files.

-- name: InspectSubjectsOfID :many
SELECT 'transaction' AS kind, t.id FROM transactions t WHERE t.id = @id
UNION ALL SELECT 'payment', p.id FROM payments p WHERE p.id = @id
UNION ALL SELECT 'payout', o.id FROM payouts o WHERE o.id = @id
UNION ALL SELECT 'payout', a.payout_id FROM payout_attempts a WHERE a.key = @id
UNION ALL SELECT 'refund', r.id FROM refunds r WHERE r.id = @id
UNION ALL SELECT 'quote', q.id FROM quotes q WHERE q.id = @id
UNION ALL SELECT 'customer', c.id FROM customers c WHERE c.id = @id;

-- A Stellar hash as explorers show it; that of the transaction inside a fee bump is looked up in whole tables.
-- name: InspectSubjectsOfHash :many
SELECT 'payment' AS kind, p.id FROM payments p WHERE p.outer_hash = @hash OR p.inner_hash = @hash
UNION ALL
SELECT 'refund', a.refund_id FROM refund_attempts a WHERE a.inner_hash = @hash OR a.outer_hash = @hash
UNION ALL
SELECT 'movement', m.inner_hash FROM outgoing_movements m
WHERE (m.inner_hash = @hash OR m.outer_hash = @hash)
  AND NOT EXISTS (SELECT 1 FROM refund_attempts e WHERE e.inner_hash = m.inner_hash)
LIMIT @most;

-- The memos of transactions are looked up by their key, one receiving account after the other.
-- name: InspectTransactionsOfMemo :many
SELECT t.id FROM receiving_accounts r JOIN transactions t ON t.receiving_account = r.account
WHERE t.memo_type = @memo_type AND t.memo = CAST(@memo AS TEXT) LIMIT @most;

-- name: InspectPaymentsOfMemo :many
SELECT id FROM payments WHERE (memo_type = @memo_type AND memo = @memo) OR (@memo_type = 'id' AND to_muxed_id = @memo)
ORDER BY id DESC LIMIT @most;

-- name: InspectCustomer :one
SELECT * FROM customers WHERE id = @id;

-- name: InspectQuote :one
SELECT * FROM quotes WHERE id = @id;

-- name: InspectTransactionsOfCustomer :many
SELECT id FROM transactions WHERE sender_id = @customer_id OR receiver_id = @customer_id ORDER BY id DESC LIMIT @most;

-- name: ListTransactionsOfOwner :many
SELECT * FROM transactions
WHERE owner_account = @owner AND (CAST(@status AS TEXT) = '' OR status = CAST(@status AS TEXT)) AND created_us >= @since_us
  AND (CAST(@before AS TEXT) = '' OR id < CAST(@before AS TEXT))
ORDER BY created_us DESC, id DESC LIMIT @most;

-- name: ListTransactionsSince :many
SELECT * FROM transactions
WHERE (CAST(@status AS TEXT) = '' OR status = CAST(@status AS TEXT)) AND created_us >= @since_us
  AND (CAST(@before AS TEXT) = '' OR id < CAST(@before AS TEXT))
ORDER BY id DESC LIMIT @most;

-- Payments that nobody has decided about and that look like what a transaction waits for.
-- name: InspectPaymentsLike :many
SELECT * FROM payments
WHERE state = 'open' AND judgement = 'unmatched' AND account = @account AND asset_code = @asset_code AND asset_issuer = @asset_issuer
  AND amount_units = @amount_units AND closed_us >= @since_us
ORDER BY created_us, id LIMIT @most;

-- name: InspectMovement :many
SELECT * FROM outgoing_movements WHERE inner_hash = @inner_hash ORDER BY operation_id, idx;

-- name: InspectLeases :many
SELECT * FROM leases ORDER BY name;

-- What should have been taken up before a moment, and has not been: nobody is at work, or all are at their limit.
-- What is paused lies by the will of an operator.
-- name: InspectOverdueReady :many
SELECT p.rail, COUNT(*) AS number, CAST(MIN(p.next_us) AS BIGINT) AS oldest_us FROM payouts p
WHERE p.state = 'ready' AND p.next_us <= @before_us
  AND p.rail NOT IN (SELECT s.name FROM switches s WHERE s.kind = 'rail' AND s.paused)
  AND (NOT EXISTS (SELECT 1 FROM switches s WHERE s.kind = 'asset' AND s.paused)
    OR (SELECT t.asset_code || ':' || t.asset_issuer FROM transactions t WHERE t.id = p.transaction_id)
      NOT IN (SELECT s.name FROM switches s WHERE s.kind = 'asset' AND s.paused))
GROUP BY p.rail ORDER BY p.rail;

-- name: InspectOverdueToPrice :one
SELECT COUNT(*) AS number, CAST(COALESCE(MIN(next_us), 0) AS BIGINT) AS oldest_us FROM payouts
WHERE state = 'waiting' AND waits_for = 'price' AND next_us <= @before_us;

-- name: InspectOverdueUnderWay :one
SELECT COUNT(*) AS number, CAST(COALESCE(MIN(next_us), 0) AS BIGINT) AS oldest_us FROM payouts
WHERE state IN ('sending', 'unknown', 'accepted') AND next_us <= @before_us AND lease_until_us <= @before_us;

-- name: InspectOverdueCallbacks :one
SELECT COUNT(*) AS number, CAST(COALESCE(MIN(next_us), 0) AS BIGINT) AS oldest_us FROM callbacks
WHERE state = 'pending' AND next_us <= @before_us AND lease_until_us <= @before_us;

-- name: InspectOverdueRefunds :one
SELECT COUNT(*) AS number, CAST(COALESCE(MIN(next_us), 0) AS BIGINT) AS oldest_us FROM refunds
WHERE state = 'ready' AND next_us <= @before_us;

-- One secret of each kind that a master key wraps, to see whether the key is the right one.
-- name: InspectSampleOfCustomers :many
SELECT id, key_id, sealed_key FROM customers WHERE key_id = @key_id AND sealed_key <> '' LIMIT 1;

-- name: InspectSampleOfTransactions :many
SELECT id, key_id, sealed_key FROM transactions WHERE key_id = @key_id AND sealed_key <> '' LIMIT 1;

-- name: InspectSampleOfFiles :many
SELECT id, key_id, sealed_key FROM customer_files WHERE key_id = @key_id AND sealed_key <> '' LIMIT 1;
