-- What metrics and operators count. Each state by a statement of its own, whose constant lets both engines use its index.

-- name: CountReadyPayouts :many
SELECT rail, COUNT(*) AS number, CAST(MIN(next_us) AS BIGINT) AS oldest_us FROM payouts WHERE state = 'ready' GROUP BY rail;

-- name: CountSendingOf :one
SELECT COUNT(*) FROM payouts WHERE state = 'sending' AND rail = @rail;

-- name: CountPayoutsUnderWay :many
SELECT state, rail, COUNT(*) AS number FROM payouts WHERE state IN ('sending', 'unknown', 'accepted') GROUP BY state, rail;

-- Since when the outcome of the oldest is not known: since it was last sent.
-- name: OldestUnknownPayouts :many
SELECT p.rail, CAST(MIN(a.last_sent_us) AS BIGINT) AS oldest_us
FROM payouts p JOIN payout_attempts a ON a.payout_id = p.id AND a.state <> 'failed'
WHERE p.state IN ('sending', 'unknown', 'accepted') AND p.state = 'unknown' GROUP BY p.rail;

-- name: CountWaitingPayouts :many
SELECT waits_for, rail, COUNT(*) AS number FROM payouts WHERE state = 'waiting' GROUP BY waits_for, rail;

-- Those that ended without paying, were the last of their transaction, and leave it to be paid out. CROSS JOIN keeps SQLite from
-- looking at the transactions first.
-- name: CountUnpaidPayouts :many
SELECT p.rail, COUNT(*) AS number FROM payouts p CROSS JOIN transactions t
WHERE t.id = p.transaction_id AND p.state IN ('failed', 'returned') AND t.status = 'pending_receiver'
  AND NOT EXISTS (SELECT 1 FROM payouts n WHERE n.transaction_id = p.transaction_id AND n.number > p.number)
GROUP BY p.rail;

-- name: CountContradictions :one
SELECT COUNT(*) FROM transactions WHERE conflict <> '';

-- Transactions with a contradiction, the newest first.
-- name: ListContradictions :many
SELECT id, conflict FROM transactions WHERE conflict <> '' ORDER BY id DESC LIMIT @most;

-- name: BatchesBeingWritten :many
SELECT * FROM payout_batches WHERE state = 'writing' ORDER BY rail;

-- name: RailUsageSince :many
SELECT * FROM rail_usage WHERE day >= @day ORDER BY rail, asset, day;

-- name: ListBatches :many
SELECT * FROM payout_batches WHERE CAST(@rail AS TEXT) = '' OR rail = CAST(@rail AS TEXT)
ORDER BY CASE WHEN state = 'writing' THEN 0 ELSE 1 END, id DESC LIMIT @most;

-- name: ListedBatchByID :one
SELECT * FROM payout_batches WHERE id = @id;
