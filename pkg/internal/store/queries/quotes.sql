-- name: InsertQuote :exec
INSERT INTO quotes (id, owner_account, sell_asset, sell_units, sell_decimals, buy_asset, buy_units, buy_decimals, fee_units,
    fee_details, context, sell_delivery_method, buy_delivery_method, country_code, expires_us, redeemed_by, created_us)
VALUES (@id, @owner_account, @sell_asset, @sell_units, @sell_decimals, @buy_asset, @buy_units, @buy_decimals, @fee_units,
    @fee_details, @context, @sell_delivery_method, @buy_delivery_method, @country_code, @expires_us, '', @created_us);

-- name: QuoteOfOwner :one
SELECT * FROM quotes WHERE id = @id AND owner_account = @owner_account;

-- Of two redemptions at once, the second waits here for the first and then changes nothing.
-- name: RedeemQuote :execrows
UPDATE quotes SET redeemed_by = @redeemed_by
WHERE id = @id AND owner_account = @owner_account AND redeemed_by = '' AND expires_us > @now_us;

-- name: PruneQuotes :execrows
DELETE FROM quotes WHERE id IN (
    SELECT q.id FROM quotes q WHERE q.redeemed_by = '' AND q.expires_us <= @before_us ORDER BY q.expires_us LIMIT @most
);
