-- +goose Up
-- One schema for SQLite and Postgres. Times are UTC microseconds (…_us), amounts int64 units (…_units): of 10^-7 for what is
-- on the network, of 10^-decimals of their asset for what is not. "None" is the empty string or 0 unless NULL is allowed.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE receiving_accounts (
    account     TEXT PRIMARY KEY,
    signer      TEXT NOT NULL DEFAULT '' CHECK (signer IN ('', 'sealed', 'remote')),
    sealed_seed TEXT NOT NULL DEFAULT '',
    from_ledger BIGINT NOT NULL CHECK (from_ledger >= 0),
    created_us  BIGINT NOT NULL
);

CREATE TABLE assets (
    id                TEXT PRIMARY KEY,
    code              TEXT NOT NULL,
    issuer            TEXT NOT NULL,
    decimals          BIGINT NOT NULL CHECK (decimals BETWEEN 0 AND 7),
    receiving_account TEXT NOT NULL REFERENCES receiving_accounts (account),
    enabled           BOOLEAN NOT NULL,
    sep31_enabled     BOOLEAN NOT NULL,
    sep38_enabled     BOOLEAN NOT NULL,
    min_units         BIGINT NOT NULL CHECK (min_units >= 0),
    max_units         BIGINT NOT NULL CHECK (max_units = 0 OR max_units >= min_units),
    fee_fixed_units   BIGINT NOT NULL CHECK (fee_fixed_units >= 0),
    fee_percent       TEXT NOT NULL,
    funding_methods   TEXT NOT NULL,
    version           BIGINT NOT NULL,
    created_us        BIGINT NOT NULL,
    updated_us        BIGINT NOT NULL,
    UNIQUE (code, issuer)
);
CREATE INDEX assets_by_account ON assets (receiving_account);

CREATE TABLE customers (
    id            TEXT PRIMARY KEY,
    owner_account TEXT NOT NULL,
    memo_type     TEXT NOT NULL CHECK (memo_type IN ('', 'id', 'text', 'hash')),
    memo          TEXT NOT NULL,
    key_id        TEXT NOT NULL,
    sealed_key    TEXT NOT NULL,
    version       BIGINT NOT NULL CHECK (version > 0),
    deleted_us    BIGINT NOT NULL DEFAULT 0,
    created_us    BIGINT NOT NULL,
    updated_us    BIGINT NOT NULL
);
CREATE UNIQUE INDEX customers_by_owner ON customers (owner_account, memo_type, memo) WHERE deleted_us = 0;
CREATE INDEX customers_to_erase ON customers (deleted_us, id) WHERE deleted_us > 0 AND sealed_key <> '';

CREATE TABLE customer_statuses (
    customer_id TEXT NOT NULL REFERENCES customers (id),
    type        TEXT NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('ACCEPTED', 'PROCESSING', 'NEEDS_INFO', 'REJECTED')),
    message     TEXT NOT NULL DEFAULT '',
    actor       TEXT NOT NULL,
    updated_us  BIGINT NOT NULL,
    PRIMARY KEY (customer_id, type)
);
CREATE INDEX customer_statuses_by_status ON customer_statuses (status, customer_id);

CREATE TABLE customer_fields (
    customer_id TEXT NOT NULL REFERENCES customers (id),
    name        TEXT NOT NULL,
    sealed      TEXT NOT NULL, -- empty: asked for, not given yet
    content_type TEXT NOT NULL DEFAULT '', -- of binary values; empty: text
    status      TEXT NOT NULL DEFAULT '' CHECK (status IN ('', 'ACCEPTED', 'PROCESSING', 'REJECTED', 'VERIFICATION_REQUIRED')),
    error       TEXT NOT NULL DEFAULT '',
    asked       TEXT NOT NULL DEFAULT '', -- what a payout asked for beyond what the type demands
    updated_us  BIGINT NOT NULL,
    PRIMARY KEY (customer_id, name)
);

