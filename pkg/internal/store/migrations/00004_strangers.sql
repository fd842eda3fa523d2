-- +goose Up
-- What accounts without an agreement may keep here, and how often a field was sent a code.

-- Accounts that the business had no agreement with when they last gave something; each takes one of a bounded number of places.
CREATE TABLE strangers (
    account  TEXT PRIMARY KEY,
    changes  BIGINT NOT NULL CHECK (changes > 0), -- since since_us
    since_us BIGINT NOT NULL
);

-- Verification codes that a field was sent since codes_since_us.
ALTER TABLE customer_fields ADD COLUMN codes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE customer_fields ADD COLUMN codes_since_us BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE customer_fields DROP COLUMN codes_since_us;
ALTER TABLE customer_fields DROP COLUMN codes;
DROP TABLE strangers;
