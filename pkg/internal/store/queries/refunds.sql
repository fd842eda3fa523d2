-- name: InsertRefund :exec
INSERT INTO refunds (id, payment_id, number, transaction_id, from_held, version, state, trouble, account, destination,
    destination_muxed_id, asset_code, asset_issuer, units, fee_units, memo_type, memo, automatic, actor, reason, next_us, created_us,
    updated_us)
VALUES (@id, @payment_id, @number, @transaction_id, @from_held, 1, @state, @trouble, @account, @destination,
    @destination_muxed_id, @asset_code, @asset_issuer, @units, @fee_units, @memo_type, @memo, @automatic, @actor, @reason, @now_us, @now_us,
    @now_us);

-- name: RefundByID :one
SELECT * FROM refunds WHERE id = @id;

-- name: RefundsOfPayment :many
SELECT * FROM refunds WHERE payment_id = @payment_id ORDER BY number;

-- name: RefundsOfTransaction :many
SELECT * FROM refunds WHERE transaction_id = @transaction_id ORDER BY created_us, id;

-- Every column that may change after a refund was asked for; guarded by what it was decided on.
-- name: UpdateRefund :execrows
UPDATE refunds SET version = version + 1, state = @state, trouble = @trouble, destination = @destination,
    destination_muxed_id = @destination_muxed_id, tries = @tries, next_us = @next_us, stellar_hash = @stellar_hash,
    confirmed_us = @confirmed_us, sent_us = @sent_us, automatic = @automatic, updated_us = @now_us
WHERE id = @id AND version = @version AND state = @state_before;

-- Why a refund is not sent yet, and when to look again; no change of the refund itself.
-- name: PostponeRefund :execrows
UPDATE refunds SET trouble = @trouble, next_us = @next_us, updated_us = @now_us WHERE id = @id AND version = @version AND state = 'ready';

-- Nobody begins a refund of an account until then: what keeps one of them keeps all, however many there are.
-- name: KeepAccountWaiting :exec
INSERT INTO leases (name, owner, until_us, fence) VALUES ('refunds wait/' || CAST(@account AS TEXT), @owner, @until_us, 1)
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_us = excluded.until_us, fence = leases.fence + 1;

-- name: EndAccountWait :exec
UPDATE leases SET until_us = 0 WHERE name = 'refunds wait/' || CAST(@account AS TEXT);

-- name: AccountWaits :one
SELECT CAST(EXISTS (SELECT 1 FROM leases WHERE name = 'refunds wait/' || CAST(@account AS TEXT) AND until_us > @now_us) AS BOOLEAN) AS waits;

-- Why the next refunds of an account are not sent yet: those that come first, and only where it is not written there already.
-- name: ExplainWait :execrows
UPDATE refunds SET trouble = @trouble, updated_us = @now_us
WHERE state = 'ready' AND trouble <> @trouble AND id IN (SELECT f.id FROM refunds f
    WHERE f.account = @account AND f.automatic = @automatic AND f.state = 'ready' AND f.next_us <= @now_us
    ORDER BY f.next_us, f.id LIMIT @most);

-- What became known of a refund whose envelope is on its way; no change of the refund itself.
-- name: NoteSending :execrows
UPDATE refunds SET trouble = @trouble, updated_us = @now_us WHERE id = @id AND state = 'sending' AND trouble <> @trouble;

-- name: UpdatePaymentRefunds :execrows
UPDATE payments SET version = version + 1, state = @state, refund_units = @refund_units, updated_us = @now_us
WHERE id = @id AND version = @version AND state = @state_before;

-- The oldest refund of an account that is due, among those that operators asked for or among the others.
-- name: DueRefund :one
SELECT * FROM refunds WHERE account = @account AND automatic = @automatic AND state = 'ready' AND next_us <= @now_us
ORDER BY next_us, id LIMIT 1;

-- Accounts whose refunds have something to do: an envelope in flight, or a refund that is due while nothing keeps all of them.
-- name: AccountsWithRefunds :many
SELECT account FROM receiving_accounts ra
WHERE EXISTS (SELECT 1 FROM refund_attempts a WHERE a.account = ra.account AND a.state = 'sending')
   OR NOT EXISTS (SELECT 1 FROM leases l WHERE l.name = 'refunds wait/' || ra.account AND l.until_us > @now_us)
    AND (EXISTS (SELECT 1 FROM refunds o WHERE o.account = ra.account AND o.automatic = FALSE AND o.state = 'ready' AND o.next_us <= @now_us)
      OR EXISTS (SELECT 1 FROM refunds s WHERE s.account = ra.account AND s.automatic = TRUE AND s.state = 'ready' AND s.next_us <= @now_us))
