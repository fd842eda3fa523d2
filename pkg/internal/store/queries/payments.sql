-- What is stored already of the stretch that a page covers.
-- name: SeenPayments :many
SELECT operation_id, idx, inner_hash, outer_hash, amount_units, judgement FROM payments
WHERE chain = @chain AND account = @account AND operation_id > @after_position AND operation_id <= @up_to_position
ORDER BY operation_id, idx;

-- name: PaymentByID :one
SELECT * FROM payments WHERE id = @id;

-- name: PaymentsOfTransaction :many
SELECT * FROM payments WHERE transaction_id = @transaction_id ORDER BY operation_id, idx;

-- Newest first: ids grow with time. An empty @before begins with the newest.
-- name: ListPayments :many
SELECT * FROM payments WHERE (CAST(@before AS TEXT) = '' OR id < CAST(@before AS TEXT)) ORDER BY id DESC LIMIT @most;

-- Oldest first: what has waited longest is dealt with first.
-- name: ListOpenPayments :many
SELECT * FROM payments
WHERE state = 'open' AND (created_us, id) > (CAST(@after_us AS BIGINT), CAST(@after_id AS TEXT))
ORDER BY created_us, id LIMIT @most;

-- name: CountOpenPayments :many
SELECT judgement, COUNT(*) AS number FROM payments WHERE state = 'open' GROUP BY judgement;

-- Part-paid transactions do not expire: they are refunded.
-- name: ExpiredTransactions :many
SELECT id FROM transactions
WHERE receiving_account = @account AND expires_us > 0 AND expires_us < @through_closed_us AND funded = FALSE
  AND credited_units = 0 AND status IN ('pending_sender', 'pending_receiver', 'pending_customer_info_update')
ORDER BY expires_us LIMIT @most;
