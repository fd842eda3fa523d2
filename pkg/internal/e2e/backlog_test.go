package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/internal/sender"
)

func TestPayments_that_arrived_while_no_watcher_ran_are_all_credited_when_one_starts(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		const transfers, strays = 1000, 5
		w := newWorld(t, engine, plan{})
		ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
		defer cancel()
		serve := w.start(roleServe)
		a := w.sendingAnchors(ctx, 1)[0]
		agreed := w.agreeAll(ctx, a, transfers)

		payer := w.payer(a.account)
		for i, state := range agreed {
			payer.pay(state.Account, memoOf(t, state), a.transfer(i).Amount)
		}
		for i := range strays {
			payer.pay(agreed[0].Account, txnbuild.MemoID(i), "1")
		}
		payer.await()
		require.Zero(t, w.db.number("SELECT COUNT(*) FROM payments"))

		watch := w.start(roleWatch)
		w.await("every transaction is funded", func() bool {
			return w.db.number("SELECT COUNT(*) FROM transactions WHERE funded = TRUE") == transfers
		})
		w.await("every stray payment is stored", func() bool {
			return w.db.number("SELECT COUNT(*) FROM payments WHERE state = 'open' AND judgement = 'unmatched'") == strays
		})
		watch.awaitReady()
		stopAll([]*role{serve, watch})
		w.requireInvariants()
		require.EqualValues(t, transfers, w.db.number("SELECT COUNT(*) FROM payouts WHERE state = 'ready'"))
	})
}

// agreeAll opens transactions, some at a time.
func (w *world) agreeAll(ctx context.Context, a *sendingAnchor, count int) []sender.State {
	w.Helper()
	agreed := make([]sender.State, count)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for i := range agreed {
		group.Go(func() (err error) {
			agreed[i], err = a.Agree(ctx, a.transfer(i))
			return err
		})
	}
	require.NoError(w, group.Wait())
	return agreed
}

// payer pays from one account, any number of payments per ledger, without waiting for any.
type payer struct {
	*world
	account  *keypair.Full
	sequence int64
	asset    txnbuild.Asset
	last     string // hash of the last payment
}

func (w *world) payer(account *keypair.Full) *payer {
	w.Helper()
	p := &payer{world: w, account: account, asset: txnbuild.CreditAsset{Code: assetCode, Issuer: w.issuer.Address()}}
	for _, tx := range w.network.Transactions() {
		if tx.Source == account.Address() {
			p.sequence = tx.Sequence
		}
	}
	require.NotZero(w, p.sequence, "the account has made transactions")
	return p
}

func (p *payer) pay(to string, memo txnbuild.Memo, amount string) {
	p.Helper()
	tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount:        &txnbuild.SimpleAccount{AccountID: p.account.Address(), Sequence: p.sequence},
		IncrementSequenceNum: true, BaseFee: txnbuild.MinBaseFee, Memo: memo,
		Operations:    []txnbuild.Operation{&txnbuild.Payment{Destination: to, Amount: amount, Asset: p.asset}},
		Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewInfiniteTimeout()},
	})
	require.NoError(p, err)
	tx, err = tx.Sign(p.network.Passphrase(), p.account)
	require.NoError(p, err)
	envelope, err := tx.Base64()
	require.NoError(p, err)
	p.last, err = p.network.Submit(envelope)
	require.NoError(p, err)
	p.sequence++
}

// await waits until all payments are in ledgers, and checks that they succeeded.
func (p *payer) await() {
	p.Helper()
	p.network.CloseLedger()
	for _, tx := range p.network.Transactions() {
		if tx.Source == p.account.Address() {
			require.True(p, tx.Successful, "%s: %v", tx.Hash, tx.OperationCodes)
		}
		if tx.Hash == p.last {
			return
		}
	}
	require.Fail(p, "the last payment is in no ledger")
}

// memoOf is the memo with which a transaction is to be paid.
func memoOf(t *testing.T, s sender.State) txnbuild.Memo {
	t.Helper()
	switch s.MemoType {
	case "id":
		id, err := strconv.ParseUint(s.Memo, 10, 64)
		require.NoError(t, err)
		return txnbuild.MemoID(id)
	case "hash":
		raw, err := base64.StdEncoding.DecodeString(s.Memo)
		require.NoError(t, err)
		require.Len(t, raw, 32)
		return txnbuild.MemoHash(raw)
	}
	require.Fail(t, fmt.Sprintf("memo type %q", s.MemoType))
	return nil
}
