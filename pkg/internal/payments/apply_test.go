package payments_test

import (
	"context"
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func each(t *testing.T, test func(t *testing.T, b *books)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, newBooks(t, db)) })
}

func TestAnExactPaymentFundsItsTransactionAndReadiesItsPayout(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, terms{memoType: "id", memo: "7", units: 100 * unit, change: func(row *store.Transaction) {
			row.CallbackUrl, row.OutUnits, row.OutDecimals, row.OutAsset = "https://sender.example/callback", 9850, 2, "iso4217:BRL"
		}})[0]
		paid := b.pays(position(10, 1, 1), "7", 100*unit)
		paid.OuterHash = hashOf(position(99, 0, 0))
		b.apply(t, 12, paid)

		row := b.transaction(t, agreed.ID)
		require.Equal(t, anchor.StatusPendingReceiver, row.Status)
		require.True(t, row.Funded)
		require.Equal(t, 100*unit, row.CreditedUnits)
		require.Equal(t, 100*unit, row.PayoutUnits)
		require.Zero(t, row.Held())
		require.Equal(t, paid.OuterHash, row.StellarHash, "explorers know the outer hash")
		require.Equal(t, agreed.Version+1, row.Version)

		payouts, err := b.db.PayoutsOf(t.Context(), agreed.ID)
		require.NoError(t, err)
		require.Len(t, payouts, 1)
		p := payouts[0]
		require.Equal(t, anchor.PayoutReady, p.State)
		require.Equal(t, rail, p.Rail)
		require.Equal(t, 100*unit, p.DebitUnits, "it takes all that is held, the fee included")
		require.Equal(t, []any{int64(9850), int64(2), "iso4217:BRL"}, []any{p.AmountUnits, p.AmountDecimals, p.AmountAsset})

		history, err := b.db.History(t.Context(), store.SubjectTransaction, agreed.ID)
		require.NoError(t, err)
		require.Len(t, history, 2)
		require.Equal(t, string(anchor.CauseFunded), history[1].Kind)
		require.True(t, json.Valid([]byte(history[1].Detail)))
		history, err = b.db.History(t.Context(), store.SubjectPayout, p.ID)
		require.NoError(t, err)
		require.Len(t, history, 1)

		stored := b.payments(t)
		require.Len(t, stored, 1)
		require.Equal(t, anchor.PaymentCredited, stored[0].State)
		require.Equal(t, agreed.ID, stored[0].TransactionID.String)
		require.Equal(t, closedAt(10).UnixMicro(), stored[0].ClosedUs)

		c, err := b.db.CursorOf(t.Context(), b.account)
		require.NoError(t, err)
		require.Equal(t, paid.OperationID, c.Position)
		require.Equal(t, int64(12), c.ThroughLedger)
		require.Equal(t, closedAt(12), c.ThroughClosed())
	})
}

