-- name: InsertCustomerFile :exec
INSERT INTO customer_files (id, owner_account, memo_type, memo, content_type, size, key_id, sealed_key, sealed, expires_us, created_us)
VALUES (@id, @owner_account, @memo_type, @memo, @content_type, @size, @key_id, @sealed_key, @sealed, @expires_us, @now_us);

-- What an account keeps here without a customer to whom it belongs; also what has run out and was not pruned yet.
-- name: LooseFilesOfAccount :one
SELECT count(*) AS files, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes
FROM customer_files WHERE owner_account = @owner_account AND customer_id IS NULL;

-- A sending anchor sees the files of its account, without their content …
-- name: FileOfAccount :one
SELECT id, memo_type, memo, customer_id, field, content_type, size, expires_us FROM customer_files
WHERE id = @id AND owner_account = @owner_account AND (expires_us = 0 OR expires_us > @now_us);

-- … or, where it speaks for one of its users, that one's.
-- name: FileOfUser :one
SELECT id, memo_type, memo, customer_id, field, content_type, size, expires_us FROM customer_files
WHERE id = @id AND owner_account = @owner_account AND memo_type = @memo_type AND memo = @memo
  AND (expires_us = 0 OR expires_us > @now_us);

-- name: FilesOfCustomer :many
SELECT id, memo_type, memo, customer_id, field, content_type, size, expires_us FROM customer_files
WHERE customer_id = @customer_id;

-- name: SealedFile :one
SELECT key_id, sealed_key, sealed FROM customer_files WHERE id = @id AND customer_id IS NULL;

-- A customer takes a file over: the content is in its field from now on. Of two who take it, one does.
-- name: TakeFile :execrows
UPDATE customer_files SET customer_id = @customer_id, field = @field, key_id = '', sealed_key = '', sealed = '', expires_us = 0
WHERE id = @id AND customer_id IS NULL AND expires_us > @now_us;

-- A field that has another value holds those files no more.
-- name: ForgetFilesOfField :exec
DELETE FROM customer_files WHERE customer_id = @customer_id AND field = @field;

-- name: ForgetFilesOfCustomer :exec
DELETE FROM customer_files WHERE customer_id = @customer_id;

-- name: PruneFiles :execrows
DELETE FROM customer_files WHERE id IN (
    SELECT f.id FROM customer_files f WHERE f.expires_us > 0 AND f.expires_us <= @now_us ORDER BY f.expires_us LIMIT @most);
