package payments_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

const (
	passphrase = "Standalone Network ; February 2017"
	code       = "USDC"
	issuer     = "GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN"
	sender     = "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7"
	method     = "SEPA"
	rail       = "bank"
	unit       = int64(10_000_000) // of one whole unit of the asset
)

// genesis is when ledger 0 of the tests' network closed; each one after it closes five seconds later.
func closedAt(ledger int64) time.Time {
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(ledger) * 5 * time.Second)
}

func position(ledger, transaction, operation int64) int64 {
	return ledger<<32 | transaction<<12 | operation
}

// books is a database with an asset and a receiving account.
type books struct {
	db      *store.DB
	service *payments.Service
	asset   store.Asset
	account string
}

func railOf(fundingMethod string) string {
	if fundingMethod == method {
		return rail
	}
	return ""
}

func newBooks(t testing.TB, db *store.DB) *books {
	t.Helper()
	b := &books{db: db, service: payments.New(db, nil, payments.Options{Passphrase: passphrase, RailOf: railOf}), account: newAccount()}
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.AddReceivingAccount(ctx, b.account, 2); err != nil {
			return err
		}
		var a store.Asset
		a.Code, a.Issuer, a.Decimals, a.ReceivingAccount, a.FeePercent = code, issuer, 7, b.account, "0"
		a.Enabled, a.Sep31Enabled = true, true
		var err error
		b.asset, err = tx.CreateAsset(ctx, a, anchor.Change{Cause: anchor.CauseCreated, Actor: "test"})
		return err
	}))
	return b
}

var accounts atomic.Int64

func newAccount() string { return fmt.Sprintf("G%055d", accounts.Add(1)) }

// another is the same books with a further receiving account.
func (b *books) another(t testing.TB, fromLedger int64) *books {
	t.Helper()
	next := *b
	next.account = newAccount()
	require.NoError(t, b.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.AddReceivingAccount(ctx, next.account, fromLedger)
		return err
	}))
	return &next
}

// terms are a transaction that was agreed: `units` are due to the memo.
type terms struct {
	memoType, memo string
	units          int64
	expires        time.Time
	change         func(*store.Transaction)
}

func (b *books) agree(t testing.TB, list ...terms) []store.Transaction {
	t.Helper()
	agreed := make([]store.Transaction, len(list))
	require.NoError(t, b.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for i, a := range list {
			var row store.Transaction
			row.ID, row.OwnerAccount, row.AssetID, row.AssetCode, row.AssetIssuer = store.NewID(), sender, b.asset.ID, code, issuer
			row.Decimals, row.FeePercent, row.ReceivingAccount, row.ExpectedUnits, row.FundingMethod = 7, "0", b.account, a.units, method
			row.OutUnits, row.OutDecimals, row.OutAsset = a.units, 7, "stellar:"+code+":"+issuer
			if !a.expires.IsZero() {
				row.ExpiresUs = a.expires.UnixMicro()
			}
			row.MemoType = "id"
			if a.memo != "" {
				row.Publish(a.memoType, a.memo)
			}
			if a.change != nil {
				a.change(&row)
			}
			var err error
			if agreed[i], err = tx.CreateTransaction(ctx, row, anchor.Change{Cause: anchor.CauseCreated, Actor: "test"}); err != nil {
				return err
			}
		}
		return nil
	}))
	return agreed
}

func id(memo string, units int64) terms { return terms{memoType: "id", memo: memo, units: units} }

// pays is a payment of the right asset with a memo of type id; an empty memo is none.
func (b *books) pays(at int64, memo string, units int64) stellar.Payment {
	p := stellar.Payment{
		Account: b.account, OperationID: at, Kind: stellar.KindPayment, InnerHash: hashOf(at), OuterHash: hashOf(at), Ledger: at >> 32,
		ClosedAt: closedAt(at >> 32), From: sender, To: b.account, AssetCode: code, AssetIssuer: issuer, Units: units,
		MemoType: stellar.MemoNone,
	}
	if memo != "" {
		p.MemoType, p.Memo = stellar.MemoID, memo
	}
	return p
}

// hashOf is the same for all operations of one Stellar transaction.
func hashOf(at int64) string { return fmt.Sprintf("%064x", at>>12) }

// page is one that ends with the payments given, at the head of the network.
func page(through int64, list ...stellar.Payment) stellar.Page {
	p := stellar.Page{Records: len(list), Payments: list, Through: ledger(through), Elder: 1}
	if len(list) > 0 {
		p.Position = list[len(list)-1].OperationID
	}
	return p
}

func ledger(sequence int64) stellar.Ledger {
	return stellar.Ledger{Sequence: sequence, ClosedAt: closedAt(sequence), Hash: "hash of ledger " + fmt.Sprint(sequence)}
}

func (b *books) open(t testing.TB, fence int64) store.Cursor {
	t.Helper()
	c, err := b.service.Open(t.Context(), b.account, fence)
	require.NoError(t, err)
	return c
}

// apply applies payments at the head of the network and returns the transaction rows afterwards.
func (b *books) apply(t testing.TB, through int64, list ...stellar.Payment) {
	t.Helper()
	from := b.open(t, 1)
	p := page(through, list...)
	p.Position = max(p.Position, from.Position)
	_, err := b.service.Apply(t.Context(), from, p, 1)
	require.NoError(t, err)
}

func (b *books) transaction(t testing.TB, id string) store.Transaction {
	t.Helper()
	row, err := b.db.TransactionByID(t.Context(), id)
	require.NoError(t, err)
	return row
}

func (b *books) payments(t testing.TB) []store.Payment {
	t.Helper()
	list, err := b.db.Payments(t.Context(), store.PaymentFilter{Limit: 10_000})
	require.NoError(t, err)
	var own []store.Payment
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Account == b.account {
			own = append(own, list[i])
		}
	}
	return own
}

func judgements(list []store.Payment) string {
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = string(p.Judgement)
	}
	return strings.Join(words, " ")
}