func TestAPaymentIsMatchedByMemoTypeMemoAndMuxedDestination(t *testing.T) {
	t.Parallel()
	hash := hashOf(position(5, 5, 0))
	each(t, func(t *testing.T, b *books) {
		withMemo := func(memoType, memo, muxed string) func(*stellar.Payment) {
			return func(p *stellar.Payment) { p.MemoType, p.Memo, p.ToMuxedID = memoType, memo, muxed }
		}
		agreed := b.agree(t, id("7", unit), id("8", unit), terms{memoType: "hash", memo: hash, units: unit}, id("18446744073709551615", unit),
			terms{memoType: "text", memo: "Nw==", units: unit}, id("9", unit), id("10", unit), id("11", unit))
		for i, c := range []struct {
			name   string
			change func(*stellar.Payment)
			want   anchor.Judgement
			to     int // index of the transaction, -1 for none
		}{
			{"no memo at all", withMemo("none", "", ""), anchor.JudgedUnmatched, -1},
			{"an unknown memo", withMemo("id", "6", ""), anchor.JudgedUnmatched, -1},
			{"a return memo with the bytes of a hash memo", withMemo("return", hash, ""), anchor.JudgedUnmatched, -1},
			{"a return memo beside a muxed destination", withMemo("return", hash, "7"), anchor.JudgedUnmatched, -1},
			{"memo and muxed destination of different transactions", withMemo("id", "7", "8"), anchor.JudgedUnmatched, -1},
			{"an unknown memo beside the muxed destination of a transaction", withMemo("text", "Zm9v", "7"), anchor.JudgedUnmatched, -1},
			{"the text that looks like an id", withMemo("text", "Nw==", ""), anchor.JudgedCredited, 4},
			{"the id", withMemo("id", "7", ""), anchor.JudgedCredited, 0},
			{"the hash", withMemo("hash", hash, ""), anchor.JudgedCredited, 2},
			{"the largest id", withMemo("id", "18446744073709551615", ""), anchor.JudgedCredited, 3},
			{"the muxed destination alone", withMemo("none", "", "8"), anchor.JudgedCredited, 1},
			{"the same twice", withMemo("id", "9", "9"), anchor.JudgedCredited, 5},
			{"a memo beside a muxed destination that names nothing", withMemo("id", "10", "4711"), anchor.JudgedCredited, 6},
			{"the id a second time", withMemo("id", "7", ""), anchor.JudgedDuplicate, 0},
		} {
			p := b.pays(position(10+int64(i), 1, 1), "", unit)
			c.change(&p)
			b.apply(t, 10+int64(i), p)
			stored := b.payments(t)
			last := stored[len(stored)-1]
			require.Equal(t, c.want, last.Judgement, c.name)
			if c.to < 0 {
				require.False(t, last.TransactionID.Valid, c.name)
			} else {
				require.Equal(t, agreed[c.to].ID, last.TransactionID.String, c.name)
			}
		}
		require.False(t, b.transaction(t, agreed[7].ID).Funded)
	})
}

func TestAPaymentToAnotherReceivingAccountIsNotMatched(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, id("7", unit))
		other := b.another(t, 2)
		other.apply(t, 10, other.pays(position(9, 1, 1), "7", unit))
		require.Equal(t, "unmatched", judgements(other.payments(t)))
		require.False(t, b.transaction(t, agreed[0].ID).Funded)
	})
}

func TestATransactionWhoseMemoIsNotPublishedIsNotMatched(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b.agree(t, terms{units: unit})
		empty := b.pays(position(9, 1, 1), "", unit)
		empty.MemoType = stellar.MemoID
		b.apply(t, 10, empty)
		require.Equal(t, "unmatched", judgements(b.payments(t)))
	})
}

func TestTheOperationsOfOneStellarTransactionAreJudgedByTheirSum(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, id("7", 100*unit), id("8", 100*unit))
		other := b.pays(position(10, 1, 3), "7", 5*unit)
		other.AssetCode = "EURC"
		muxed := b.pays(position(10, 3, 2), "8", 30*unit)
		muxed.ToMuxedID = "8"
		b.apply(t, 12,
			b.pays(position(10, 1, 1), "7", 60*unit), b.pays(position(10, 1, 2), "7", 40*unit), other,
			b.pays(position(10, 2, 1), "8", 70*unit), // short of its sum, and another Stellar transaction
			b.pays(position(10, 3, 1), "8", 70*unit), muxed,
			b.pays(position(11, 1, 1), "7", 100*unit))
		require.Equal(t, "credited credited wrong_asset amount_mismatch credited credited duplicate", judgements(b.payments(t)))
		for _, a := range agreed {
			row := b.transaction(t, a.ID)
			require.True(t, row.Funded)
			require.Equal(t, 100*unit, row.CreditedUnits)
		}
	})
}

func TestAMuxedPartOfASumOnAnotherTransactionBelongsToNeither(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b.agree(t, id("7", 100*unit), id("8", 50*unit))
		contradicting := b.pays(position(10, 1, 2), "7", 50*unit)
		contradicting.ToMuxedID = "8"
		b.apply(t, 12, b.pays(position(10, 1, 1), "7", 100*unit), contradicting)
		require.Equal(t, "credited unmatched", judgements(b.payments(t)))
	})
}

