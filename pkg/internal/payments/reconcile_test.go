package payments_test

import (
	"context"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// everythingHappens moves money in and out of the account in every way that the network knows.
func (a *audited) everythingHappens() {
	a.Helper()
	dollars := a.dollars.Code + ":" + a.dollars.Issuer
	require.NoError(a, a.network.SetRate("native", dollars, unit/10))
	require.NoError(a, a.network.SetRate(dollars, "native", 9*unit))
	a.pay(a.payer, txnbuild.MemoID(1), lumens(a.account, "10"), a.dollarsTo(a.account, "20"))
	a.pay(a.payer, nil, &txnbuild.PathPaymentStrictSend{
		SendAsset: txnbuild.NativeAsset{}, SendAmount: "30", Destination: a.account, DestAsset: a.dollars, DestMin: "1",
	})
	gone := keypair.MustRandom()
	require.NoError(a, a.horizon.Friendbot(a.Context(), gone.Address()))
	a.pay(gone, nil, &txnbuild.AccountMerge{Destination: a.account})
	a.pay(a.own, nil, a.dollarsTo(a.payer.Address(), "5"), lumens(a.payer.Address(), "1"))
	a.pay(a.own, nil, &txnbuild.PathPaymentStrictReceive{
		SendAsset: a.dollars, SendMax: "2", Destination: a.payer.Address(), DestAsset: txnbuild.NativeAsset{}, DestAmount: "9",
	})
	a.pay(a.own, nil, &txnbuild.CreateAccount{Destination: keypair.MustRandom().Address(), Amount: "3"})
	a.pay(a.own, nil, lumens(a.account, "7"))
	a.pay(a.own, nil, &txnbuild.PathPaymentStrictSend{
		SendAsset: txnbuild.NativeAsset{}, SendAmount: "20", Destination: a.account, DestAsset: a.dollars, DestMin: "1",
	})
	a.byContract(
		sandbox.AssetChange{Kind: "transfer", From: a.payer.Address(), To: a.account, Asset: dollars, Units: 4 * unit},
		sandbox.AssetChange{Kind: "transfer", From: a.account, To: a.payer.Address(), Asset: dollars, Units: unit},
		sandbox.AssetChange{Kind: "transfer", From: a.account, To: a.account, Asset: "native", Units: unit},
		sandbox.AssetChange{Kind: "mint", To: a.account, Asset: dollars, Units: 2 * unit},
	)
	a.byContract(sandbox.AssetChange{Kind: "clawback", From: a.account, Asset: dollars, Units: unit})
}

func TestBooks_that_know_everything_agree_with_the_ledger_to_the_last_stroop(t *testing.T) {
	t.Parallel()
	eachAudited(t, func(t *testing.T, a *audited) {
		a.everythingHappens()
		first := a.audit()
		require.Empty(t, a.found())
		require.Contains(t, first.Baseline, "from its creation")
		require.Positive(t, first.FeesUnits)
		require.Positive(t, first.Operations)
		require.NotEmpty(t, first.Other, "a clawback and what it paid to itself are its own affairs")
		a.requireBalances(first)

		a.everythingHappens()
		second := a.audit()
		require.Empty(t, a.found())
		require.Empty(t, second.Baseline, "said once")
		a.requireBalances(second)

		third := a.compare()
		require.Zero(t, third.Operations, "what was compared is not read again")
	})
}

// requireBalances checks a report against the network's own books.
func (a *audited) requireBalances(r payments.AccountReport) {
	a.Helper()
	require.NotEmpty(a, r.Balances)
	for _, b := range r.Balances {
		units, ok := a.network.Balance(a.account, b.Asset.String())
		require.True(a, ok)
		require.Equal(a, units, b.Books, b.Asset)
		require.Equal(a, units, b.Ledger, b.Asset)
	}
}

func TestWhat_no_watcher_has_read_yet_is_no_drift_and_counts_in_the_balance(t *testing.T) {
	t.Parallel()
	eachAudited(t, func(t *testing.T, a *audited) {
		a.audit()
		a.everythingHappens()
		behind := a.compare()
		require.Empty(t, a.found())
		require.Zero(t, behind.Operations)
		a.requireBalances(behind)
		a.audit()
		require.Empty(t, a.found())
	})
}

func TestA_payment_that_the_books_do_not_know_is_named_until_it_is_read(t *testing.T) {
	t.Parallel()
	eachAudited(t, func(t *testing.T, a *audited) {
		a.audit()
		var missed stellar.Payment
		a.lie = func(p *stellar.Page) {
			if len(p.Payments) > 0 {
				missed, p.Payments = p.Payments[0], p.Payments[1:]
			}
		}
		a.pay(a.payer, nil, a.dollarsTo(a.account, "20"))
		a.audit()
		open := a.openFindings()
		require.Len(t, open, 1)
		f := open[0]
		require.Equal(t, string(store.FoundMissingPayment), f.Kind)
		require.Equal(t, missed.OperationID, f.OperationID)
		require.Equal(t, a.account, f.Account)
		require.Equal(t, store.AssetName{Code: "USDC", Issuer: a.dollars.Issuer}, f.Asset())
		require.Equal(t, 20*unit, f.LedgerUnits)
		require.Contains(t, f.Detail, missed.OuterHash)

		a.compare()
		require.Equal(t, open[0].ID, a.openFindings()[0].ID, "stored once, however often it is found")

		a.lie = nil
		require.NoError(t, a.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.RewindCursor(ctx, a.account, missed.Ledger)
		}))
		a.audit()
		require.Empty(t, a.found(), "read at last")
	})
}

