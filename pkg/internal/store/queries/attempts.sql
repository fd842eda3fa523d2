-- name: AttemptsOfPayout :many
SELECT * FROM payout_attempts WHERE payout_id = @payout_id ORDER BY number;

-- name: AnswersOfPayout :many
SELECT * FROM attempt_answers WHERE payout_id = @payout_id ORDER BY at_us, id;

-- name: TransactionOfAttempt :one
SELECT p.transaction_id FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id WHERE a.key = @key;
