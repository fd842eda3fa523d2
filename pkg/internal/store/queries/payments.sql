-- What is stored already of the stretch that a page covers.
-- name: SeenPayments :many
SELECT operation_id, idx, inner_hash, outer_hash, amount_units, judgement FROM payments
WHERE chain = @chain AND account = @account AND operation_id > @after_position AND operation_id <= @up_to_position
ORDER BY operation_id, idx;

-- name: PaymentByID :one
SELECT * FROM payments WHERE id = @id;

-- name: PaymentsOfTransaction :many
SELECT * FROM payments WHERE transaction_id = @transaction_id ORDER BY operation_id, idx;

-- Guarded by what it was decided on.
-- name: UpdatePayment :execrows
UPDATE payments SET version = version + 1, state = @state, transaction_id = @transaction_id, updated_us = @now_us
WHERE id = @id AND version = @version AND state = @state_before;

-- Newest first: ids grow with time. An empty @before begins with the newest; the other filters are off where they are empty.
-- name: ListPayments :many
SELECT * FROM payments WHERE (CAST(@before AS TEXT) = '' OR id < CAST(@before AS TEXT))
  AND (CAST(@state AS TEXT) = '' OR state = CAST(@state AS TEXT))
  AND (CAST(@account AS TEXT) = '' OR account = CAST(@account AS TEXT))
  AND (CAST(@asset_code AS TEXT) = '' OR asset_code = CAST(@asset_code AS TEXT))
  AND (CAST(@asset_issuer AS TEXT) = '' OR asset_issuer = CAST(@asset_issuer AS TEXT))
ORDER BY id DESC LIMIT @most;

-- Oldest first: what has waited longest is dealt with first.
-- name: ListOpenPayments :many
SELECT * FROM payments
WHERE state = 'open' AND (created_us, id) > (CAST(@after_us AS BIGINT), CAST(@after_id AS TEXT))
  AND (CAST(@account AS TEXT) = '' OR account = CAST(@account AS TEXT))
  AND (CAST(@asset_code AS TEXT) = '' OR asset_code = CAST(@asset_code AS TEXT))
  AND (CAST(@asset_issuer AS TEXT) = '' OR asset_issuer = CAST(@asset_issuer AS TEXT))
ORDER BY created_us, id LIMIT @most;

-- name: CountOpenPayments :many
SELECT judgement, COUNT(*) AS number FROM payments WHERE state = 'open' GROUP BY judgement;

-- Those that were paid in part are among them until all of each part is back or on its way, but for what an operator has given up.
-- name: ExpiredTransactions :many
SELECT id FROM transactions
WHERE receiving_account = @account AND expires_us > 0 AND expires_us < @through_closed_us AND funded = FALSE
  AND (credited_units = 0 OR EXISTS (
    SELECT 1 FROM payments p WHERE p.transaction_id = transactions.id AND p.state = 'credited' AND p.refund_units < p.amount_units
      AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.payment_id = p.id AND r.state = 'cancelled')))
  AND status IN ('pending_sender', 'pending_receiver', 'pending_customer_info_update')
ORDER BY expires_us LIMIT @most;

-- Payments that were credited and of which something has not been asked back, nor given up.
-- name: PaymentsToSendBack :many
SELECT payments.* FROM payments WHERE payments.transaction_id = @transaction_id AND payments.state = 'credited'
  AND payments.refund_units < payments.amount_units
  AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.payment_id = payments.id AND r.state = 'cancelled')
ORDER BY operation_id, idx;
