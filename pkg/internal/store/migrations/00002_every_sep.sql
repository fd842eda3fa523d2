-- +goose Up
-- What the SEPs ask for beyond the plain transfer: quotes, files, verification codes, customers' callbacks, KYC per transaction.

CREATE TABLE quotes (
    id                   TEXT PRIMARY KEY,
    owner_account        TEXT NOT NULL,
    sell_asset           TEXT NOT NULL,
    sell_units           BIGINT NOT NULL CHECK (sell_units > 0),
    sell_decimals        BIGINT NOT NULL CHECK (sell_decimals BETWEEN 0 AND 18),
    buy_asset            TEXT NOT NULL,
    buy_units            BIGINT NOT NULL CHECK (buy_units > 0),
    buy_decimals         BIGINT NOT NULL CHECK (buy_decimals BETWEEN 0 AND 18),
    fee_units            BIGINT NOT NULL CHECK (fee_units >= 0), -- of the sell asset, with its decimals
    fee_details          TEXT NOT NULL,                          -- JSON list as SEP-38 shows it; empty: none
    context              TEXT NOT NULL,
    sell_delivery_method TEXT NOT NULL,
    buy_delivery_method  TEXT NOT NULL,
    country_code         TEXT NOT NULL,
    expires_us           BIGINT NOT NULL CHECK (expires_us > 0),
    redeemed_by          TEXT NOT NULL DEFAULT '', -- the transaction
    created_us           BIGINT NOT NULL,
    CHECK (fee_units < sell_units)
);
CREATE UNIQUE INDEX quotes_redeemed ON quotes (redeemed_by) WHERE redeemed_by <> '';
CREATE INDEX quotes_expiring ON quotes (expires_us) WHERE redeemed_by = '';
CREATE INDEX quotes_by_owner ON quotes (owner_account, created_us);

-- A file that was sent ahead of its field, sealed under a key of its own. Once a customer's field has taken it over, only
-- what describes it is left here.
CREATE TABLE customer_files (
    id            TEXT PRIMARY KEY,
    owner_account TEXT NOT NULL,
    memo_type     TEXT NOT NULL CHECK (memo_type IN ('', 'id', 'text', 'hash')),
    memo          TEXT NOT NULL,
    customer_id   TEXT REFERENCES customers (id), -- NULL: not taken over yet
    field         TEXT NOT NULL DEFAULT '',
    content_type  TEXT NOT NULL,
    size          BIGINT NOT NULL CHECK (size > 0),
    key_id        TEXT NOT NULL,
    sealed_key    TEXT NOT NULL, -- empty: the content is gone
    sealed        TEXT NOT NULL,
    expires_us    BIGINT NOT NULL, -- 0: belongs to a customer
    created_us    BIGINT NOT NULL
);
CREATE INDEX customer_files_by_customer ON customer_files (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX customer_files_by_owner ON customer_files (owner_account, created_us) WHERE customer_id IS NULL;
CREATE INDEX customer_files_expiring ON customer_files (expires_us) WHERE expires_us > 0;

CREATE TABLE verification_codes (
    customer_id TEXT NOT NULL REFERENCES customers (id),
    name        TEXT NOT NULL, -- the field
    sealed_code TEXT NOT NULL, -- under the customer's data key
    tries_left  BIGINT NOT NULL CHECK (tries_left >= 0),
    expires_us  BIGINT NOT NULL,
    created_us  BIGINT NOT NULL,
    PRIMARY KEY (customer_id, name)
);

CREATE TABLE customer_subscriptions (
    customer_id TEXT PRIMARY KEY REFERENCES customers (id),
    url         TEXT NOT NULL,
    ended       BOOLEAN NOT NULL, -- a final status was reported; the client registers again
    updated_us  BIGINT NOT NULL
);

-- What a callback is about within its subject: the customer type whose status moved.
ALTER TABLE callbacks ADD COLUMN topic TEXT NOT NULL DEFAULT '';

-- The SEP-12 types of which a side must have an accepted customer before the memo is given out: a JSON list, empty for none.
ALTER TABLE transactions ADD COLUMN sender_types TEXT NOT NULL DEFAULT '';
ALTER TABLE transactions ADD COLUMN receiver_types TEXT NOT NULL DEFAULT '';
-- TRUE: fee and amount out follow from the price of the moment in which the payment arrives.
ALTER TABLE transactions ADD COLUMN unpriced BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE transactions ADD COLUMN eta_seconds BIGINT NOT NULL DEFAULT 0;

CREATE INDEX transactions_withheld_by_sender ON transactions (sender_id, id) WHERE memo IS NULL AND sender_id IS NOT NULL;
CREATE INDEX transactions_withheld_by_receiver ON transactions (receiver_id, id) WHERE memo IS NULL AND receiver_id IS NOT NULL;
CREATE INDEX payouts_to_price ON payouts (next_us, id) WHERE state = 'waiting' AND waits_for = 'price';

-- Programs that do not know these columns read rows of another shape.
UPDATE meta SET value = '2' WHERE name = 'oldest_program';

-- +goose Down
UPDATE meta SET value = '1' WHERE name = 'oldest_program';
DROP INDEX payouts_to_price;
DROP INDEX transactions_withheld_by_receiver;
DROP INDEX transactions_withheld_by_sender;
ALTER TABLE transactions DROP COLUMN eta_seconds;
ALTER TABLE transactions DROP COLUMN unpriced;
ALTER TABLE transactions DROP COLUMN receiver_types;
ALTER TABLE transactions DROP COLUMN sender_types;
ALTER TABLE callbacks DROP COLUMN topic;
DROP TABLE customer_subscriptions;
DROP TABLE verification_codes;
DROP TABLE customer_files;
DROP TABLE quotes;
