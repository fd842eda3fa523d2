-- name: InsertAPIKey :exec
INSERT INTO api_keys (id, name, hash, scopes, created_by, created_us, expires_us)
VALUES (@id, @name, @hash, @scopes, @created_by, @created_us, @expires_us);

-- name: APIKeyByID :one
SELECT * FROM api_keys WHERE id = @id;

-- name: ListAPIKeys :many
SELECT * FROM api_keys ORDER BY created_us, id;

-- Whoever revokes a key that is revoked already changes nothing.
-- name: RevokeAPIKey :execrows
UPDATE api_keys SET revoked_us = @revoked_us WHERE id = @id AND revoked_us = 0;

-- Guarded, so that of many requests at once one writes.
-- name: NoteUseOfAPIKey :exec
UPDATE api_keys SET last_used_us = @now_us WHERE id = @id AND last_used_us <= @before_us;

-- What the payout of an attempt moves.
-- name: AmountOfAttempt :one
SELECT p.amount_units, p.amount_decimals, p.amount_asset
FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id
WHERE a.key = @key;
