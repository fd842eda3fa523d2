-- name: StatusOfCustomer :one
SELECT s.status FROM customer_statuses s JOIN customers c ON c.id = s.customer_id
WHERE s.customer_id = @customer_id AND s.type = @type AND c.deleted_us = 0;

-- Open transactions in which a customer takes part: those whose payout its status can move.
-- name: OpenTransactionsOfCustomer :many
SELECT id FROM transactions
WHERE (sender_id = @customer_id OR receiver_id = @customer_id)
  AND status IN ('pending_sender', 'pending_customer_info_update', 'pending_transaction_info_update', 'pending_receiver', 'pending_external')
ORDER BY id;