func TestAnUnreadablePaymentIsKeptAsReceived(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, id("7", unit))
		b.apply(t, 12, stellar.Payment{
			Account: b.account, OperationID: position(10, 1, 1), Kind: stellar.KindUnknown, Ledger: 10, Unreadable: "the operation type is not known",
			Raw: json.RawMessage(`{"type":"new\u0000"}`),
		}, b.pays(position(10, 2, 1), "7", unit))
		stored := b.payments(t)
		require.Equal(t, "unreadable credited", judgements(stored))
		require.Equal(t, anchor.PaymentOpen, stored[0].State)
		require.JSONEq(t, `{"type":"new\u0000"}`, stored[0].Raw)
		require.Equal(t, "the operation type is not known", stored[0].Reason)
		require.True(t, b.transaction(t, agreed[0].ID).Funded)
	})
}

func TestMoneyIsCreditedWhateverTheKYCSaysAndThePayoutWaits(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		for _, c := range []struct {
			memo   string
			status anchor.CustomerStatus // of the receiver; empty: never judged
			state  anchor.PayoutState
			waits  anchor.WaitsFor
			after  anchor.Status
		}{
			{"1", anchor.CustomerAccepted, anchor.PayoutReady, anchor.WaitsForNothing, anchor.StatusPendingReceiver},
			{"2", anchor.CustomerProcessing, anchor.PayoutWaiting, anchor.WaitsForKYC, anchor.StatusPendingReceiver},
			{"3", anchor.CustomerRejected, anchor.PayoutWaiting, anchor.WaitsForKYC, anchor.StatusPendingReceiver},
			{"4", anchor.CustomerNeedsInfo, anchor.PayoutWaiting, anchor.WaitsForKYC, anchor.StatusPendingCustomerInfoUpdate},
			{"5", "", anchor.PayoutWaiting, anchor.WaitsForKYC, anchor.StatusPendingCustomerInfoUpdate},
		} {
			receiver, payer := b.customer(t, c.memo, c.status), b.customer(t, "sender of "+c.memo, anchor.CustomerAccepted)
			agreed := b.agree(t, terms{memoType: "id", memo: c.memo, units: unit, change: func(row *store.Transaction) {
				row.TakePart(payer, customerType, receiver, customerType)
				row.CallbackUrl = "https://sender.example/callback"
			}})[0]
			b.apply(t, 12, b.pays(position(12, 1, 1)+int64(len(b.payments(t))), c.memo, unit))
			row := b.transaction(t, agreed.ID)
			require.True(t, row.Funded, c.memo)
			require.Equal(t, c.after, row.Status, c.memo)
			payouts, err := b.db.PayoutsOf(t.Context(), agreed.ID)
			require.NoError(t, err)
			require.Equal(t, []any{c.state, c.waits}, []any{payouts[0].State, payouts[0].WaitsFor}, c.memo)
		}
	})
}

const customerType = "sep31-receiver"

// customer makes a customer of that status in the role of customerType; of an empty one nothing was decided.
func (b *books) customer(t testing.TB, name string, status anchor.CustomerStatus) string {
	t.Helper()
	var made store.Customer
	require.NoError(t, b.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		if made, err = tx.CreateCustomer(ctx, store.Owner{Account: sender, MemoType: "text", Memo: name}, "test"); err != nil || status == "" {
			return err
		}
		made, err = tx.AdvanceCustomer(ctx, made, store.CustomerChange{
			Cause: store.CustomerJudged, Actor: "test", Statuses: map[string]store.DecidedStatus{customerType: {Status: status, Message: "so it is"}},
		})
		return err
	}))
	return made.ID
}

