package payments_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// under is the same books, kept by a policy for every asset.
func (b *books) under(p payments.Policy) *books {
	next := *b
	next.service = payments.New(b.db, nil, payments.Options{
		Passphrase: passphrase, RailOf: railOf, PolicyOf: func(string, string) payments.Policy { return p },
	})
	return &next
}

// money is a transaction's: credited, paid out or about to be, sent back or about to be, held.
func (b *books) money(t testing.TB, id string) [4]int64 {
	row := b.transaction(t, id)
	return [4]int64{row.CreditedUnits, row.PayoutUnits, row.RefundUnits, row.Held()}
}

func (b *books) refunds(t testing.TB) []store.Refund {
	t.Helper()
	list, err := b.db.Refunds(t.Context(), store.RefundFilter{Limit: 10_000})
	require.NoError(t, err)
	var own []store.Refund
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Account == b.account {
			own = append(own, list[i])
		}
	}
	return own
}

func (b *books) payouts(t testing.TB, id string) []store.Payout {
	t.Helper()
	list, err := b.db.PayoutsOf(t.Context(), id)
	require.NoError(t, err)
	return list
}

// kinds are what happened to a subject, in order.
func (b *books) kinds(t testing.TB, kind store.SubjectKind, id string) (kinds []string) {
	t.Helper()
	history, err := b.db.History(t.Context(), kind, id)
	require.NoError(t, err)
	for _, e := range history {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func (b *books) shown(t testing.TB, id string) anchor.Transaction {
	t.Helper()
	shown, err := b.transaction(t, id).Public()
	require.NoError(t, err)
	return shown
}

func TestPartsAreCreditedUntilTheSumIsThere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b = b.under(payments.Policy{Underpaid: payments.Accumulate})
		agreed := b.agree(t, id("7", 100*unit))[0]
		b.apply(t, 10, b.pays(position(10, 1, 1), "7", 30*unit))
		require.Equal(t, [4]int64{30 * unit, 0, 0, 30 * unit}, b.money(t, agreed.ID))
		require.Empty(t, b.payouts(t, agreed.ID), "nothing is paid out before the sum is there")
		shown := b.shown(t, agreed.ID)
		require.Equal(t, anchor.StatusPendingSender, shown.Status)
		require.Equal(t, "100", shown.AmountIn, "what is to be received")
		require.Equal(t, "of 100 USDC, 30 have arrived", shown.StatusMessage)

		b.apply(t, 11, b.pays(position(11, 1, 1), "7", 30*unit), b.pays(position(11, 2, 1), "7", 40*unit), b.pays(position(11, 3, 1), "7", unit))
		require.Equal(t, [4]int64{100 * unit, 100 * unit, 0, 0}, b.money(t, agreed.ID))
		require.Equal(t, "credited credited credited duplicate", judgements(b.payments(t)))
		list := b.payouts(t, agreed.ID)
		require.Len(t, list, 1)
		require.Equal(t, 100*unit, list[0].DebitUnits)
		require.Equal(t, []string{"created", "part_paid", "part_paid", "funded"}, b.kinds(t, store.SubjectTransaction, agreed.ID))
		shown = b.shown(t, agreed.ID)
		require.Equal(t, anchor.StatusPendingReceiver, shown.Status)
		require.Empty(t, shown.StatusMessage)
		require.Equal(t, hashOf(position(11, 2, 1)), shown.StellarTransactionID)
	})
}

func TestAPageOfPartsIsApplied(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b = b.under(payments.Policy{Underpaid: payments.Accumulate})
		var list []terms
		var page []stellar.Payment
		for i := range int64(100) {
			list = append(list, id(fmt.Sprint(i), 3*unit))
			page = append(page, b.pays(position(10, i+1, 1), fmt.Sprint(i), unit), b.pays(position(10, i+1, 2), "0", 0))
			page[2*i+1].Units = 1
		}
		agreed := b.agree(t, list...)
		b.apply(t, 10, page...)
		require.Equal(t, unit+100, b.money(t, agreed[0].ID)[0], "one has a part in each envelope")
		for _, a := range agreed[1:] {
			require.Equal(t, [4]int64{unit, 0, 0, unit}, b.money(t, a.ID))
		}
	})
}

