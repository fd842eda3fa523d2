-- name: LastBatch :one
SELECT * FROM payout_batches WHERE rail = @rail ORDER BY number DESC LIMIT 1;

-- Two processes that make the same batch write the same number: the second makes none and looks again.
-- name: InsertBatch :execrows
INSERT INTO payout_batches (id, rail, number, version, state, cut_off_us, payouts, hash, next_us, lease_owner, lease_until_us, fence,
    created_us, updated_us)
VALUES (@id, @rail, @number, 1, 'writing', @cut_off_us, @payouts, @hash, @now_us, @lease_owner, @lease_until_us, 1, @now_us, @now_us)
ON CONFLICT DO NOTHING;

-- name: LeaseBatch :execrows
UPDATE payout_batches SET version = @version + 1, lease_owner = @lease_owner, lease_until_us = @lease_until_us, fence = @fence + 1,
    updated_us = @now_us
WHERE id = @id AND version = @version AND fence = @fence AND state = 'writing';

-- Guarded by the fence: whoever lost the lease has nothing to say any more.
-- name: DelayBatch :execrows
UPDATE payout_batches SET version = version + 1, last_error = @last_error, tries = tries + 1, next_us = @next_us, lease_owner = '',
    lease_until_us = 0, updated_us = @now_us
WHERE id = @id AND fence = @fence AND state = 'writing';

-- Not guarded by the fence: that it was handed over is true whoever says it.
-- name: FinishBatch :execrows
UPDATE payout_batches SET version = version + 1, state = 'written', external_id = @external_id, last_error = '', lease_owner = '',
    lease_until_us = 0, updated_us = @now_us
WHERE id = @id AND state = 'writing';

-- name: MembersOfBatch :many
SELECT a.key, a.payout_id, a.state, p.state AS payout_state FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id
WHERE a.batch_id = @batch_id AND a.batch_id <> '';

-- What a rail that takes batches has to hand over: the first and how many, up to one batch. What is paid in a paused asset is not
-- counted; transactions are only looked at where one is paused.
-- name: ReadyForBatch :one
SELECT COUNT(*) AS number, CAST(COALESCE(MIN(v.next_us), 0) AS BIGINT) AS oldest_us
FROM (SELECT p.next_us FROM payouts p WHERE p.rail = @rail AND p.state = 'ready'
    AND (NOT EXISTS (SELECT 1 FROM switches s WHERE s.kind = 'asset' AND s.paused)
        OR (SELECT t.asset_code || ':' || t.asset_issuer FROM transactions t WHERE t.id = p.transaction_id)
            NOT IN (SELECT s.name FROM switches s WHERE s.kind = 'asset' AND s.paused))
    ORDER BY p.next_us, p.id LIMIT @most) v;

-- name: RailPaused :one
SELECT EXISTS (SELECT 1 FROM switches WHERE kind = 'rail' AND name = @rail AND paused);