CREATE TABLE transactions (
    id                 TEXT PRIMARY KEY,
    owner_account      TEXT NOT NULL,
    owner_memo_type    TEXT NOT NULL CHECK (owner_memo_type IN ('', 'id')),
    owner_memo         TEXT NOT NULL,
    client_domain      TEXT NOT NULL DEFAULT '',
    version            BIGINT NOT NULL CHECK (version > 0),
    status             TEXT NOT NULL CHECK (status IN ('pending_sender', 'pending_stellar', 'pending_customer_info_update',
                           'pending_transaction_info_update', 'pending_receiver', 'pending_external', 'completed', 'refunded',
                           'expired', 'error')),
    status_message     TEXT NOT NULL DEFAULT '',
    funded             BOOLEAN NOT NULL,
    conflict           TEXT NOT NULL DEFAULT '',
    sender_id          TEXT REFERENCES customers (id),
    sender_type        TEXT NOT NULL DEFAULT '',
    receiver_id        TEXT REFERENCES customers (id),
    receiver_type      TEXT NOT NULL DEFAULT '',
    -- the terms, frozen when it was agreed
    asset_id           TEXT NOT NULL REFERENCES assets (id),
    asset_code         TEXT NOT NULL,
    asset_issuer       TEXT NOT NULL,
    decimals           BIGINT NOT NULL CHECK (decimals BETWEEN 0 AND 7),
    min_units          BIGINT NOT NULL,
    max_units          BIGINT NOT NULL,
    fee_fixed_units    BIGINT NOT NULL,
    fee_percent        TEXT NOT NULL,
    funding_method     TEXT NOT NULL,
    quote_id           TEXT NOT NULL DEFAULT '',
    destination_asset  TEXT NOT NULL DEFAULT '',
    refund_memo_type   TEXT NOT NULL DEFAULT '' CHECK (refund_memo_type IN ('', 'id', 'text', 'hash')),
    refund_memo        TEXT NOT NULL DEFAULT '',
    lang               TEXT NOT NULL DEFAULT '',
    receiving_account  TEXT NOT NULL REFERENCES receiving_accounts (account),
    memo_type          TEXT NOT NULL CHECK (memo_type IN ('id', 'hash', 'text')),
    memo               TEXT, -- NULL: not given out yet
    -- the money: credited = payout + refund + held
    expected_units     BIGINT NOT NULL CHECK (expected_units > 0),
    credited_units     BIGINT NOT NULL DEFAULT 0 CHECK (credited_units >= 0),
    payout_units       BIGINT NOT NULL DEFAULT 0 CHECK (payout_units >= 0),
    refund_units       BIGINT NOT NULL DEFAULT 0 CHECK (refund_units >= 0),
    fee_units          BIGINT NOT NULL CHECK (fee_units >= 0),
    fee_details        TEXT NOT NULL DEFAULT '',
    out_units          BIGINT NOT NULL CHECK (out_units >= 0),
    out_decimals       BIGINT NOT NULL CHECK (out_decimals BETWEEN 0 AND 18),
    out_asset          TEXT NOT NULL,
    -- what a payout asked for, and what was given: sealed under the transaction's own data key
    key_id             TEXT NOT NULL DEFAULT '',
    sealed_key         TEXT NOT NULL DEFAULT '',
    sealed_fields      TEXT NOT NULL DEFAULT '',
    required_info      TEXT NOT NULL DEFAULT '',
    required_message   TEXT NOT NULL DEFAULT '',
    callback_url       TEXT NOT NULL DEFAULT '',
    stellar_hash       TEXT NOT NULL DEFAULT '',
    external_id        TEXT NOT NULL DEFAULT '',
    expires_us         BIGINT NOT NULL DEFAULT 0,
    created_us         BIGINT NOT NULL,
    updated_us         BIGINT NOT NULL,
    status_us          BIGINT NOT NULL,
    completed_us       BIGINT NOT NULL DEFAULT 0,
    CHECK (payout_units + refund_units <= credited_units),
    UNIQUE (receiving_account, memo_type, memo)
);
CREATE UNIQUE INDEX transactions_by_quote ON transactions (quote_id) WHERE quote_id <> '';
CREATE INDEX transactions_by_owner ON transactions (owner_account, created_us);
CREATE INDEX transactions_by_sender ON transactions (sender_id) WHERE sender_id IS NOT NULL;
CREATE INDEX transactions_by_receiver ON transactions (receiver_id) WHERE receiver_id IS NOT NULL;
CREATE INDEX transactions_by_status ON transactions (status, created_us);
CREATE INDEX transactions_by_asset ON transactions (asset_id);
CREATE INDEX transactions_expiring ON transactions (receiving_account, expires_us)
    WHERE funded = FALSE AND expires_us > 0 AND status IN ('pending_sender', 'pending_receiver', 'pending_customer_info_update');

