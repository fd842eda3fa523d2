-- +goose Up
-- What leaves a receiving account: refunds, their envelopes, and every movement out that the ledger shows.

CREATE TABLE refunds (
    id                   TEXT PRIMARY KEY,
    payment_id           TEXT NOT NULL REFERENCES payments (id),
    number               BIGINT NOT NULL CHECK (number > 0), -- of its payment
    transaction_id       TEXT REFERENCES transactions (id),  -- that the payment named; NULL: none
    from_held            BOOLEAN NOT NULL, -- TRUE: the units were credited and are taken from what the transaction holds
    version              BIGINT NOT NULL CHECK (version > 0),
    state                TEXT NOT NULL CHECK (state IN ('ready', 'sending', 'held', 'confirmed', 'cancelled')),
    trouble              TEXT NOT NULL DEFAULT '', -- why it is held, or what came of the last try
    account              TEXT NOT NULL REFERENCES receiving_accounts (account),
    destination          TEXT NOT NULL,
    destination_muxed_id TEXT NOT NULL DEFAULT '',
    asset_code           TEXT NOT NULL,
    asset_issuer         TEXT NOT NULL,
    units                BIGINT NOT NULL CHECK (units > 0), -- of the payment; what is sent is units - fee_units
    fee_units            BIGINT NOT NULL CHECK (fee_units >= 0),
    memo_type            TEXT NOT NULL CHECK (memo_type IN ('', 'id', 'text', 'hash', 'return')),
    memo                 TEXT NOT NULL,
    automatic            BOOLEAN NOT NULL, -- asked for by a policy or a rail, not by an operator
    actor                TEXT NOT NULL,
    reason               TEXT NOT NULL,
    tries                BIGINT NOT NULL DEFAULT 0,
    next_us              BIGINT NOT NULL DEFAULT 0,
    stellar_hash         TEXT NOT NULL DEFAULT '', -- of the envelope that brought it back
    confirmed_us         BIGINT NOT NULL DEFAULT 0, -- when the ledger that holds it closed
    sent_us              BIGINT NOT NULL DEFAULT 0, -- when its newest envelope was made; 0: never
    created_us           BIGINT NOT NULL,
    updated_us           BIGINT NOT NULL,
    CHECK (fee_units < units),
    CHECK ((state = 'confirmed') = (stellar_hash <> '')),
    CHECK (NOT from_held OR transaction_id IS NOT NULL),
    UNIQUE (payment_id, number)
);
-- What operators asked for goes first.
CREATE INDEX refunds_ready ON refunds (account, automatic, next_us, id) WHERE state = 'ready';
CREATE INDEX refunds_under_way ON refunds (account, id) WHERE state = 'sending';
CREATE INDEX refunds_held ON refunds (created_us, id) WHERE state = 'held';
CREATE INDEX refunds_by_transaction ON refunds (transaction_id) WHERE transaction_id IS NOT NULL;
-- What went back by itself lately, for the cap of a day; and to whom something went back, to know it when it returns.
CREATE INDEX refunds_automatic ON refunds (account, sent_us) WHERE automatic AND sent_us > 0;
CREATE INDEX refunds_confirmed ON refunds (destination, memo) WHERE state = 'confirmed';

CREATE TABLE refund_attempts (
    refund_id      TEXT NOT NULL REFERENCES refunds (id),
    number         BIGINT NOT NULL CHECK (number > 0),
    account        TEXT NOT NULL,          -- source account of the envelope
    sequence       BIGINT NOT NULL,
    inner_hash     TEXT NOT NULL UNIQUE,   -- what the ledger will know it by, whatever fee bumps wrap it
    max_time_us    BIGINT NOT NULL CHECK (max_time_us > 0), -- its upper time bound
    fee_stroops    BIGINT NOT NULL,        -- for each operation, offered by the newest envelope
    envelope       TEXT NOT NULL,          -- signed, base64 XDR
    outer_hash     TEXT NOT NULL DEFAULT '',
    outer_envelope TEXT NOT NULL DEFAULT '', -- newest fee bump around it
    state          TEXT NOT NULL CHECK (state IN ('sending', 'landed', 'dead')),
    submits        BIGINT NOT NULL DEFAULT 0,
    next_us        BIGINT NOT NULL DEFAULT 0,
    lease_owner    TEXT NOT NULL DEFAULT '',
    lease_until_us BIGINT NOT NULL DEFAULT 0,
    fence          BIGINT NOT NULL DEFAULT 0,
    result         TEXT NOT NULL DEFAULT '', -- what the network last said of it
    created_us     BIGINT NOT NULL,
    updated_us     BIGINT NOT NULL,
    PRIMARY KEY (refund_id, number)
);
CREATE UNIQUE INDEX refund_attempts_live ON refund_attempts (refund_id) WHERE state <> 'dead';
CREATE INDEX refund_attempts_bumped ON refund_attempts (outer_hash) WHERE outer_hash <> '';
CREATE UNIQUE INDEX refund_attempts_in_flight ON refund_attempts (account) WHERE state = 'sending';