func TestAPayoutWithoutARailOrAnAmountWaitsForAnOperator(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t,
			terms{memoType: "id", memo: "1", units: unit, change: func(row *store.Transaction) { row.FundingMethod = "PIGEON" }},
			terms{memoType: "id", memo: "2", units: unit, change: func(row *store.Transaction) { row.OutUnits = 0 }})
		b.apply(t, 12, b.pays(position(10, 1, 1), "1", unit), b.pays(position(10, 2, 1), "2", unit))
		for _, a := range agreed {
			payouts, err := b.db.PayoutsOf(t.Context(), a.ID)
			require.NoError(t, err)
			require.Equal(t, anchor.WaitsForOperator, payouts[0].WaitsFor)
		}
	})
}

func TestAPaymentThatIsReadAgainChangesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, id("7", unit))
		list := []stellar.Payment{b.pays(position(10, 1, 1), "7", unit), b.pays(position(10, 2, 1), "7", unit)}
		b.apply(t, 12, list...)
		before, row := b.payments(t), b.transaction(t, agreed[0].ID)
		b.rewind(t, 2)
		b.apply(t, 12, list...)
		require.Equal(t, before, b.payments(t))
		require.Equal(t, row, b.transaction(t, agreed[0].ID))
	})
}

func (b *books) rewind(t testing.TB, ledger int64) {
	t.Helper()
	require.NoError(t, b.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.RewindCursor(ctx, b.account, ledger) }))
}

func TestAnotherPaymentInAPlaceThatIsTakenStopsTheWatcher(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		for name, change := range map[string]func(*stellar.Payment){
			"another hash":   func(p *stellar.Payment) { p.InnerHash = hashOf(1) },
			"another amount": func(p *stellar.Payment) { p.Units++ },
		} {
			b := b.another(t, 2)
			p := b.pays(position(10, 1, 1), "7", unit)
			b.apply(t, 12, p)
			b.rewind(t, 2)
			change(&p)
			from := b.open(t, 1)
			_, err := b.service.Apply(t.Context(), from, page(12, p), 1)
			var conflict *payments.ConflictError
			require.ErrorAs(t, err, &conflict, name)
			require.Equal(t, from.Position, b.open(t, 1).Position, "nothing was passed")
		}
	})
}

func TestACursorIsMovedFromWhereItStandsOnly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		from := b.open(t, 5)
		moved, err := b.service.Apply(t.Context(), from, page(12, b.pays(position(10, 1, 1), "7", unit)), 5)
		require.NoError(t, err)

		_, err = b.service.Apply(t.Context(), from, page(12, b.pays(position(11, 1, 1), "7", unit)), 5)
		require.ErrorIs(t, err, store.ErrCursorMoved, "a page read from an older position")
		_, err = b.service.Apply(t.Context(), moved, page(12, b.pays(position(11, 1, 1), "7", unit)), 4)
		require.ErrorIs(t, err, store.ErrCursorMoved, "an older lease")

		younger := b.open(t, 6)
		_, err = b.service.Apply(t.Context(), moved, page(12, b.pays(position(11, 1, 1), "7", unit)), 5)
		require.ErrorIs(t, err, store.ErrCursorMoved, "the lease became old when a younger one took the cursor")
		_, err = b.service.Open(t.Context(), b.account, 5)
		require.ErrorIs(t, err, store.ErrCursorMoved)

		_, err = b.service.Apply(t.Context(), younger, page(12, b.pays(position(11, 1, 1), "7", unit)), 6)
		require.NoError(t, err)
		require.Len(t, b.payments(t), 2)
	})
}

func TestOfTwoThatApplyAPageAtOnceOneWins(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, id("7", unit))
		from := b.open(t, 1)
		const atOnce = 8
		failures := make([]error, atOnce)
		var group errgroup.Group
		for i := range atOnce {
			group.Go(func() error {
				_, failures[i] = b.service.Apply(t.Context(), from, page(12, b.pays(position(10, 1, 1), "7", unit)), 1)
				return nil
			})
		}
		require.NoError(t, group.Wait())
		won := 0
		for _, err := range failures {
			if err == nil {
				won++
				continue
			}
			require.ErrorIs(t, err, store.ErrCursorMoved)
		}
		require.Equal(t, 1, won)
		require.Equal(t, unit, b.transaction(t, agreed[0].ID).CreditedUnits)
	})
}