ORDER BY account;

-- name: NextRefundUs :one
SELECT CAST(COALESCE(MIN(due_us), 0) AS BIGINT) AS due_us FROM (
    SELECT CASE WHEN w.until_us > w.due_us THEN w.until_us ELSE w.due_us END AS due_us FROM (
        SELECT (SELECT MIN(o.next_us) FROM refunds o WHERE o.account = oa.account AND o.automatic = FALSE AND o.state = 'ready') AS due_us,
            COALESCE((SELECT ol.until_us FROM leases ol WHERE ol.name = 'refunds wait/' || oa.account), 0) AS until_us FROM receiving_accounts oa
        UNION ALL
        SELECT (SELECT MIN(s.next_us) FROM refunds s WHERE s.account = sa.account AND s.automatic = TRUE AND s.state = 'ready') AS due_us,
            COALESCE((SELECT sl.until_us FROM leases sl WHERE sl.name = 'refunds wait/' || sa.account), 0) AS until_us FROM receiving_accounts sa
    ) AS w
    UNION ALL
    SELECT a.next_us FROM refund_attempts a WHERE a.state = 'sending'
) AS due;

-- name: InsertRefundAttempt :exec
INSERT INTO refund_attempts (refund_id, number, account, sequence, inner_hash, max_time_us, fee_stroops, envelope, state, next_us,
    created_us, updated_us)
VALUES (@refund_id, @number, @account, @sequence, @inner_hash, @max_time_us, @fee_stroops, @envelope, 'sending', @now_us, @now_us, @now_us);

-- name: RefundAttempts :many
SELECT * FROM refund_attempts WHERE refund_id = @refund_id ORDER BY number;

-- name: RefundAttemptInFlight :one
SELECT * FROM refund_attempts WHERE account = @account AND state = 'sending';

-- One submission at a time, as long as the lease lasts: another one at the same time would be harmless, but useless.
-- name: ClaimRefundAttempt :execrows
UPDATE refund_attempts SET fence = fence + 1, submits = submits + 1, lease_owner = @lease_owner, lease_until_us = @lease_until_us, updated_us = @now_us
WHERE refund_id = @refund_id AND number = @number AND state = 'sending' AND fence = @fence AND next_us <= @now_us AND lease_until_us <= @now_us;

-- name: AnswerRefundAttempt :execrows
UPDATE refund_attempts SET result = @result, next_us = @next_us, lease_owner = '', lease_until_us = 0, updated_us = @now_us
WHERE refund_id = @refund_id AND number = @number AND state = 'sending' AND fence = @fence;

-- name: BumpRefundAttempt :execrows
UPDATE refund_attempts SET outer_hash = @outer_hash, outer_envelope = @outer_envelope, fee_stroops = @fee_stroops, updated_us = @now_us
WHERE refund_id = @refund_id AND number = @number AND state = 'sending' AND fence = @fence;

-- name: EndRefundAttempt :execrows
UPDATE refund_attempts SET state = @state, result = @result, lease_owner = '', lease_until_us = 0, updated_us = @now_us
WHERE refund_id = @refund_id AND number = @number AND state = 'sending';

-- name: RefundAttemptByHash :one
SELECT * FROM refund_attempts WHERE inner_hash = @inner_hash;

-- An envelope that was given up and is in the ledger after all.
-- name: LandDeadRefundAttempt :execrows
UPDATE refund_attempts SET state = 'landed', result = @result, updated_us = @now_us
WHERE refund_id = @refund_id AND number = @number AND state = 'dead';

-- name: MovementOfHash :one
SELECT * FROM outgoing_movements WHERE inner_hash = @inner_hash ORDER BY operation_id, idx LIMIT 1;

-- name: UnexplainedMovement :one
SELECT * FROM outgoing_movements WHERE account = @account AND explained = '' ORDER BY operation_id, idx LIMIT 1;

-- name: UnexplainedMovements :many
SELECT * FROM outgoing_movements WHERE explained = '' ORDER BY account, operation_id, idx LIMIT @most;

