-- name: CursorOfAccount :one
SELECT * FROM cursors WHERE account = @account;

-- name: ListCursors :many
SELECT * FROM cursors ORDER BY account;

-- name: InsertCursor :execrows
INSERT INTO cursors (account, chain, position, through_ledger, through_closed_us, ledger_hash, started_ledger, fence, updated_us)
VALUES (@account, @chain, @position, @through_ledger, 0, '', @started_ledger, @fence, @now_us)
ON CONFLICT (account) DO NOTHING;

-- From now on writers under an older lease lose.
-- name: TakeCursor :execrows
UPDATE cursors SET fence = @fence, updated_us = @now_us WHERE account = @account AND fence <= @fence;

-- Compare and swap: the position moves from where the page was read, under a lease that is not older than any seen.
-- name: MoveCursor :execrows
UPDATE cursors SET position = @position, through_ledger = @through_ledger, through_closed_us = @through_closed_us,
    ledger_hash = @ledger_hash, fence = @fence, updated_us = @now_us
WHERE account = @account AND chain = @chain AND position = @position_before AND fence <= @fence;

-- name: RewindCursor :execrows
UPDATE cursors SET position = @position, updated_us = @now_us WHERE account = @account AND position > @position;

-- name: ChainName :one
SELECT value FROM meta WHERE name = 'chain';

-- name: NameChain :execrows
UPDATE meta SET value = @chain WHERE name = 'chain' AND value = '';
