-- name: InsertTransaction :exec
INSERT INTO transactions (id, owner_account, owner_memo_type, owner_memo, client_domain, version, status, status_message,
    funded, sender_id, sender_type, receiver_id, receiver_type, asset_id, asset_code, asset_issuer, decimals, min_units,
    max_units, fee_fixed_units, fee_percent, funding_method, quote_id, destination_asset, refund_memo_type, refund_memo, lang,
    receiving_account, memo_type, memo, expected_units, fee_units, fee_details, out_units, out_decimals, out_asset, key_id,
    sealed_key, sealed_fields, callback_url, expires_us, created_us, updated_us, status_us, sender_types, receiver_types, unpriced,
    eta_seconds)
VALUES (@id, @owner_account, @owner_memo_type, @owner_memo, @client_domain, 1, @status, @status_message,
    FALSE, @sender_id, @sender_type, @receiver_id, @receiver_type, @asset_id, @asset_code, @asset_issuer, @decimals, @min_units,
    @max_units, @fee_fixed_units, @fee_percent, @funding_method, @quote_id, @destination_asset, @refund_memo_type, @refund_memo, @lang,
    @receiving_account, @memo_type, @memo, @expected_units, @fee_units, @fee_details, @out_units, @out_decimals, @out_asset, @key_id,
    @sealed_key, @sealed_fields, @callback_url, @expires_us, @now_us, @now_us, @now_us, @sender_types, @receiver_types, @unpriced,
    @eta_seconds);

-- name: TransactionByID :one
SELECT * FROM transactions WHERE id = @id;

-- A sending anchor sees its own transactions only.
-- name: TransactionOfOwner :one
SELECT * FROM transactions WHERE id = @id AND owner_account = @owner_account;

-- For operators, newest first: ids grow with time. An empty @before begins with the newest.
-- name: ListTransactions :many
SELECT * FROM transactions WHERE (CAST(@before AS TEXT) = '' OR id < CAST(@before AS TEXT)) ORDER BY id DESC LIMIT @most;

-- name: ListTransactionsOfStatus :many
SELECT * FROM transactions WHERE status = @status AND (CAST(@before AS TEXT) = '' OR id < CAST(@before AS TEXT))
ORDER BY created_us DESC, id DESC LIMIT @most;

-- What every request for a transaction needs, in one statement: what was answered under its idempotency key, and the
-- customers of an account, what was decided about them, and their texts.
-- name: AnswerOrPeople :many
SELECT c.id, c.version, c.key_id, c.sealed_key, 'customer' AS part, '' AS name, '' AS value
FROM customers c WHERE c.id IN (@first_id, @second_id) AND c.owner_account = @owner_account AND c.deleted_us = 0
UNION ALL
SELECT c.id, 0, '', '', 'status', s.type, s.status
FROM customers c JOIN customer_statuses s ON s.customer_id = c.id
WHERE c.id IN (@first_id, @second_id) AND c.owner_account = @owner_account AND c.deleted_us = 0
UNION ALL
SELECT c.id, 0, '', '', 'value', f.name, f.sealed
FROM customers c JOIN customer_fields f ON f.customer_id = c.id
WHERE c.id IN (@first_id, @second_id) AND c.owner_account = @owner_account AND c.deleted_us = 0
  AND f.content_type = '' AND f.sealed <> ''
UNION ALL
SELECT '', 0, '', '', 'answer', k.request_hash, k.answer FROM idempotency_keys k WHERE k.owner = @key_owner AND k.key = @key;
