-- name: PutVerificationCode :exec
INSERT INTO verification_codes (customer_id, name, sealed_code, tries_left, expires_us, created_us)
VALUES (@customer_id, @name, @sealed_code, @tries_left, @expires_us, @now_us)
ON CONFLICT (customer_id, name) DO UPDATE
    SET sealed_code = excluded.sealed_code, tries_left = excluded.tries_left, expires_us = excluded.expires_us,
        created_us = excluded.created_us;

-- name: CodesOfCustomer :many
SELECT * FROM verification_codes WHERE customer_id = @customer_id;

-- name: CountDownCode :execrows
UPDATE verification_codes SET tries_left = tries_left - 1
WHERE customer_id = @customer_id AND name = @name AND tries_left > 0;

-- A code that only the business can compare has a row without one from the first guess on; its time is the business' affair.
-- name: CountGuess :execrows
INSERT INTO verification_codes (customer_id, name, sealed_code, tries_left, expires_us, created_us)
VALUES (@customer_id, @name, '', @tries_left, 0, @now_us)
ON CONFLICT (customer_id, name) DO UPDATE SET tries_left = verification_codes.tries_left - 1
    WHERE verification_codes.tries_left > 0;

-- A field that begins to wait for a code, or for another one.
-- name: CountSentCode :exec
UPDATE customer_fields SET
    codes = CASE WHEN codes_since_us <= @window_us THEN 1 ELSE codes + 1 END,
    codes_since_us = CASE WHEN codes_since_us <= @window_us THEN @now_us ELSE codes_since_us END
WHERE customer_id = @customer_id AND name = @name AND (status <> 'VERIFICATION_REQUIRED' OR CAST(@another AS BOOLEAN) = TRUE);

-- A field that waits for no code any more, because it was judged or has another value, has none.
-- name: ForgetIdleCodes :exec
DELETE FROM verification_codes WHERE verification_codes.customer_id = @customer_id AND verification_codes.name NOT IN (
    SELECT f.name FROM customer_fields f WHERE f.customer_id = @customer_id AND f.status = 'VERIFICATION_REQUIRED');

-- name: ForgetCodesOfCustomer :exec
DELETE FROM verification_codes WHERE customer_id = @customer_id;