func TestWhat_left_and_the_books_do_not_know_is_named(t *testing.T) {
	t.Parallel()
	eachAudited(t, func(t *testing.T, a *audited) {
		a.audit()
		a.lie = func(p *stellar.Page) { p.Outgoing = nil }
		a.pay(a.own, nil, lumens(a.payer.Address(), "11"))
		a.audit()
		require.Equal(t, string(store.FoundMissingOutgoing), a.found())
		require.Equal(t, 11*unit, a.openFindings()[0].LedgerUnits)
	})
}

func TestAnother_amount_and_a_payment_that_never_was_are_named(t *testing.T) {
	t.Parallel()
	eachAudited(t, func(t *testing.T, a *audited) {
		a.audit()
		a.lie = func(p *stellar.Page) {
			if len(p.Payments) > 0 {
				p.Payments[0].Units += unit
				ghost := p.Payments[0]
				ghost.Index++
				p.Payments = append(p.Payments[:1], ghost)
			}
		}
		a.pay(a.payer, nil, lumens(a.account, "2"))
		a.audit()
		require.ElementsMatch(t, []string{string(store.FoundWrongAmount), string(store.FoundNoPayment)},
			[]string{a.openFindings()[0].Kind, a.openFindings()[1].Kind})
		for _, f := range a.openFindings() {
			require.Equal(t, 3*unit, f.BookUnits)
		}
	})
}

func TestA_payment_by_an_operation_that_did_nothing_to_the_account_is_named(t *testing.T) {
	t.Parallel()
	eachAudited(t, func(t *testing.T, a *audited) {
		a.audit()
		var ghost stellar.Payment
		a.lie = func(p *stellar.Page) {
			if n := len(p.Payments); n > 0 {
				ghost = p.Payments[n-1]
				ghost.OperationID += 7
				p.Payments, p.Position = append(p.Payments, ghost), max(p.Position, ghost.OperationID)
			}
		}
		a.pay(a.payer, nil, lumens(a.account, "2"))
		a.audit()
		require.Equal(t, string(store.FoundNoPayment), a.found())
		require.Equal(t, ghost.OperationID, a.openFindings()[0].OperationID)
		a.compare()
		require.Equal(t, string(store.FoundNoPayment), a.found(), "it is there as long as the books have it")
	})
}

