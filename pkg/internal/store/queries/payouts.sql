-- name: InsertPayout :exec
INSERT INTO payouts (id, transaction_id, number, version, state, waits_for, rail, debit_units, amount_units, amount_decimals,
    amount_asset, next_us, created_us, updated_us)
VALUES (@id, @transaction_id, @number, 1, @state, @waits_for, @rail, @debit_units, @amount_units, @amount_decimals,
    @amount_asset, @now_us, @now_us, @now_us);

-- name: LivePayout :one
SELECT * FROM payouts WHERE transaction_id = @transaction_id AND state NOT IN ('failed', 'cancelled', 'returned');

-- name: PayoutByID :one
SELECT * FROM payouts WHERE id = @id;

-- name: PayoutsOfTransaction :many
SELECT * FROM payouts WHERE transaction_id = @transaction_id ORDER BY number;

-- Guarded by version and fence: a worker whose lease was lost changes nothing.
-- name: UpdatePayout :execrows
UPDATE payouts SET version = @version + 1, state = @state, waits_for = @waits_for, tries = @tries, next_us = @next_us,
    lease_owner = @lease_owner, lease_until_us = @lease_until_us, updated_us = @now_us
WHERE id = @id AND version = @version AND fence = @fence;

-- name: LastPayout :one
SELECT * FROM payouts WHERE transaction_id = @transaction_id ORDER BY number DESC LIMIT 1;

-- CROSS JOIN keeps SQLite from looking at the transactions first; the constants let both use the partial index.
-- name: PayoutsToPrice :many
SELECT sqlc.embed(p), sqlc.embed(t) FROM payouts p CROSS JOIN transactions t
WHERE t.id = p.transaction_id AND p.state = 'waiting' AND p.waits_for = 'price' AND p.next_us <= @now_us
ORDER BY p.next_us, p.id LIMIT @max_rows;

-- name: PricePayout :execrows
UPDATE payouts SET version = @version + 1, amount_units = @amount_units, tries = 0, updated_us = @now_us
WHERE id = @id AND version = @version AND state = 'waiting' AND waits_for = 'price';