func TestAPageThatEndsInsideAStellarTransactionLeavesItToTheNext(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, id("7", 100*unit))
		first, second := b.pays(position(10, 2, 1), "7", 60*unit), b.pays(position(10, 2, 2), "7", 40*unit)
		other := b.pays(position(10, 1, 1), "6", unit)
		from := b.open(t, 1)
		full := page(12, other, first)
		full.Full = true
		at, err := b.service.Apply(t.Context(), from, full, 1)
		require.NoError(t, err)
		require.Less(t, at.Position, first.OperationID)
		require.Less(t, at.ThroughLedger, int64(10), "a full page shows nothing of what lies behind it")
		require.Len(t, b.payments(t), 1)
		_, err = b.service.Apply(t.Context(), at, page(12, first, second), 1)
		require.NoError(t, err)
		require.True(t, b.transaction(t, agreed[0].ID).Funded)
	})
}

func TestAPageOfOnePartOfAStellarTransactionIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		from := b.open(t, 1)
		from.Position = position(10, 1, 0)
		part := page(12, b.pays(position(10, 1, 1), "7", unit))
		part.Full = true
		_, err := b.service.Apply(t.Context(), from, part, 1)
		var refused *payments.PageError
		require.ErrorAs(t, err, &refused)
	})
}

func TestPagesThatAreNotTheNextOnesAreRefused(t *testing.T) {
	t.Parallel()
	b := newBooks(t, storetest.SQLite(t))
	from := b.open(t, 1)
	ok := b.pays(position(10, 1, 1), "7", unit)
	foreign, early := ok, ok
	foreign.Account = "G-another"
	early.OperationID = from.Position
	later := b.pays(position(11, 1, 1), "7", unit)
	unsorted, behind, before := page(12, later, ok), page(12, ok), page(12)
	unsorted.Position = later.OperationID
	behind.Position--
	before.Position = from.Position - 1
	for name, p := range map[string]stellar.Page{
		"another account": page(12, foreign), "before the cursor": page(12, early), "twice the same": page(12, ok, ok),
		"out of order": unsorted, "behind its own end": behind, "going back": before,
	} {
		_, err := b.service.Apply(t.Context(), from, p, 1)
		var refused *payments.PageError
		require.ErrorAs(t, err, &refused, name)
	}
	require.Empty(t, b.payments(t))
}

func TestAGapStopsBeforeAnythingIsPassed(t *testing.T) {
	t.Parallel()
	b := newBooks(t, storetest.SQLite(t))
	b.apply(t, 12, b.pays(position(10, 1, 1), "7", unit))
	from := b.open(t, 1)

	next := page(30, b.pays(position(29, 1, 1), "7", unit))
	next.Elder = 13
	_, err := b.service.Apply(t.Context(), from, next, 1)
	require.NoError(t, err, "ledger 13 is the first one not seen, and it is kept")

	from = b.open(t, 1)
	next = page(50, b.pays(position(49, 1, 1), "7", unit))
	next.Elder = 35
	_, err = b.service.Apply(t.Context(), from, next, 1)
	var gap *payments.GapError
	require.ErrorAs(t, err, &gap)
	require.Equal(t, []int64{31, 34}, []int64{gap.First, gap.Last})
	require.Contains(t, err.Error(), "HORIZON_URI")
}

func TestAFullPageDoesNotHideAGapInsideItsLastLedger(t *testing.T) {
	t.Parallel()
	b := newBooks(t, storetest.SQLite(t))
	from := b.open(t, 1)
	full := page(30, b.pays(position(10, 1, 1), "7", unit), b.pays(position(10, 2, 1), "7", unit))
	full.Full = true
	at, err := b.service.Apply(t.Context(), from, full, 1)
	require.NoError(t, err)
	next := page(30, b.pays(position(20, 1, 1), "7", unit))
	next.Elder = 11
	_, err = b.service.Apply(t.Context(), at, next, 1)
	var gap *payments.GapError
	require.ErrorAs(t, err, &gap, "the rest of ledger 10 was not read")
	require.Equal(t, int64(10), gap.First)
}