func TestAPartPaidTransactionThatRunsOutGoesBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b = b.under(payments.Policy{Underpaid: payments.Accumulate, RefundFee: unit, Late: payments.Refund})
		agreed := b.agree(t, terms{memoType: "id", memo: "7", units: 100 * unit, expires: closedAt(20)})[0]
		b.apply(t, 20, b.pays(position(10, 1, 1), "7", 30*unit), b.pays(position(11, 1, 1), "7", 20*unit))
		n, err := b.service.Expire(t.Context(), b.account)
		require.NoError(t, err)
		require.Zero(t, n)

		b.apply(t, 23)
		n, err = b.service.Expire(t.Context(), b.account)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		n, err = b.service.Expire(t.Context(), b.account)
		require.NoError(t, err)
		require.Zero(t, n, "once")
		require.Equal(t, [4]int64{50 * unit, 0, 50 * unit, 0}, b.money(t, agreed.ID))
		require.Equal(t, anchor.StatusPendingSender, b.transaction(t, agreed.ID).Status, "it is refunded once that is in the ledger")
		require.Contains(t, b.transaction(t, agreed.ID).StatusMessage, "goes back")
		list := b.refunds(t)
		require.Len(t, list, 2)
		require.Equal(t, []int64{30 * unit, unit, 20 * unit, unit}, []int64{list[0].Units, list[0].FeeUnits, list[1].Units, list[1].FeeUnits})
		require.True(t, list[0].Automatic && list[0].FromHeld)

		b.apply(t, 24, b.pays(position(24, 1, 1), "7", 50*unit))
		stored := b.payments(t)
		require.Equal(t, anchor.JudgedLate, stored[2].Judgement)
		require.Equal(t, anchor.PaymentRefunding, stored[2].State)
	})
}

func TestWithheldTransactionsRunOutAsWell(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		withheld := b.agree(t, terms{units: unit, expires: closedAt(5)})[0]
		b.apply(t, 8)
		_, err := b.service.Expire(t.Context(), b.account)
		require.NoError(t, err)
		require.Equal(t, anchor.StatusExpired, b.transaction(t, withheld.ID).Status)
	})
}

func TestAnotherAmountThatIsAcceptedIsPaidOutAnew(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b = b.under(payments.Policy{Underpaid: payments.Accept, Overpaid: payments.Accept})
		onePercent := func(row *store.Transaction) {
			row.FeePercent, row.FeeUnits, row.OutUnits, row.CallbackUrl = "1", unit, 99*unit, "https://sender.example/"
		}
		byQuote := func(row *store.Transaction) {
			row.QuoteID, row.FeeUnits, row.OutUnits, row.OutDecimals, row.OutAsset = row.ID, unit, 500_00, 2, "iso4217:BRL"
		}
		agreed := b.agree(t, terms{memoType: "id", memo: "1", units: 100 * unit, change: onePercent},
			terms{memoType: "id", memo: "2", units: 100 * unit, change: onePercent},
			terms{memoType: "id", memo: "3", units: 100 * unit, change: byQuote}, terms{memoType: "id", memo: "4", units: 100 * unit, change: byQuote},
			id("5", unit))
		b.apply(t, 10, b.pays(position(10, 1, 1), "1", 50*unit), b.pays(position(10, 2, 1), "2", 200*unit), b.pays(position(10, 3, 1), "3", 50*unit),
			b.pays(position(10, 4, 1), "4", 120*unit), b.pays(position(10, 5, 1), "5", unit))
		require.Equal(t, "credited credited credited credited credited", judgements(b.payments(t)))
		for i, want := range []struct {
			money             [4]int64
			fee, out, debited int64
			in                string
		}{
			{[4]int64{50 * unit, 50 * unit, 0, 0}, unit / 2, 50*unit - unit/2, 50 * unit, "50"},
			{[4]int64{200 * unit, 200 * unit, 0, 0}, 2 * unit, 198 * unit, 200 * unit, "200"},
			{[4]int64{50 * unit, 50 * unit, 0, 0}, unit / 2, 250_00, 50 * unit, "50"},
			{[4]int64{120 * unit, 100 * unit, 20 * unit, 0}, unit, 500_00, 100 * unit, "120"},
			{[4]int64{unit, unit, 0, 0}, 0, unit, unit, "1"},
		} {
			row := b.transaction(t, agreed[i].ID)
			require.True(t, row.Funded)
			require.Equal(t, want.money, b.money(t, row.ID), "transaction %d", i+1)
			require.Equal(t, []int64{want.fee, want.out}, []int64{row.FeeUnits, row.OutUnits}, "transaction %d", i+1)
			list := b.payouts(t, row.ID)
			require.Len(t, list, 1)
			require.Equal(t, []int64{want.debited, want.out}, []int64{list[0].DebitUnits, list[0].AmountUnits}, "transaction %d", i+1)
			require.Equal(t, anchor.PayoutReady, list[0].State)
			require.Equal(t, want.in, b.shown(t, row.ID).AmountIn)
		}
		list := b.refunds(t)
		require.Len(t, list, 1, "what is more than the quote sells")
		require.Equal(t, 20*unit, list[0].Units)
		require.Equal(t, anchor.PaymentCredited, b.payments(t)[3].State, "part of it stays")
	})
}