CREATE TABLE payments (
    id             TEXT PRIMARY KEY,
    chain          TEXT NOT NULL,
    account        TEXT NOT NULL REFERENCES receiving_accounts (account),
    operation_id   BIGINT NOT NULL,
    idx            BIGINT NOT NULL,
    kind           TEXT NOT NULL,
    inner_hash     TEXT NOT NULL,
    outer_hash     TEXT NOT NULL,
    ledger         BIGINT NOT NULL,
    closed_us      BIGINT NOT NULL,
    from_account   TEXT NOT NULL,
    from_muxed_id  TEXT NOT NULL,
    to_muxed_id    TEXT NOT NULL,
    asset_code     TEXT NOT NULL,
    asset_issuer   TEXT NOT NULL,
    amount_units   BIGINT NOT NULL CHECK (amount_units >= 0),
    memo_type      TEXT NOT NULL,
    memo           TEXT NOT NULL,
    judgement      TEXT NOT NULL CHECK (judgement IN ('credited', 'duplicate', 'late', 'amount_mismatch', 'wrong_asset',
                       'unmatched', 'unreadable')),
    state          TEXT NOT NULL CHECK (state IN ('open', 'credited', 'refunding', 'refunded', 'ignored')),
    refund_units   BIGINT NOT NULL DEFAULT 0 CHECK (refund_units >= 0),
    transaction_id TEXT REFERENCES transactions (id),
    reason         TEXT NOT NULL DEFAULT '',
    raw            TEXT NOT NULL DEFAULT '',
    version        BIGINT NOT NULL CHECK (version > 0),
    created_us     BIGINT NOT NULL,
    updated_us     BIGINT NOT NULL,
    CHECK (refund_units <= amount_units),
    CHECK (state <> 'credited' OR transaction_id IS NOT NULL),
    UNIQUE (chain, account, operation_id, idx)
);
CREATE INDEX payments_open ON payments (created_us, id) WHERE state = 'open';
CREATE INDEX payments_by_transaction ON payments (transaction_id) WHERE transaction_id IS NOT NULL;
CREATE INDEX payments_by_hash ON payments (outer_hash);

CREATE TABLE cursors (
    account           TEXT PRIMARY KEY REFERENCES receiving_accounts (account),
    chain             TEXT NOT NULL,
    position          BIGINT NOT NULL,
    through_ledger    BIGINT NOT NULL,
    through_closed_us BIGINT NOT NULL,
    ledger_hash       TEXT NOT NULL,
    started_ledger    BIGINT NOT NULL,
    fence             BIGINT NOT NULL,
    updated_us        BIGINT NOT NULL
);

CREATE TABLE payouts (
    id             TEXT PRIMARY KEY,
    transaction_id TEXT NOT NULL REFERENCES transactions (id),
    number         BIGINT NOT NULL CHECK (number > 0),
    version        BIGINT NOT NULL CHECK (version > 0),
    state          TEXT NOT NULL CHECK (state IN ('waiting', 'ready', 'sending', 'unknown', 'accepted', 'delivered', 'failed',
                       'cancelled', 'returned')),
    waits_for      TEXT NOT NULL DEFAULT '' CHECK (waits_for IN ('', 'kyc', 'info', 'price', 'operator', 'batch')),
    rail           TEXT NOT NULL,
    batch_id       TEXT,
    debit_units    BIGINT NOT NULL CHECK (debit_units > 0),
    amount_units   BIGINT NOT NULL CHECK (amount_units >= 0),
    amount_decimals BIGINT NOT NULL CHECK (amount_decimals BETWEEN 0 AND 18),
    amount_asset   TEXT NOT NULL,
    tries          BIGINT NOT NULL DEFAULT 0,
    next_us        BIGINT NOT NULL DEFAULT 0,
    lease_owner    TEXT NOT NULL DEFAULT '',
    lease_until_us BIGINT NOT NULL DEFAULT 0,
    fence          BIGINT NOT NULL DEFAULT 0,
    created_us     BIGINT NOT NULL,
    updated_us     BIGINT NOT NULL,
    CHECK ((state = 'waiting') = (waits_for <> '')),
    UNIQUE (transaction_id, number)
);
CREATE UNIQUE INDEX payouts_live ON payouts (transaction_id) WHERE state NOT IN ('failed', 'cancelled', 'returned');
CREATE INDEX payouts_ready ON payouts (next_us, id) WHERE state = 'ready';
CREATE INDEX payouts_under_way ON payouts (next_us, id) WHERE state IN ('sending', 'unknown', 'accepted');

