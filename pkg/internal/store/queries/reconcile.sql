-- name: ReconciliationOfAccount :one
SELECT * FROM reconciliations WHERE account = @account;

-- name: ListReconciliations :many
SELECT * FROM reconciliations ORDER BY account;

-- name: InsertReconciliation :exec
INSERT INTO reconciliations (account, chain, from_ledger, position, fee_position, through_ledger, version, updated_us)
VALUES (@account, @chain, @from_ledger, @position, @fee_position, @through_ledger, 1, @now_us);

-- name: DeleteReconciliation :execrows
DELETE FROM reconciliations WHERE account = @account;

-- name: DeleteReconciledBalances :execrows
DELETE FROM reconciled_balances WHERE account = @account;

-- name: MoveReconciliation :execrows
UPDATE reconciliations SET position = @position, fee_position = @fee_position, through_ledger = @through_ledger, based_us = @based_us,
    passed_us = @passed_us, version = @version + 1, updated_us = @now_us
WHERE account = @account AND version = @version;

-- name: ReconciledBalances :many
SELECT * FROM reconciled_balances WHERE account = @account ORDER BY asset_code, asset_issuer;

-- name: PutReconciledBalance :exec
INSERT INTO reconciled_balances (account, asset_code, asset_issuer, base_units, moved_units)
VALUES (@account, @asset_code, @asset_issuer, @base_units, @moved_units)
ON CONFLICT (account, asset_code, asset_issuer) DO UPDATE SET base_units = excluded.base_units, moved_units = excluded.moved_units;

-- What the books have of a stretch of the ledger.
-- name: BookedPayments :many
SELECT operation_id, idx, asset_code, asset_issuer, amount_units, judgement FROM payments
WHERE chain = @chain AND account = @account AND operation_id > @after_position AND operation_id <= @up_to_position
ORDER BY operation_id, idx;

-- name: BookedOutgoing :many
SELECT operation_id, idx, asset_code, asset_issuer, amount_units, reason FROM outgoing_movements
WHERE chain = @chain AND account = @account AND operation_id > @after_position AND operation_id <= @up_to_position
ORDER BY operation_id, idx;

-- name: FindingByID :one
SELECT * FROM reconcile_findings WHERE id = @id;

-- name: FindingLike :one
SELECT * FROM reconcile_findings
WHERE account = @account AND kind = @kind AND operation_id = @operation_id AND idx = @idx AND outgoing = @outgoing
  AND asset_code = @asset_code AND asset_issuer = @asset_issuer AND transaction_id = @transaction_id;

-- name: OpenFindings :many
SELECT * FROM reconcile_findings
WHERE state = 'open' AND (account, operation_id, id) > (CAST(@after_account AS TEXT), CAST(@after_operation AS BIGINT), CAST(@after_id AS TEXT))
ORDER BY account, operation_id, id LIMIT @most;

-- name: OpenFindingsOfAccount :many
SELECT * FROM reconcile_findings WHERE state = 'open' AND account = @account ORDER BY account, operation_id, id;

-- name: InsertFinding :exec
INSERT INTO reconcile_findings (id, account, kind, operation_id, idx, outgoing, asset_code, asset_issuer, transaction_id, ledger_units,
    book_units, detail, state, version, first_us, last_us)
VALUES (@id, @account, @kind, @operation_id, @idx, @outgoing, @asset_code, @asset_issuer, @transaction_id, @ledger_units,
    @book_units, @detail, 'open', 1, @now_us, @now_us);

-- name: UpdateFinding :execrows
UPDATE reconcile_findings SET state = @state, ledger_units = @ledger_units, book_units = @book_units, detail = @detail, actor = @actor,
    reason = @reason, version = @version + 1, last_us = @now_us
WHERE id = @id AND version = @version;

-- How much is open per account and asset, for metrics.
-- name: OpenDrift :many
SELECT account, asset_code, asset_issuer, kind, COUNT(*) AS number,
    CAST(SUM(CAST(ABS(ledger_units - book_units) AS DOUBLE PRECISION)) AS DOUBLE PRECISION) AS units
FROM reconcile_findings WHERE state = 'open' GROUP BY account, asset_code, asset_issuer, kind;

-- Contiguous stretches of transactions, in order of their ids.
-- name: BooksOfTransactions :many
SELECT id, receiving_account, asset_code, asset_issuer, credited_units, payout_units, refund_units FROM transactions
WHERE id > @after_id ORDER BY id LIMIT @most;

