package bench_test

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

const (
	actor        = "bench"
	assetCode    = "USDC"
	method       = "SEPA"
	rail         = "bank"
	senderType   = "sep31-sender"
	receiverType = "sep31-receiver"
	unit         = int64(10_000_000)
	perPage      = 200
)

// books is a database with an asset, its account, and two accepted customers between whom transactions are agreed.
type books struct {
	db              *store.DB
	service         *payments.Service
	asset           store.Asset
	sending, sender string // the sending anchor, and the ids of its customers
	receiver        string
	nextMemo        int
}

func newBooks(b *testing.B, db *store.DB, sending, account, issuer, passphrase string) *books {
	k := &books{db: db, sending: sending}
	k.service = payments.New(db, nil, payments.Options{Passphrase: passphrase, RailOf: func(string) string { return rail }})
	require.NoError(b, db.Tx(b.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.AddReceivingAccount(ctx, account, 2); err != nil {
			return err
		}
		var a store.Asset
		a.Code, a.Issuer, a.Decimals, a.ReceivingAccount, a.FeePercent = assetCode, issuer, 7, account, "0"
		a.Enabled, a.Sep31Enabled = true, true
		var err error
		k.asset, err = tx.CreateAsset(ctx, a, anchor.Change{Cause: anchor.CauseCreated, Actor: actor})
		return err
	}))
	k.sender = k.customer(b, "1", senderType)
	k.receiver = k.customer(b, "2", receiverType)
	return k
}

// customer registers a customer that is accepted for a type.
func (k *books) customer(b *testing.B, memo, customerType string) string {
	var c store.Customer
	require.NoError(b, k.db.Tx(b.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		if c, err = tx.CreateCustomer(ctx, store.Owner{Account: k.sending, MemoType: "id", Memo: memo}, actor); err != nil {
			return err
		}
		_, err = tx.AdvanceCustomer(ctx, c, store.CustomerChange{
			Cause: store.CustomerGave, Actor: actor,
			Values:   map[string]store.CustomerValue{"first_name": {Data: []byte("Ada")}, "last_name": {Data: []byte("Lovelace")}},
			Statuses: map[string]store.DecidedStatus{customerType: {Status: anchor.CustomerAccepted}},
		})
		return err
	}))
	return c.ID
}

// agree agrees on n transactions of one unit each and answers their memos, ids in decimal.
func (k *books) agree(b *testing.B, n int) []string {
	memos := make([]string, n)
	for i := range memos {
		k.nextMemo++
		memos[i] = strconv.Itoa(k.nextMemo)
	}
	for from := 0; from < n; from += perPage {
		require.NoError(b, k.db.Tx(b.Context(), func(ctx context.Context, tx *store.Tx) error {
			for _, memo := range memos[from:min(from+perPage, n)] {
				if _, err := tx.CreateTransaction(ctx, k.terms(memo), anchor.Change{Cause: anchor.CauseCreated, Actor: actor}); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	return memos
}

func (k *books) terms(memo string) store.Transaction {
	var t store.Transaction
	t.ID, t.OwnerAccount, t.AssetID, t.AssetCode, t.AssetIssuer = store.NewID(), k.sending, k.asset.ID, assetCode, k.asset.Issuer
	t.Decimals, t.FeePercent, t.ReceivingAccount, t.ExpectedUnits, t.FundingMethod = 7, "0", k.asset.ReceivingAccount, unit, method
	t.OutUnits, t.OutDecimals, t.OutAsset = unit, 7, "stellar:"+assetCode+":"+k.asset.Issuer
	t.TakePart(k.sender, senderType, k.receiver, receiverType)
	t.Publish("id", memo)
	return t
}

// openRaw opens the database of a benchmark without the store, as durable as the store has it.
func openRaw(b *testing.B, url string, connections int) *sql.DB {
	driver := "pgx"
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, connections = "sqlite", 1
		url = "file:" + path + "?_txlock=immediate&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=temp_store(2)"
	}
	db, err := sql.Open(driver, url)
	require.NoError(b, err)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	return db
}

// analyze does what both engines do by themselves after a while: a database that has just been filled plans as if it were empty.
func analyze(b *testing.B, db *sql.DB) {
	_, err := db.ExecContext(b.Context(), "ANALYZE")
	require.NoError(b, err)
}

func count(b *testing.B, db *sql.DB, query string, args ...any) int {
	var n int
	require.NoError(b, db.QueryRowContext(b.Context(), query, args...).Scan(&n))
	return n
}
