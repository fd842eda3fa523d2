-- Of two requests under one key at once, the second waits here for the first and then finds its row.
-- name: RememberAnswer :execrows
INSERT INTO idempotency_keys (owner, key, request_hash, answer, expires_us)
VALUES (@owner, @key, @request_hash, @answer, @expires_us)
ON CONFLICT (owner, key) DO NOTHING;

-- name: RememberedAnswer :one
SELECT request_hash, answer FROM idempotency_keys WHERE owner = @owner AND key = @key;

-- An answer that was not there when its key was taken; one that is there stays.
-- name: FinishAnswer :exec
UPDATE idempotency_keys SET answer = @answer
WHERE owner = @owner AND key = @key AND request_hash = @request_hash AND answer = '';

-- name: PruneAnswers :execrows
DELETE FROM idempotency_keys WHERE (owner, key) IN (
    SELECT k.owner, k.key FROM idempotency_keys k WHERE k.expires_us <= @now_us ORDER BY k.expires_us LIMIT @most
);