func TestAResetNetworkIsNoticed(t *testing.T) {
	t.Parallel()
	b := newBooks(t, storetest.SQLite(t))
	b.apply(t, 100)
	from := b.open(t, 1)
	var reset *payments.ResetError

	anew := page(3)
	anew.Position, anew.Through.ClosedAt = from.Position, closedAt(101)
	_, err := b.service.Apply(t.Context(), from, anew, 1)
	require.ErrorAs(t, err, &reset, "a lower ledger that closed later")

	same := page(100)
	same.Position, same.Through.Hash = from.Position, "another"
	_, err = b.service.Apply(t.Context(), from, same, 1)
	require.ErrorAs(t, err, &reset, "the same ledger with another hash")

	behind := page(90)
	behind.Position = from.Position
	at, err := b.service.Apply(t.Context(), from, behind, 1)
	require.NoError(t, err, "a source that is merely behind")
	require.Equal(t, int64(100), at.ThroughLedger, "what was seen through stays seen")
}

func TestADatabaseOfAnotherNetworkIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b.open(t, 1)
		elsewhere := payments.New(b.db, nil, payments.Options{Passphrase: "Public Global Stellar Network ; September 2015"})
		_, err := elsewhere.Open(t.Context(), b.account, 2)
		var other *store.OtherChainError
		require.ErrorAs(t, err, &other)
		require.Contains(t, err.Error(), passphrase)
	})
}

func TestAPaymentThatCannotBeAppliedIsKeptAsUnreadableAndTheOthersAreCredited(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, id("7", unit),
			terms{memoType: "id", memo: "8", units: unit, change: func(row *store.Transaction) {
				row.FeeDetails, row.CallbackUrl = "no JSON", "https://sender.example/callback" // no callback can be made of it
			}}, id("9", unit))
		poison := b.pays(position(10, 3, 1), "6", unit)
		poison.From = "G\x00" // Postgres takes no such text
		poison.Units = -1     // neither engine takes such an amount
		b.apply(t, 12, b.pays(position(10, 1, 1), "7", unit), b.pays(position(10, 2, 1), "8", unit), poison, b.pays(position(11, 1, 1), "9", unit))
		stored := b.payments(t)
		require.Equal(t, "credited unreadable unreadable credited", judgements(stored))
		require.Equal(t, anchor.PaymentOpen, stored[1].State)
		require.NotEmpty(t, stored[1].Reason)
		require.Contains(t, stored[1].Raw, `"Units":10000000`)
		require.Equal(t, []bool{true, false, true}, []bool{
			b.transaction(t, agreed[0].ID).Funded, b.transaction(t, agreed[1].ID).Funded, b.transaction(t, agreed[2].ID).Funded,
		})
		require.Equal(t, int64(12), b.open(t, 1).ThroughLedger, "the page was passed whole")
	})
}

func TestAnErrorOfTheMomentLeavesEverythingAsItWas(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, id("7", unit))
		from := b.open(t, 1)
		for _, point := range []string{"stored", "credited"} {
			b.service.CrashAt(func(at string) error {
				if at == point {
					return context.DeadlineExceeded
				}
				return nil
			})
			_, err := b.service.Apply(t.Context(), from, page(12, b.pays(position(10, 1, 1), "7", unit)), 1)
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		require.Empty(t, b.payments(t))
		require.False(t, b.transaction(t, agreed[0].ID).Funded)
		require.Equal(t, from.Position, b.open(t, 1).Position)
	})
}

func TestUnitsBeyondAllBoundsAreHeld(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b.agree(t, id("7", unit))
		b.apply(t, 12, b.pays(position(10, 1, 1), "7", math.MaxInt64), b.pays(position(10, 1, 2), "7", math.MaxInt64))
		require.Equal(t, "amount_mismatch amount_mismatch", judgements(b.payments(t)))
	})
}
