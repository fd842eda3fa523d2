-- name: TakeLease :one
INSERT INTO leases AS l (name, owner, until_us, fence) VALUES (@name, @owner, @until_us, 1)
ON CONFLICT (name) DO UPDATE
    SET owner = excluded.owner, until_us = excluded.until_us,
        fence = CASE WHEN l.owner = excluded.owner AND l.until_us > @now_us THEN l.fence ELSE l.fence + 1 END
    WHERE l.owner = excluded.owner OR l.until_us <= @now_us
RETURNING fence;

-- name: DropLease :exec
UPDATE leases SET until_us = 0 WHERE name = @name AND owner = @owner AND fence = @fence;

-- name: LeaseFence :one
SELECT fence FROM leases WHERE name = @name;
