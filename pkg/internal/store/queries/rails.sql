-- The lock of all claims by a rail with limits is its row here: it is made before it is first taken.
-- name: AddRailPace :exec
INSERT INTO rail_pace (rail, next_us) VALUES (@rail, 0) ON CONFLICT (rail) DO NOTHING;

-- name: SetRailPace :exec
UPDATE rail_pace SET next_us = @next_us WHERE rail = @rail;

-- Who lost the lease has no call in flight any more: its time was over before.
-- name: CallsInFlight :one
SELECT COUNT(*) FROM payouts WHERE rail = @rail AND state = 'sending' AND lease_until_us > @now_us;

-- name: RailUsageOfDay :many
SELECT * FROM rail_usage WHERE rail = @rail AND day = @day ORDER BY asset;

-- Written under the lock of the rail, by the sums that were read under it.
-- name: PutRailUsage :exec
INSERT INTO rail_usage (rail, asset, day, payouts, units, decimals) VALUES (@rail, @asset, @day, @payouts, @units, @decimals)
ON CONFLICT (rail, day, asset) DO UPDATE SET payouts = excluded.payouts, units = excluded.units, decimals = excluded.decimals;