CREATE TABLE payout_attempts (
    payout_id        TEXT NOT NULL REFERENCES payouts (id),
    number           BIGINT NOT NULL CHECK (number > 0),
    key              TEXT NOT NULL UNIQUE,
    state            TEXT NOT NULL CHECK (state IN ('sending', 'unknown', 'not_sent', 'accepted', 'delivered', 'failed')),
    sealed_request   TEXT NOT NULL,
    request_hash     TEXT NOT NULL,
    sender_version   BIGINT NOT NULL,
    receiver_version BIGINT NOT NULL,
    sends            BIGINT NOT NULL,
    first_sent_us    BIGINT NOT NULL,
    last_sent_us     BIGINT NOT NULL,
    outcome          TEXT NOT NULL DEFAULT '',
    external_id      TEXT NOT NULL DEFAULT '',
    created_us       BIGINT NOT NULL,
    updated_us       BIGINT NOT NULL,
    PRIMARY KEY (payout_id, number)
);
CREATE UNIQUE INDEX payout_attempts_live ON payout_attempts (payout_id) WHERE state <> 'failed';

CREATE TABLE attempt_answers (
    id          TEXT PRIMARY KEY,
    payout_id   TEXT NOT NULL REFERENCES payouts (id),
    number      BIGINT NOT NULL,
    key         TEXT NOT NULL,
    source      TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    external_id TEXT NOT NULL DEFAULT '',
    why         TEXT NOT NULL DEFAULT '',
    needs       TEXT NOT NULL DEFAULT '',
    fence       BIGINT NOT NULL,
    used        BOOLEAN NOT NULL,
    at_us       BIGINT NOT NULL
);
CREATE INDEX attempt_answers_by_attempt ON attempt_answers (payout_id, number, at_us);

CREATE TABLE events (
    subject_kind TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    seq          BIGINT NOT NULL,
    kind         TEXT NOT NULL,
    from_status  TEXT NOT NULL,
    to_status    TEXT NOT NULL,
    actor        TEXT NOT NULL,
    reason       TEXT NOT NULL DEFAULT '',
    detail       TEXT NOT NULL DEFAULT '',
    at_us        BIGINT NOT NULL,
    PRIMARY KEY (subject_kind, subject_id, seq)
);

CREATE TABLE callbacks (
    id           TEXT PRIMARY KEY,
    subject_kind TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    seq          BIGINT NOT NULL,
    subscriber   TEXT NOT NULL,
    body         TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts     BIGINT NOT NULL DEFAULT 0,
    next_us      BIGINT NOT NULL,
    lease_until_us BIGINT NOT NULL DEFAULT 0,
    fence        BIGINT NOT NULL DEFAULT 0,
    last_answer  TEXT NOT NULL DEFAULT '',
    created_us   BIGINT NOT NULL,
    updated_us   BIGINT NOT NULL,
    UNIQUE (subject_kind, subject_id, seq, subscriber)
);
CREATE INDEX callbacks_due ON callbacks (next_us, id) WHERE state = 'pending';
CREATE INDEX callbacks_in_order ON callbacks (subject_kind, subject_id, subscriber, seq) WHERE state = 'pending';

CREATE TABLE idempotency_keys (
    owner        TEXT NOT NULL,
    key          TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    answer       TEXT NOT NULL,
    expires_us   BIGINT NOT NULL,
    PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_keys_expiring ON idempotency_keys (expires_us);

CREATE TABLE leases (
    name     TEXT PRIMARY KEY,
    owner    TEXT NOT NULL,
    until_us BIGINT NOT NULL,
    fence    BIGINT NOT NULL
);

CREATE TABLE used_challenges (
    hash       TEXT PRIMARY KEY,
    expires_us BIGINT NOT NULL
);
CREATE INDEX used_challenges_expiring ON used_challenges (expires_us);

INSERT INTO meta (name, value) VALUES ('oldest_program', '1'), ('chain', ''), ('restored', '');

-- +goose Down
DROP TABLE used_challenges;
DROP TABLE leases;
DROP TABLE idempotency_keys;
DROP TABLE callbacks;
DROP TABLE events;
DROP TABLE attempt_answers;
DROP TABLE payout_attempts;
DROP TABLE payouts;
DROP TABLE cursors;
DROP TABLE payments;
DROP TABLE transactions;
DROP TABLE customer_fields;
DROP TABLE customer_statuses;
DROP TABLE customers;
DROP TABLE assets;
DROP TABLE receiving_accounts;
DROP TABLE meta;
