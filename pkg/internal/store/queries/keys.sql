-- How many data keys are wrapped under each master key.
-- name: KeysOfCustomers :many
SELECT key_id, count(*) AS keys FROM customers WHERE sealed_key <> '' GROUP BY key_id;

-- name: KeysOfTransactions :many
SELECT key_id, count(*) AS keys FROM transactions WHERE sealed_key <> '' GROUP BY key_id;

-- name: KeysOfFiles :many
SELECT key_id, count(*) AS keys FROM customer_files WHERE sealed_key <> '' GROUP BY key_id;

-- Data keys that are wrapped under another master key than this one, in pages by id.
-- name: CustomersToRewrap :many
SELECT id, key_id, sealed_key FROM customers
WHERE id > CAST(@after AS TEXT) AND sealed_key <> '' AND key_id <> @key_id ORDER BY id LIMIT @most;

-- name: TransactionsToRewrap :many
SELECT id, key_id, sealed_key FROM transactions
WHERE id > CAST(@after AS TEXT) AND sealed_key <> '' AND key_id <> @key_id ORDER BY id LIMIT @most;

-- name: FilesToRewrap :many
SELECT id, key_id, sealed_key FROM customer_files
WHERE id > CAST(@after AS TEXT) AND sealed_key <> '' AND key_id <> @key_id ORDER BY id LIMIT @most;

-- Guarded by what was unwrapped: a key that was destroyed meanwhile, or wrapped by somebody else, stays as it is.
-- name: RewrapCustomer :execrows
UPDATE customers SET key_id = @key_id, sealed_key = @sealed_key WHERE id = @id AND sealed_key = @sealed_key_before;

-- Every other writer of these columns has locked the row before it read them.
-- name: RewrapTransaction :execrows
UPDATE transactions SET key_id = @key_id, sealed_key = @sealed_key WHERE id = @id AND sealed_key = @sealed_key_before;

-- name: RewrapFile :execrows
UPDATE customer_files SET key_id = @key_id, sealed_key = @sealed_key WHERE id = @id AND sealed_key = @sealed_key_before;
