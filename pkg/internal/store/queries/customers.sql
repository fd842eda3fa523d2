-- name: StatusOfCustomer :one
SELECT s.status FROM customer_statuses s JOIN customers c ON c.id = s.customer_id
WHERE s.customer_id = @customer_id AND s.type = @type AND c.deleted_us = 0;

-- Open transactions in which a customer takes part: those whose payout its status can move.
-- name: OpenTransactionsOfCustomer :many
SELECT id FROM transactions
WHERE (sender_id = @customer_id OR receiver_id = @customer_id)
  AND status IN ('pending_sender', 'pending_customer_info_update', 'pending_transaction_info_update', 'pending_receiver', 'pending_external')
ORDER BY id;

-- Of two requests for the same new customer at once, the second waits here for the first and then finds its row.
-- name: InsertCustomer :execrows
INSERT INTO customers (id, owner_account, memo_type, memo, key_id, sealed_key, version, created_us, updated_us)
VALUES (@id, @owner_account, @memo_type, @memo, @key_id, @sealed_key, 1, @now_us, @now_us)
ON CONFLICT (owner_account, memo_type, memo) WHERE deleted_us = 0 DO NOTHING;

-- name: CustomerByID :one
SELECT * FROM customers WHERE id = @id AND deleted_us = 0;

-- A sending anchor sees its own customers only: all those of its account …
-- name: CustomerOfAccount :one
SELECT * FROM customers WHERE id = @id AND owner_account = @owner_account AND deleted_us = 0;

-- … or, where it speaks for one of its users, that one.
-- name: CustomerOfUser :one
SELECT * FROM customers
WHERE id = @id AND owner_account = @owner_account AND memo_type = @memo_type AND memo = @memo AND deleted_us = 0;

-- name: CustomerByOwner :one
SELECT * FROM customers WHERE owner_account = @owner_account AND memo_type = @memo_type AND memo = @memo AND deleted_us = 0;

-- Guarded by the version that was decided on; one that is deleted meanwhile has another version.
-- name: UpdateCustomer :execrows
UPDATE customers SET version = @version + 1, deleted_us = @deleted_us, updated_us = @now_us
WHERE id = @id AND version = @version;

-- name: StatusesOfCustomer :many
SELECT * FROM customer_statuses WHERE customer_id = @customer_id ORDER BY type;

-- name: PutCustomerStatus :exec
INSERT INTO customer_statuses (customer_id, type, status, message, actor, updated_us)
VALUES (@customer_id, @type, @status, @message, @actor, @now_us)
ON CONFLICT (customer_id, type) DO UPDATE
    SET status = excluded.status, message = excluded.message, actor = excluded.actor, updated_us = excluded.updated_us;

-- name: FieldsOfCustomer :many
SELECT * FROM customer_fields WHERE customer_id = @customer_id ORDER BY name;

-- Without what is binary: photos are large, and hardly anybody needs them.
-- name: TextFieldsOfCustomer :many
SELECT name, sealed FROM customer_fields
WHERE customer_id = @customer_id AND content_type = '' AND sealed <> '' ORDER BY name;

-- A value that is given anew has not been judged, and answers what was asked.
-- name: PutCustomerValue :exec
INSERT INTO customer_fields (customer_id, name, sealed, content_type, updated_us)
VALUES (@customer_id, @name, @sealed, @content_type, @now_us)
ON CONFLICT (customer_id, name) DO UPDATE
    SET sealed = excluded.sealed, content_type = excluded.content_type, status = '', error = '', asked = '',
        updated_us = excluded.updated_us;

-- name: JudgeCustomerField :exec
INSERT INTO customer_fields (customer_id, name, sealed, status, error, asked, updated_us)
VALUES (@customer_id, @name, '', @status, @error, @asked, @now_us)
ON CONFLICT (customer_id, name) DO UPDATE
    SET status = excluded.status, error = excluded.error, asked = excluded.asked, updated_us = excluded.updated_us;

-- name: ListCustomers :many
SELECT c.id, c.owner_account, c.memo_type, c.memo, c.version, c.created_us, s.type, s.status, s.message, s.actor, s.updated_us
FROM customer_statuses s JOIN customers c ON c.id = s.customer_id
WHERE c.deleted_us = 0 AND (CAST(@after AS TEXT) = '' OR c.id > CAST(@after AS TEXT))
ORDER BY c.id, s.type LIMIT @most;

-- name: ListCustomersOfStatus :many
SELECT c.id, c.owner_account, c.memo_type, c.memo, c.version, c.created_us, s.type, s.status, s.message, s.actor, s.updated_us
FROM customer_statuses s JOIN customers c ON c.id = s.customer_id
WHERE s.status = @status AND c.deleted_us = 0 AND (CAST(@after AS TEXT) = '' OR s.customer_id > CAST(@after AS TEXT))
ORDER BY s.customer_id, s.type LIMIT @most;

