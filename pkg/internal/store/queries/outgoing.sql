-- What is stored already of the stretch that a page covers.
-- name: SeenOutgoing :many
SELECT operation_id, idx, inner_hash, outer_hash, amount_units FROM outgoing_movements
WHERE chain = @chain AND account = @account AND operation_id > @after_position AND operation_id <= @up_to_position
ORDER BY operation_id, idx;

-- Whether the refunds of an account have to learn how far it has been read.
-- name: RefundsAwaitLedger :one
SELECT CAST(EXISTS (SELECT 1 FROM refund_attempts a WHERE a.account = @account AND a.state = 'sending')
    OR EXISTS (SELECT 1 FROM refunds r WHERE r.account = @account AND r.state = 'ready') AS BOOLEAN) AS awaited;

-- In the order of the ledger, behind a place in it.
-- name: ListOutgoing :many
SELECT * FROM outgoing_movements
WHERE chain = @chain AND account = @account AND (operation_id, idx) > (CAST(@after_operation AS BIGINT), CAST(@after_idx AS BIGINT))
ORDER BY operation_id, idx LIMIT @most;
