-- In the order in which they were registered: of two issuers of one code the first comes first.
-- name: ListAssets :many
SELECT * FROM assets ORDER BY created_us, id;

-- name: AssetByCode :one
SELECT * FROM assets WHERE code = @code AND issuer = @issuer;

-- name: InsertAsset :exec
INSERT INTO assets (id, code, issuer, decimals, receiving_account, enabled, sep31_enabled, sep38_enabled, min_units, max_units,
    fee_fixed_units, fee_percent, funding_methods, version, created_us, updated_us)
VALUES (@id, @code, @issuer, @decimals, @receiving_account, @enabled, @sep31_enabled, @sep38_enabled, @min_units, @max_units,
    @fee_fixed_units, @fee_percent, @funding_methods, 1, @now_us, @now_us);

-- Code, issuer and decimals never change: amounts that were stored mean what they meant.
-- name: UpdateAsset :execrows
UPDATE assets SET version = @version + 1, receiving_account = @receiving_account, enabled = @enabled,
    sep31_enabled = @sep31_enabled, sep38_enabled = @sep38_enabled, min_units = @min_units, max_units = @max_units,
    fee_fixed_units = @fee_fixed_units, fee_percent = @fee_percent, funding_methods = @funding_methods, updated_us = @now_us
WHERE id = @id AND version = @version;

-- name: ListReceivingAccounts :many
SELECT * FROM receiving_accounts ORDER BY created_us, account;

-- name: ReceivingAccount :one
SELECT * FROM receiving_accounts WHERE account = @account;

-- name: InsertReceivingAccount :execrows
INSERT INTO receiving_accounts (account, from_ledger, created_us)
VALUES (@account, @from_ledger, @now_us)
ON CONFLICT (account) DO NOTHING;

-- Guarded by what it was decided on: two seeds at once do not overwrite each other unseen.
-- name: UpdateSeed :execrows
UPDATE receiving_accounts SET signer = @signer, sealed_seed = @sealed_seed
WHERE account = @account AND sealed_seed = @sealed_seed_before;
