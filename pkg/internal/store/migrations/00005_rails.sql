-- +goose Up
-- What rails may be asked to do, what an operator has paused, files of many payouts, and keys of the operators' HTTP API.

-- What an operator has paused: a rail, or what was paid in an asset. A row stays when it is resumed: its version numbers the events.
CREATE TABLE switches (
    kind       TEXT NOT NULL CHECK (kind IN ('rail', 'asset')),
    name       TEXT NOT NULL, -- of the rail, or CODE:ISSUER
    version    BIGINT NOT NULL CHECK (version > 0),
    paused     BOOLEAN NOT NULL,
    actor      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    updated_us BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
);

-- How much a rail was given on a day (of its calendar's time zone), by asset; changed inside the claim.
CREATE TABLE rail_usage (
    rail     TEXT NOT NULL,
    asset    TEXT NOT NULL, -- SEP-38 asset id
    day      TEXT NOT NULL, -- 2026-11-23
    payouts  BIGINT NOT NULL CHECK (payouts >= 0),
    units    BIGINT NOT NULL CHECK (units >= 0), -- 10^-decimals of the asset
    decimals BIGINT NOT NULL,
    PRIMARY KEY (rail, day, asset)
);

-- From when on a rail may be called again; its row is the lock of all claims by a rail with limits.
CREATE TABLE rail_pace (
    rail    TEXT PRIMARY KEY,
    next_us BIGINT NOT NULL
);

CREATE TABLE payout_batches (
    id             TEXT PRIMARY KEY,
    rail           TEXT NOT NULL,
    number         BIGINT NOT NULL CHECK (number > 0),
    version        BIGINT NOT NULL CHECK (version > 0),
    state          TEXT NOT NULL CHECK (state IN ('writing', 'written')),
    cut_off_us     BIGINT NOT NULL,
    payouts        BIGINT NOT NULL CHECK (payouts > 0),
    hash           TEXT NOT NULL, -- of the members' keys and requests, in their order
    external_id    TEXT NOT NULL DEFAULT '',
    last_error     TEXT NOT NULL DEFAULT '',
    tries          BIGINT NOT NULL DEFAULT 0,
    next_us        BIGINT NOT NULL,
    lease_owner    TEXT NOT NULL DEFAULT '',
    lease_until_us BIGINT NOT NULL DEFAULT 0,
    fence          BIGINT NOT NULL DEFAULT 0,
    created_us     BIGINT NOT NULL,
    updated_us     BIGINT NOT NULL,
    UNIQUE (rail, number)
);
-- A rail writes one file at a time, so that files are numbered in the order in which they come to be.
CREATE UNIQUE INDEX payout_batches_writing ON payout_batches (rail) WHERE state = 'writing';

-- An attempt is in one batch or in none, for ever.
ALTER TABLE payout_attempts ADD COLUMN batch_id TEXT NOT NULL DEFAULT '';
CREATE INDEX payout_attempts_by_batch ON payout_attempts (batch_id) WHERE batch_id <> '';
ALTER TABLE payouts DROP COLUMN batch_id;

-- Rails are claimed each by itself, so that one which is slow, paused or at its limit holds up no other.
DROP INDEX payouts_ready;
DROP INDEX payouts_under_way;
CREATE INDEX payouts_ready_by_rail ON payouts (rail, next_us, id) WHERE state = 'ready';
CREATE INDEX payouts_under_way_by_rail ON payouts (rail, next_us, id) WHERE state IN ('sending', 'unknown', 'accepted');
CREATE INDEX payouts_sending_by_rail ON payouts (rail) WHERE state = 'sending';

-- What operators look at first: contradictions, payouts that wait and why, those that ended unpaid, callbacks that were given up.
CREATE INDEX transactions_contradicted ON transactions (id) WHERE conflict <> '';
CREATE INDEX payouts_waiting ON payouts (waits_for, rail, id) WHERE state = 'waiting';
CREATE INDEX payouts_unpaid ON payouts (rail, id) WHERE state IN ('failed', 'returned');
CREATE INDEX callbacks_dead ON callbacks (updated_us, id) WHERE state = 'dead';

CREATE TABLE api_keys (
    id           TEXT PRIMARY KEY, -- the first part of the key, which is no secret
    name         TEXT NOT NULL,
    hash         TEXT NOT NULL UNIQUE, -- of the whole key
    scopes       TEXT NOT NULL, -- with spaces between them
    created_by   TEXT NOT NULL,
    created_us   BIGINT NOT NULL,
    expires_us   BIGINT NOT NULL,
    revoked_us   BIGINT NOT NULL DEFAULT 0,
    last_used_us BIGINT NOT NULL DEFAULT 0
);

UPDATE meta SET value = '4' WHERE name = 'oldest_program';

-- +goose Down
UPDATE meta SET value = '3' WHERE name = 'oldest_program';
DROP TABLE api_keys;
DROP INDEX callbacks_dead;
DROP INDEX payouts_unpaid;
DROP INDEX payouts_waiting;
DROP INDEX transactions_contradicted;
DROP INDEX payouts_sending_by_rail;
DROP INDEX payouts_under_way_by_rail;
DROP INDEX payouts_ready_by_rail;
CREATE INDEX payouts_under_way ON payouts (next_us, id) WHERE state IN ('sending', 'unknown', 'accepted');
CREATE INDEX payouts_ready ON payouts (next_us, id) WHERE state = 'ready';
ALTER TABLE payouts ADD COLUMN batch_id TEXT;
DROP INDEX payout_attempts_by_batch;
ALTER TABLE payout_attempts DROP COLUMN batch_id;
DROP TABLE payout_batches;
DROP TABLE rail_pace;
DROP TABLE rail_usage;
DROP TABLE switches;
