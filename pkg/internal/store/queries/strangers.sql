-- Requests of one account wait here for each other, so that many at once do not pass its bounds.
-- name: TakePlace :one
INSERT INTO strangers (account, changes, since_us) VALUES (@account, 1, @now_us)
ON CONFLICT (account) DO UPDATE SET
    changes = CASE WHEN strangers.since_us <= @window_us THEN 1 ELSE strangers.changes + 1 END,
    since_us = CASE WHEN strangers.since_us <= @window_us THEN excluded.since_us ELSE strangers.since_us END
RETURNING changes;

-- name: HasPlace :one
SELECT count(*) FROM strangers WHERE account = @account;

-- There are few: their number is bounded.
-- name: CountPlaces :one
SELECT count(*) FROM strangers;

-- name: LeavePlace :exec
DELETE FROM strangers WHERE account = @account;

-- An account has its place as long as it keeps anything here, and a day at least: what it changes in a day is counted there.
-- name: PrunePlaces :execrows
DELETE FROM strangers WHERE since_us <= @window_us
  AND NOT EXISTS (SELECT 1 FROM customers c WHERE c.owner_account = strangers.account AND c.deleted_us = 0)
  AND NOT EXISTS (SELECT 1 FROM customer_files f WHERE f.owner_account = strangers.account AND f.customer_id IS NULL);

-- name: CountCustomersOfAccount :one
SELECT count(*) FROM (SELECT 1 FROM customers WHERE owner_account = @owner_account AND deleted_us = 0 LIMIT @most) AS counted;

-- Bytes as they are stored: sealed and in base64.
-- name: BytesOfAccount :one
SELECT CAST(COALESCE(SUM(OCTET_LENGTH(f.sealed)), 0) AS BIGINT) FROM customers c JOIN customer_fields f ON f.customer_id = c.id
WHERE c.owner_account = @owner_account AND c.deleted_us = 0;
