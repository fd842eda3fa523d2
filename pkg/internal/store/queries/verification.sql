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

-- A field that waits for no code any more, because it was judged or has another value, has none.
-- name: ForgetIdleCodes :exec
DELETE FROM verification_codes WHERE verification_codes.customer_id = @customer_id AND verification_codes.name NOT IN (
    SELECT f.name FROM customer_fields f WHERE f.customer_id = @customer_id AND f.status = 'VERIFICATION_REQUIRED');

-- name: ForgetCodesOfCustomer :exec
DELETE FROM verification_codes WHERE customer_id = @customer_id;