-- name: CountUnexplainedMovements :many
SELECT account, COUNT(*) AS number FROM outgoing_movements WHERE explained = '' GROUP BY account;

-- name: ExplainMovement :execrows
UPDATE outgoing_movements SET explained = 'operator', actor = @actor, reason = @reason, updated_us = @now_us
WHERE account = @account AND operation_id = @operation_id AND idx = @idx AND explained = '';

-- name: MovementsOfOperation :many
SELECT * FROM outgoing_movements WHERE operation_id = @operation_id ORDER BY account, idx;

-- name: RestoredMark :one
SELECT value FROM meta WHERE name = 'restored';

-- Whether a hash is that of an envelope of ours: a payment that names it is a refund that came back.
-- name: IsRefundHash :one
SELECT CAST(EXISTS (SELECT 1 FROM refund_attempts a WHERE a.inner_hash = @hash)
    OR EXISTS (SELECT 1 FROM refund_attempts b WHERE b.outer_hash = @hash AND b.outer_hash <> '') AS BOOLEAN) AS ours;

-- Whether something went back to an account, in this asset and with this memo, no later than a ledger that closed then.
-- name: RefundedBefore :one
SELECT CAST(EXISTS (SELECT 1 FROM refunds r WHERE r.destination = @destination AND r.memo = @memo AND r.state = 'confirmed'
    AND r.memo_type = @memo_type AND r.asset_code = @asset_code AND r.asset_issuer = @asset_issuer AND r.confirmed_us <= @closed_us) AS BOOLEAN) AS before;

-- In two parts, each of which is far from what a number can hold: their sum need not be.
-- name: RefundedByItselfSince :one
SELECT CAST(COALESCE(SUM(units / 1000000000), 0) AS BIGINT) AS billions, CAST(COALESCE(SUM(units % 1000000000), 0) AS BIGINT) AS rest FROM refunds
WHERE account = @account AND sent_us >= @since_us AND automatic AND sent_us > 0 AND state IN ('sending', 'confirmed')
  AND asset_code = @asset_code AND asset_issuer = @asset_issuer;

-- Each count has an index of its own.
-- name: CountRefunds :many
SELECT CAST('ready' AS TEXT) AS state, COUNT(*) AS number FROM refunds r WHERE r.state = 'ready'
UNION ALL SELECT 'sending', COUNT(*) FROM refunds s WHERE s.state = 'sending'
UNION ALL SELECT 'held', COUNT(*) FROM refunds h WHERE h.state = 'held';

-- Newest first: ids grow with time. An empty @before begins with the newest; the other filters are off where they are empty.
-- name: ListRefunds :many
SELECT * FROM refunds WHERE (CAST(@before AS TEXT) = '' OR id < CAST(@before AS TEXT))
  AND (CAST(@state AS TEXT) = '' OR state = CAST(@state AS TEXT))
  AND (CAST(@transaction_id AS TEXT) = '' OR transaction_id = CAST(@transaction_id AS TEXT))
  AND (CAST(@payment_id AS TEXT) = '' OR payment_id = CAST(@payment_id AS TEXT))
ORDER BY id DESC LIMIT @most;

-- Payouts that were not sent, of transactions with a payment that a movement out may have brought back: from where it went to, in the
-- same asset and with the memo of the payment or the one that was asked for, and before it left. CROSS JOIN keeps SQLite from looking at all
-- transactions first.
-- name: UnsentPayoutsLikeMovement :many
SELECT o.transaction_id FROM payouts o CROSS JOIN transactions t
WHERE t.id = o.transaction_id AND o.state NOT IN ('failed', 'cancelled', 'returned') AND (o.state = 'ready' OR o.state = 'waiting' AND o.waits_for <> 'operator')
  AND t.receiving_account = @account
  AND EXISTS (SELECT 1 FROM payments p WHERE p.transaction_id = t.id AND p.state = 'credited' AND p.from_account = CAST(@from_account AS TEXT)
    AND p.asset_code = @asset_code AND p.asset_issuer = @asset_issuer AND p.operation_id < CAST(@operation_id AS BIGINT)
    AND (p.memo_type = CAST(@memo_type AS TEXT) AND p.memo = CAST(@memo AS TEXT)
      OR t.refund_memo_type <> '' AND t.refund_memo_type = CAST(@memo_type AS TEXT) AND t.refund_memo = CAST(@memo AS TEXT)))
ORDER BY o.transaction_id;