func TestA_balance_that_nothing_explains_is_found_once_and_can_be_accepted(t *testing.T) {
	t.Parallel()
	eachAudited(t, func(t *testing.T, a *audited) {
		a.audit()
		a.tamper.change = func(account *stellar.Account) {
			for i := range account.Balances {
				if account.Balances[i].AssetIssuer == "" {
					account.Balances[i].Units -= 5 * unit
				}
			}
		}
		a.compare()
		require.Equal(t, string(store.FoundBalance), a.found())
		f := a.openFindings()[0]
		require.Equal(t, -5*unit, f.LedgerUnits-f.BookUnits)
		require.Equal(t, stellar.NativeCode, f.AssetCode)

		accepted, err := a.reconciler().Accept(t.Context(), f.ID, "operator:ada", "burnt on purpose")
		require.NoError(t, err)
		require.Equal(t, store.FindingAccepted, accepted.State)
		a.pay(a.payer, nil, lumens(a.account, "2"))
		a.audit()
		require.Empty(t, a.found(), "it is taken as it is from now on")
		a.tamper.change = nil
		a.audit()
		require.Equal(t, string(store.FoundBalance), a.found(), "and the next drift shows")
		_, err = a.reconciler().Accept(t.Context(), "nothing", "operator:ada", "?")
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestA_drift_of_the_balance_that_goes_away_is_gone(t *testing.T) {
	t.Parallel()
	eachAudited(t, func(t *testing.T, a *audited) {
		a.audit()
		a.tamper.change = func(account *stellar.Account) { account.Balances = account.Balances[:1] }
		a.compare()
		require.NotEmpty(t, a.found())
		a.tamper.change = nil
		a.compare()
		require.Empty(t, a.found())
	})
}

func TestAn_account_that_existed_before_begins_with_what_it_held(t *testing.T) {
	t.Parallel()
	eachAudited(t, func(t *testing.T, a *audited) {
		a.pay(a.payer, nil, a.dollarsTo(a.account, "20"))
		a.account = a.payer.Address() // which has a history that is not ours
		from := a.network.Latest().Sequence + 1
		require.NoError(t, a.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.AddReceivingAccount(ctx, a.account, from)
			return err
		}))
		a.pay(a.maker, nil, a.dollarsTo(a.account, "3"))
		a.watch()
		first := a.ofAccount()
		require.Equal(t, from, first.FromLedger)
		require.Contains(t, first.Baseline, "taken from what it holds now")
		a.pay(a.maker, nil, a.dollarsTo(a.account, "4"))
		a.watch()
		a.requireBalances(a.ofAccount())
		require.Empty(t, a.found())
	})
}

// ofAccount compares and answers what came of the present account, whatever came of others.
func (a *audited) ofAccount() payments.AccountReport {
	a.Helper()
	report, _ := a.reconciler().Once(a.Context()) // the other account was never read, which is an error
	for _, r := range report.Accounts {
		if r.Account == a.account {
			require.Empty(a, r.Failure)
			return r
		}
	}
	require.Fail(a, "the account was not compared")
	return payments.AccountReport{}
}

func TestAn_account_that_was_never_read_is_not_taken_to_agree(t *testing.T) {
	t.Parallel()
	eachAudited(t, func(t *testing.T, a *audited) {
		report, err := a.reconciler().Once(t.Context())
		require.ErrorContains(t, err, "is watch-transactions running?")
		require.NotEmpty(t, report.Accounts[0].Failure)
	})
}

func TestHistory_that_was_never_compared_and_is_gone_stops_until_somebody_begins_anew(t *testing.T) {
	t.Parallel()
	eachAudited(t, func(t *testing.T, a *audited) {
		compared := a.audit()
		a.pay(a.payer, nil, lumens(a.account, "2"))
		a.watch()
		a.tamper.elder = compared.ThroughLedger + 2
		_, err := a.reconciler().Once(t.Context())
		var unknown *payments.UnknownHistoryError
		require.ErrorAs(t, err, &unknown)
		require.Contains(t, unknown.Error(), "--rebase")

		require.NoError(t, a.reconciler().Rebase(t.Context(), a.account, "operator:ada", "this Horizon keeps a year"))
		a.tamper.elder = 0
		a.pay(a.payer, nil, lumens(a.account, "3"))
		require.NotEmpty(t, a.audit().Baseline)
		a.pay(a.payer, nil, lumens(a.account, "4"))
		a.requireBalances(a.audit())
		require.Empty(t, a.found())
	})
}

func TestA_transaction_whose_sums_are_not_those_of_its_rows_is_named_until_they_are(t *testing.T) {
	t.Parallel()
	eachAudited(t, func(t *testing.T, a *audited) {
		inDollars := func(row *store.Transaction) { row.AssetIssuer = a.dollars.Issuer }
		agreed := a.agree(t, terms{memoType: "id", memo: "1", units: 20 * unit, change: inDollars}, terms{memoType: "id", memo: "2", units: 5 * unit, change: inDollars})
		a.pay(a.payer, txnbuild.MemoID(1), a.dollarsTo(a.account, "20"))
		a.audit()
		require.Empty(t, a.found())
		report, err := a.reconciler().Once(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2, report.Books.Transactions)
		require.Equal(t, []payments.Cover{{
			Account: a.account, Asset: store.AssetName{Code: "USDC", Issuer: a.dollars.Issuer}, UnderWay: 20 * unit,
		}, {Account: a.account, Asset: store.AssetName{Code: stellar.NativeCode}, Open: 10_000 * unit}}, report.Books.Cover)

		alter := func(by int64) {
			require.NoError(t, a.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				row, err := tx.LockTransaction(ctx, agreed[1].ID)
				if err != nil {
					return err
				}
				row.CreditedUnits += by
				_, err = tx.Advance(ctx, row, noted("altered"))
				return err
			}))
		}
		alter(3)
		a.compare()
		require.Equal(t, string(store.FoundTransaction), a.found())
		f := a.openFindings()[0]
		require.Equal(t, agreed[1].ID, f.TransactionID)
		require.Zero(t, f.LedgerUnits)
		require.EqualValues(t, 3, f.BookUnits)
		require.Contains(t, f.Detail, "payments add up to 0")
		alter(-3)
		a.compare()
		require.Empty(t, a.found())
	})
}
