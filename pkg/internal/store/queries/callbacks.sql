-- What may be sent now, in the order in which it became due, from a place on. Each address is looked up by its key, after the
-- callbacks were found; the constant state lets both engines use the partial indexes.
-- name: DueCallbacks :many
SELECT c.id, c.next_us, CAST(COALESCE(CASE c.subject_kind
    WHEN 'customer' THEN (SELECT s.url FROM customer_subscriptions s WHERE s.customer_id = c.subject_id)
    ELSE (SELECT t.callback_url FROM transactions t WHERE t.id = c.subject_id) END, '') AS TEXT) AS callback_url
FROM callbacks c
WHERE c.state = 'pending' AND c.next_us <= @now_us AND (c.next_us, c.id) > (CAST(@after_us AS BIGINT), CAST(@after_id AS TEXT))
  AND NOT EXISTS (
    SELECT 1 FROM callbacks e
    WHERE e.state = 'pending' AND e.subject_kind = c.subject_kind AND e.subject_id = c.subject_id
      AND e.subscriber = c.subscriber AND e.seq < c.seq)
ORDER BY c.next_us, c.id LIMIT @max_rows;

-- name: NextCallback :many
SELECT next_us FROM callbacks WHERE state = 'pending' AND next_us > @looked_us ORDER BY next_us, id LIMIT 1;

-- Guarded by the fence: who lost the lease settles nothing.
-- name: SettleCallback :execrows
UPDATE callbacks SET state = @state, attempts = @attempts, next_us = @next_us, lease_until_us = 0, last_answer = @last_answer,
    updated_us = @now_us
WHERE id = @id AND fence = @fence AND state = 'pending';

-- Those behind a callback that has to wait become due no earlier than it, so that nobody looks at them in vain.
-- name: HoldCallbacksBehind :exec
UPDATE callbacks SET next_us = @next_us, updated_us = @now_us
WHERE state = 'pending' AND subject_kind = @subject_kind AND subject_id = @subject_id AND subscriber = @subscriber
  AND seq > @seq AND next_us < @next_us;

-- Those behind one that is done become due now, whenever they would have been: who looks for what is new finds them.
-- name: FreeCallbacksBehind :exec
UPDATE callbacks SET next_us = @now_us, updated_us = @now_us
WHERE state = 'pending' AND subject_kind = @subject_kind AND subject_id = @subject_id AND subscriber = @subscriber
  AND seq > @seq;

-- name: CallbacksOfSubject :many
SELECT * FROM callbacks WHERE subject_kind = @subject_kind AND subject_id = @subject_id ORDER BY seq, subscriber;

-- What was given up and is still worth saying: nothing later about the same was taken, and there is somebody to tell of.
-- name: CountDeadCallbacks :one
SELECT COUNT(*) FROM callbacks c WHERE c.state = 'dead'
  AND NOT EXISTS (SELECT 1 FROM callbacks l WHERE l.subject_kind = c.subject_kind AND l.subject_id = c.subject_id
    AND l.subscriber = c.subscriber AND l.seq > c.seq AND l.state = 'delivered')
  AND NOT EXISTS (SELECT 1 FROM customers u WHERE c.subject_kind = 'customer' AND u.id = c.subject_id AND u.deleted_us > 0);

-- name: ListDeadCallbacks :many
SELECT sqlc.embed(c), CAST(COALESCE(CASE c.subject_kind
    WHEN 'customer' THEN (SELECT u.owner_account FROM customers u WHERE u.id = c.subject_id)
    ELSE (SELECT t.owner_account FROM transactions t WHERE t.id = c.subject_id) END, '') AS TEXT) AS owner_account,
  EXISTS (SELECT 1 FROM callbacks l WHERE l.subject_kind = c.subject_kind AND l.subject_id = c.subject_id
    AND l.subscriber = c.subscriber AND l.seq > c.seq AND l.state = 'delivered') AS superseded
FROM callbacks c WHERE c.state = 'dead' ORDER BY c.updated_us DESC, c.id DESC LIMIT @max_rows;

-- name: ListPendingCallbacks :many
SELECT sqlc.embed(c), CAST(COALESCE(CASE c.subject_kind
    WHEN 'customer' THEN (SELECT u.owner_account FROM customers u WHERE u.id = c.subject_id)
    ELSE (SELECT t.owner_account FROM transactions t WHERE t.id = c.subject_id) END, '') AS TEXT) AS owner_account
FROM callbacks c WHERE c.state = 'pending' ORDER BY c.next_us, c.id LIMIT @max_rows;

-- name: CallbackByID :one
SELECT * FROM callbacks WHERE id = @id;

-- Of one sending anchor, in the order in which they are to be told.
-- name: DeadCallbacksOfAccount :many
SELECT c.id FROM callbacks c
WHERE c.state = 'dead' AND CASE c.subject_kind
    WHEN 'customer' THEN (SELECT u.owner_account FROM customers u WHERE u.id = c.subject_id)
    ELSE (SELECT t.owner_account FROM transactions t WHERE t.id = c.subject_id) END = CAST(@account AS TEXT)
ORDER BY c.id;

-- name: ReviveCallback :execrows
UPDATE callbacks SET state = 'pending', attempts = 0, next_us = @now_us, lease_until_us = 0, fence = fence + 1, updated_us = @now_us
WHERE id = @id AND fence = @fence AND state = 'dead';