-- Transactions that may still need a customer's data: open ones, those with money that is neither paid nor given back, and
-- those with a payout under way.
-- name: CountUnsettledTransactionsOfCustomer :one
SELECT count(*) FROM transactions t
WHERE (t.sender_id = @customer_id OR t.receiver_id = @customer_id)
  AND (t.status NOT IN ('completed', 'refunded', 'expired', 'error')
    OR t.credited_units > t.payout_units + t.refund_units
    OR EXISTS (SELECT 1 FROM payouts p WHERE p.transaction_id = t.id
        AND p.state IN ('waiting', 'ready', 'sending', 'unknown', 'accepted')));

-- name: CountFundedTransactionsOfCustomer :one
SELECT count(*) FROM transactions t WHERE (t.sender_id = @customer_id OR t.receiver_id = @customer_id) AND t.funded = TRUE;

-- name: SealedTransactionsOfCustomer :many
SELECT t.id FROM transactions t
WHERE (t.sender_id = @customer_id OR t.receiver_id = @customer_id) AND t.sealed_key <> ''
ORDER BY t.id LIMIT @most;

-- name: CustomersToErase :many
SELECT id FROM customers
WHERE deleted_us > 0 AND sealed_key <> '' AND (CAST(@after AS TEXT) = '' OR id > CAST(@after AS TEXT)) ORDER BY id LIMIT @most;

-- name: DeletedCustomer :one
SELECT * FROM customers WHERE id = @id AND deleted_us > 0;

-- Whoever reads the row later learns that there was a customer, not who.
-- name: EraseCustomer :execrows
UPDATE customers SET version = @version + 1, memo_type = '', memo = '', key_id = '', sealed_key = '', updated_us = @now_us
WHERE id = @id AND version = @version AND deleted_us > 0;

-- name: EraseCustomerFields :exec
DELETE FROM customer_fields WHERE customer_id = @customer_id;

-- name: EraseCustomerStatuses :exec
DELETE FROM customer_statuses WHERE customer_id = @customer_id;

-- Customers whose values were stored but not judged: the process that would have asked the business ended before.
-- name: UnjudgedCustomers :many
SELECT s.customer_id, s.type FROM customer_statuses s JOIN customers c ON c.id = s.customer_id
WHERE s.status = 'PROCESSING' AND s.actor = @actor AND s.updated_us < @before_us AND c.deleted_us = 0
ORDER BY s.customer_id, s.type LIMIT @most;

-- A customer with its statuses and texts in one round trip: every transaction that is agreed asks for two of them.
-- name: PersonOfAccount :many
SELECT c.id, c.version, c.key_id, c.sealed_key, CAST('' AS TEXT) AS kind, CAST('' AS TEXT) AS name, CAST('' AS TEXT) AS value, CAST('' AS TEXT) AS actor
FROM customers c WHERE c.id = @id AND c.owner_account = @owner_account AND c.deleted_us = 0
UNION ALL
SELECT c.id, 0, '', '', 'status', s.type, s.status, s.actor
FROM customers c JOIN customer_statuses s ON s.customer_id = c.id
WHERE c.id = @id AND c.owner_account = @owner_account AND c.deleted_us = 0
UNION ALL
SELECT c.id, 0, '', '', 'value', f.name, f.sealed, ''
FROM customers c JOIN customer_fields f ON f.customer_id = c.id
WHERE c.id = @id AND c.owner_account = @owner_account AND c.deleted_us = 0 AND f.content_type = '' AND f.sealed <> '';

-- Transactions that wait for a customer before their memo is given out, the newest first.
-- name: WithheldOfCustomer :many
SELECT s.id FROM transactions s
WHERE s.sender_id = @customer_id AND s.memo IS NULL AND s.status IN ('pending_receiver', 'pending_customer_info_update')
UNION
SELECT r.id FROM transactions r
WHERE r.receiver_id = @customer_id AND r.memo IS NULL AND r.status IN ('pending_receiver', 'pending_customer_info_update')
ORDER BY id DESC LIMIT @most;

-- name: ReleasableTransactions :many
SELECT t.id FROM transactions t
LEFT JOIN customer_statuses s ON s.customer_id = t.sender_id AND s.type = t.sender_type
LEFT JOIN customer_statuses r ON r.customer_id = t.receiver_id AND r.type = t.receiver_type
WHERE t.memo IS NULL AND t.status IN ('pending_receiver', 'pending_customer_info_update')
  AND (CAST(@after AS TEXT) = '' OR t.id > CAST(@after AS TEXT))
  AND (s.status = 'REJECTED' OR r.status = 'REJECTED'
    OR (s.status = 'ACCEPTED' OR t.sender_id IS NULL AND t.sender_types = '')
      AND (r.status = 'ACCEPTED' OR t.receiver_id IS NULL AND t.receiver_types = ''))
ORDER BY t.id LIMIT @most;

-- What happened to a customer after it had a version, but for what one actor decided about it.
-- name: CountCustomerEventsSince :one
SELECT count(*) FROM events
WHERE subject_kind = 'customer' AND subject_id = @customer_id AND seq > @version AND (kind <> 'judged' OR actor <> @judge);