-- A payment counts with what had not gone back before it was credited.
-- name: BookedCredits :many
SELECT p.transaction_id, p.asset_code, p.asset_issuer, CAST(p.amount_units - COALESCE((SELECT SUM(g.units) FROM refunds g
        WHERE g.payment_id = p.id AND NOT g.from_held AND g.state <> 'cancelled'), 0) AS BIGINT) AS amount_units
FROM payments p
WHERE p.transaction_id > @after_id AND p.transaction_id <= @up_to_id
  AND (p.state = 'credited' OR p.state IN ('refunding', 'refunded')
    AND EXISTS (SELECT 1 FROM refunds r WHERE r.payment_id = p.id AND r.from_held AND r.state <> 'cancelled'));

-- name: BookedPayouts :many
SELECT transaction_id, state, debit_units FROM payouts
WHERE transaction_id > @after_id AND transaction_id <= @up_to_id AND state NOT IN ('failed', 'cancelled', 'returned');

-- name: BookedRefunds :many
SELECT transaction_id, state, units FROM refunds
WHERE transaction_id > @after_id AND transaction_id <= @up_to_id AND from_held AND state <> 'cancelled';

-- What came and nobody has decided about, or was decided to go back without having been credited.
-- name: UncreditedPayments :many
SELECT account, asset_code, asset_issuer, amount_units FROM payments WHERE state = 'open';

-- name: UncreditedRefunds :many
SELECT account, asset_code, asset_issuer, units FROM refunds WHERE state = 'ready' AND NOT from_held
UNION ALL SELECT account, asset_code, asset_issuer, units FROM refunds WHERE state = 'sending' AND NOT from_held
UNION ALL SELECT account, asset_code, asset_issuer, units FROM refunds WHERE state = 'held' AND NOT from_held;

-- name: SetMeta :execrows
UPDATE meta SET value = @value WHERE name = @name;

-- name: MetaValue :one
SELECT value FROM meta WHERE name = @name;

-- name: MetaValues :many
SELECT name, value FROM meta WHERE name IN ('restored', 'ask_before_us');

-- Payouts that somebody may be sending right now, by themselves or in a batch: a member has the lease of its batch.
-- name: PayoutsUnderLease :one
SELECT CAST(COALESCE(SUM(v.number), 0) AS BIGINT) AS number, CAST(COALESCE(MAX(v.until_us), 0) AS BIGINT) AS until_us
FROM (SELECT COUNT(*) AS number, COALESCE(MAX(p.lease_until_us), 0) AS until_us FROM payouts p
      WHERE p.state = 'sending' AND p.lease_until_us > @now_us
      UNION ALL
      SELECT COALESCE(SUM(b.payouts), 0) AS number, COALESCE(MAX(b.lease_until_us), 0) AS until_us FROM payout_batches b
      WHERE b.state = 'writing' AND b.lease_until_us > @now_us) v;

-- name: EventsOfSubjectNumber :one
SELECT CAST(COALESCE(MAX(seq), 0) AS BIGINT) AS last FROM events WHERE subject_kind = @subject_kind AND subject_id = @subject_id;

-- Refunds that a movement out may be: nobody has seen one of theirs land, and their payments had come before it left. Oldest first.
-- name: RefundsLikeMovement :many
SELECT r.* FROM refunds r
WHERE r.id IN (SELECT a.id FROM refunds a WHERE a.state = 'ready' AND a.account = @account
    UNION ALL SELECT b.id FROM refunds b WHERE b.state = 'sending' AND b.account = @account
    UNION ALL SELECT c.id FROM refunds c WHERE c.state = 'held' AND c.account = @account)
  AND r.destination = @destination
  AND r.destination_muxed_id = @destination_muxed_id AND r.asset_code = @asset_code AND r.asset_issuer = @asset_issuer
  AND r.units - r.fee_units = CAST(@sent_units AS BIGINT) AND r.memo_type = @memo_type AND r.memo = @memo
  AND EXISTS (SELECT 1 FROM payments p WHERE p.id = r.payment_id AND p.operation_id < CAST(@operation_id AS BIGINT))
ORDER BY r.created_us, r.id;

-- name: ExplainAsRefund :execrows
UPDATE outgoing_movements SET explained = 'refund', actor = @actor, reason = @reason, updated_us = @now_us
WHERE chain = @chain AND account = @account AND operation_id = @operation_id AND idx = @idx AND explained = '';