func TestAPayoutOfAnAcceptedAmountWaitsForItsCustomersAndItsPriceAsAnyOther(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b = b.under(payments.Policy{Underpaid: payments.Accept})
		receiver := b.customer(t, "7", anchor.CustomerNeedsInfo)
		agreed := b.agree(t, terms{memoType: "id", memo: "7", units: 100 * unit, change: func(row *store.Transaction) {
			row.TakePart("", "", receiver, "sep31-receiver")
		}}, terms{memoType: "id", memo: "8", units: 100 * unit, change: func(row *store.Transaction) {
			row.Unpriced, row.OutUnits, row.OutDecimals, row.OutAsset = true, 0, 2, "iso4217:BRL"
		}})
		b.apply(t, 10, b.pays(position(10, 1, 1), "7", 60*unit), b.pays(position(10, 2, 1), "8", 60*unit))
		require.Equal(t, anchor.StatusPendingCustomerInfoUpdate, b.transaction(t, agreed[0].ID).Status)
		require.Equal(t, anchor.WaitsForKYC, b.payouts(t, agreed[0].ID)[0].WaitsFor)
		require.Equal(t, anchor.WaitsForPrice, b.payouts(t, agreed[1].ID)[0].WaitsFor)
		require.Equal(t, 60*unit, b.payouts(t, agreed[1].ID)[0].DebitUnits)
	})
}

func TestWhatBelongsToNothingGoesBackByPolicy(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		p := refundsAll
		p.RefundFee, p.RefundFloor = 2, 10
		b = b.under(p)
		agreed := b.agree(t, id("7", unit), terms{memoType: "id", memo: "8", units: unit, expires: closedAt(5)}, id("9", unit))
		another := b.pays(position(10, 5, 1), "9", unit)
		another.AssetCode = "EURC"
		strange := b.pays(position(10, 8, 1), "", 0)
		strange.Unreadable, strange.Raw = "strange", []byte("{}")
		mint := b.pays(position(10, 9, 1), "", unit)
		mint.From = ""
		contradicting := b.pays(position(10, 11, 1), "7", unit)
		contradicting.ToMuxedID = "9"
		b.apply(t, 10,
			b.pays(position(10, 1, 1), "7", unit), b.pays(position(10, 2, 1), "7", unit), // duplicate
			b.pays(position(10, 3, 1), "8", unit), // late
			b.pays(position(10, 4, 1), "9", unit/2),
			another,
			b.pays(position(10, 6, 1), "", unit), b.pays(position(10, 7, 1), "", 9), // the second below the floor
			strange, mint,
			b.pays(position(10, 10, 1), "9", 2*unit), // the excess goes back
			contradicting)
		stored := b.payments(t)
		require.Equal(t, "credited duplicate late amount_mismatch wrong_asset unmatched unmatched unreadable unmatched credited unmatched", judgements(stored))
		states := make([]string, len(stored))
		for i, p := range stored {
			states[i] = string(p.State)
		}
		require.Equal(t, []string{"credited", "refunding", "refunding", "refunding", "refunding", "refunding", "open", "open", "refunding", "credited", "refunding"}, states)
		list := b.refunds(t)
		require.Len(t, list, 8)
		for _, r := range list {
			require.Equal(t, int64(2), r.FeeUnits)
			require.True(t, r.Automatic)
			require.NotEmpty(t, r.Reason)
		}
		require.Equal(t, [4]int64{unit, unit, 0, 0}, b.money(t, agreed[0].ID))
		require.Equal(t, [4]int64{2 * unit, unit, unit, 0}, b.money(t, agreed[2].ID))
	})
}