-- Every decrease of a receiving account's balance by an operation of its own that sends.
CREATE TABLE outgoing_movements (
    chain         TEXT NOT NULL,
    account       TEXT NOT NULL REFERENCES receiving_accounts (account),
    operation_id  BIGINT NOT NULL,
    idx           BIGINT NOT NULL,
    kind          TEXT NOT NULL,
    inner_hash    TEXT NOT NULL,
    outer_hash    TEXT NOT NULL,
    ledger        BIGINT NOT NULL,
    closed_us     BIGINT NOT NULL,
    to_account    TEXT NOT NULL,
    to_muxed_id   TEXT NOT NULL,
    asset_code    TEXT NOT NULL,
    asset_issuer  TEXT NOT NULL,
    amount_units  BIGINT NOT NULL CHECK (amount_units >= 0),
    memo_type     TEXT NOT NULL,
    memo          TEXT NOT NULL,
    -- empty: nobody knows why; the account's refunds stop until somebody says so
    explained     TEXT NOT NULL DEFAULT '' CHECK (explained IN ('', 'refund', 'treasury', 'operator')),
    actor         TEXT NOT NULL DEFAULT '',
    reason        TEXT NOT NULL DEFAULT '',
    created_us    BIGINT NOT NULL,
    updated_us    BIGINT NOT NULL,
    PRIMARY KEY (chain, account, operation_id, idx)
);
CREATE INDEX outgoing_movements_by_hash ON outgoing_movements (inner_hash);
CREATE INDEX outgoing_movements_unexplained ON outgoing_movements (account) WHERE explained = '';

-- SEP-31's refunds as it is shown: written with each refund that is confirmed, so that reading a transaction needs nothing else.
ALTER TABLE transactions ADD COLUMN refunds TEXT NOT NULL DEFAULT '';

-- How far an account's books were compared with the ledger, and from where on.
CREATE TABLE reconciliations (
    account        TEXT PRIMARY KEY REFERENCES receiving_accounts (account),
    chain          TEXT NOT NULL,
    from_ledger    BIGINT NOT NULL,             -- the first ledger that was compared
    position       BIGINT NOT NULL,             -- every operation up to here was compared
    fee_position   BIGINT NOT NULL,             -- the fees of every envelope up to here were added up
    through_ledger BIGINT NOT NULL,
    based_us       BIGINT NOT NULL DEFAULT 0,   -- when the balances before from_ledger were settled on; 0: not yet
    passed_us      BIGINT NOT NULL DEFAULT 0,   -- the last comparison that came to its end
    version        BIGINT NOT NULL CHECK (version > 0),
    updated_us     BIGINT NOT NULL
);

-- base + moved is what the account held when it had been compared through that ledger.
CREATE TABLE reconciled_balances (
    account      TEXT NOT NULL REFERENCES reconciliations (account),
    asset_code   TEXT NOT NULL,
    asset_issuer TEXT NOT NULL,
    base_units   BIGINT NOT NULL,
    moved_units  BIGINT NOT NULL,
    PRIMARY KEY (account, asset_code, asset_issuer)
);

-- What books and ledger, or the books among themselves, do not agree about: one row each, until it is gone or accepted.
CREATE TABLE reconcile_findings (
    id             TEXT PRIMARY KEY,
    account        TEXT NOT NULL,
    kind           TEXT NOT NULL CHECK (kind IN ('missing_payment', 'missing_outgoing', 'wrong_amount', 'payment_not_on_ledger',
                       'outgoing_not_on_ledger', 'balance', 'transaction')),
    operation_id   BIGINT NOT NULL, -- 0: of none
    idx            BIGINT NOT NULL,
    outgoing       BOOLEAN NOT NULL,
    asset_code     TEXT NOT NULL,
    asset_issuer   TEXT NOT NULL,
    transaction_id TEXT NOT NULL, -- empty: of none
    ledger_units   BIGINT NOT NULL, -- what is true: on the ledger, or by the single movements
    book_units     BIGINT NOT NULL, -- what is recorded
    detail         TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('open', 'gone', 'accepted')),
    actor          TEXT NOT NULL DEFAULT '',
    reason         TEXT NOT NULL DEFAULT '',
    version        BIGINT NOT NULL CHECK (version > 0),
    first_us       BIGINT NOT NULL,
    last_us        BIGINT NOT NULL, -- when it was last found, or found gone
    UNIQUE (account, kind, operation_id, idx, outgoing, asset_code, asset_issuer, transaction_id)
);
CREATE INDEX reconcile_findings_open ON reconcile_findings (account, operation_id, id) WHERE state = 'open';

-- Before a payout of a transaction that was agreed earlier than this gets a new key, its rail is asked what it knows of that key.
INSERT INTO meta (name, value) VALUES ('ask_before_us', '0'), ('books_checked_us', '0');

UPDATE meta SET value = '3' WHERE name = 'oldest_program';

-- +goose Down
UPDATE meta SET value = '2' WHERE name = 'oldest_program';
DELETE FROM meta WHERE name IN ('ask_before_us', 'books_checked_us');
DROP TABLE reconcile_findings;
DROP TABLE reconciled_balances;
DROP TABLE reconciliations;
ALTER TABLE transactions DROP COLUMN refunds;
DROP TABLE outgoing_movements;
DROP TABLE refund_attempts;
DROP TABLE refunds;
