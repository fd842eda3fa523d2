package payments_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

const (
	person = "operator:jane"
	why    = "the sender forgot the memo"
)

func (b *books) assign(t testing.TB, change func(*payments.AssignRequest), to string, ids ...string) (store.Transaction, error) {
	t.Helper()
	r := payments.AssignRequest{PaymentIDs: ids, TransactionID: to, Actor: person, Reason: why}
	if change != nil {
		change(&r)
	}
	return b.service.Assign(t.Context(), r)
}

func accepting(r *payments.AssignRequest) { r.Accept = true }

// unmatched is a payment without memo, as it is stored.
func (b *books) unmatched(t testing.TB, ledger int64, units ...int64) []string {
	t.Helper()
	for i, u := range units {
		b.apply(t, ledger, b.pays(position(ledger, int64(i)+1, 1), "", u))
	}
	all := b.payments(t)
	ids := make([]string, len(units))
	for i := range units {
		ids[i] = all[len(all)-len(units)+i].ID
	}
	return ids
}

func TestAnOperatorAssignsAPaymentAsIfItHadNamedItsTransaction(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, id("7", unit))[0]
		paid := b.unmatched(t, 10, unit)[0]
		for range 2 {
			after, err := b.assign(t, nil, agreed.ID, paid)
			require.NoError(t, err, "also when it is repeated")
			require.True(t, after.Funded)
			require.Equal(t, agreed.Version+1, after.Version)
		}
		require.Equal(t, [4]int64{unit, unit, 0, 0}, b.money(t, agreed.ID))
		require.Len(t, b.payouts(t, agreed.ID), 1)
		stored := b.payments(t)[0]
		require.Equal(t, anchor.PaymentCredited, stored.State)
		require.Equal(t, anchor.JudgedUnmatched, stored.Judgement, "it stays what it was judged to be")
		require.Equal(t, agreed.ID, stored.TransactionID.String)
		for kind, of := range map[store.SubjectKind]string{store.SubjectPayment: paid, store.SubjectTransaction: agreed.ID} {
			history, err := b.db.History(t.Context(), kind, of)
			require.NoError(t, err)
			last := history[len(history)-1]
			require.Equal(t, []string{person, why}, []string{last.Actor, last.Reason})
		}
		b.apply(t, 11, b.pays(position(11, 1, 1), "7", unit))
		require.Equal(t, anchor.JudgedDuplicate, b.payments(t)[1].Judgement)
	})
}

func TestAnOperatorOpensWhatExpiredByAssigningToIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b = b.under(payments.Policy{Underpaid: payments.Accumulate})
		agreed := b.agree(t, terms{memoType: "id", memo: "7", units: 100 * unit, expires: closedAt(5), change: func(row *store.Transaction) {
			row.CallbackUrl = "https://sender.example/"
		}})[0]
		b.apply(t, 8)
		_, err := b.service.Expire(t.Context(), b.account)
		require.NoError(t, err)
		b.apply(t, 9, b.pays(position(9, 1, 1), "7", 60*unit))
		late := b.payments(t)[0]
		require.Equal(t, anchor.JudgedLate, late.Judgement)

		_, err = b.assign(t, nil, agreed.ID, late.ID)
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err), "a part of what has run out waits for nothing")
		after, err := b.assign(t, accepting, agreed.ID, late.ID)
		require.NoError(t, err)
		require.Equal(t, anchor.StatusPendingReceiver, after.Status)
		require.Empty(t, after.StatusMessage)
		require.Equal(t, [4]int64{60 * unit, 60 * unit, 0, 0}, b.money(t, agreed.ID))
		require.Equal(t, 60*unit, b.payouts(t, agreed.ID)[0].AmountUnits)
		require.Equal(t, []string{"created", "expired", "reopened", "funded"}, b.kinds(t, store.SubjectTransaction, agreed.ID))
		_, err = b.service.Expire(t.Context(), b.account)
		require.NoError(t, err)
		require.Equal(t, anchor.StatusPendingReceiver, b.transaction(t, agreed.ID).Status)
	})
}

func TestSeveralPaymentsAreAssignedBySum(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, id("7", 100*unit))[0]
		paid := b.unmatched(t, 10, 60*unit, 40*unit)
		_, err := b.assign(t, nil, agreed.ID, paid[1])
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err), "40 alone are another amount")
		require.Contains(t, err.Error(), "due were 100, 40 came")
		after, err := b.assign(t, nil, agreed.ID, paid[1], paid[0], paid[1])
		require.NoError(t, err)
		require.True(t, after.Funded)
		require.Equal(t, hashOf(position(10, 2, 1)), after.StellarHash)
	})
}

func TestAPartIsAssignedAsAPartWhereThePolicyTakesParts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b = b.under(payments.Policy{Underpaid: payments.Accumulate})
		agreed := b.agree(t, id("7", 100*unit))[0]
		after, err := b.assign(t, nil, agreed.ID, b.unmatched(t, 10, 60*unit)...)
		require.NoError(t, err)
		require.False(t, after.Funded)
		require.Equal(t, [4]int64{60 * unit, 0, 0, 60 * unit}, b.money(t, agreed.ID))
		b.apply(t, 11, b.pays(position(11, 1, 1), "7", 40*unit))
		require.Equal(t, [4]int64{100 * unit, 100 * unit, 0, 0}, b.money(t, agreed.ID))
	})
}

func TestMoreThanAQuoteSellsGoesBackFromWhatIsAssigned(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, terms{memoType: "id", memo: "7", units: 100 * unit, change: func(row *store.Transaction) {
			row.QuoteID, row.OutUnits, row.OutDecimals, row.OutAsset = "q", 500_00, 2, "iso4217:BRL"
		}})[0]
		paid := b.unmatched(t, 10, 101*unit)
		after, err := b.assign(t, accepting, agreed.ID, paid...)
		require.NoError(t, err)
		require.Equal(t, int64(0), after.Held())
		require.Equal(t, [4]int64{101 * unit, 100 * unit, unit, 0}, b.money(t, agreed.ID))
		list := b.refunds(t)
		require.Len(t, list, 1)
		require.False(t, list[0].Automatic)
		require.Equal(t, person, list[0].Actor)
	})
}

func TestWhatCannotBeAssignedIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, id("7", unit), id("8", unit), terms{units: unit}, id("9", unit),
			terms{memoType: "id", memo: "10", units: 100 * unit, change: func(row *store.Transaction) { row.MinUnits = 10 * unit }})
		euros := b.pays(position(9, 1, 1), "", unit)
		euros.AssetCode = "EURC"
		strange := b.pays(position(9, 2, 1), "", 0)
		strange.Unreadable, strange.Raw = "strange", []byte("{}")
		b.apply(t, 9, euros, strange, b.pays(position(9, 3, 1), "8", unit))
		first := b.payments(t)
		elsewhere := b.another(t, 2)
		foreign := elsewhere.unmatched(t, 10, unit)[0]
		ids := b.unmatched(t, 10, unit, unit)
		ignored, open := ids[0], ids[1]
		_, err := b.service.Ignore(t.Context(), payments.IgnoreRequest{PaymentID: ignored, Actor: person, Reason: why})
		require.NoError(t, err)
		before := b.told(t, agreed)
		for name, c := range map[string]struct {
			to      string
			payment string
			change  func(*payments.AssignRequest)
			code    anchor.Code
		}{
			"a payment in another asset":       {agreed[0].ID, first[0].ID, accepting, anchor.CodeConflict},
			"a payment of unknown amount":      {agreed[0].ID, first[1].ID, accepting, anchor.CodeConflict},
			"a payment to another account":     {agreed[0].ID, foreign, accepting, anchor.CodeConflict},
			"a payment that was credited":      {agreed[0].ID, first[2].ID, accepting, anchor.CodeConflict},
			"a payment that is ignored":        {agreed[0].ID, ignored, accepting, anchor.CodeConflict},
			"to what was paid":                 {agreed[1].ID, open, accepting, anchor.CodeConflict},
			"to what nobody can have paid":     {agreed[2].ID, open, accepting, anchor.CodeConflict},
			"below the least amount":           {agreed[4].ID, open, accepting, anchor.CodeConflict},
			"another amount without a word":    {agreed[4].ID, open, nil, anchor.CodeConflict},
			"a payment that is not there":      {agreed[0].ID, "x", nil, anchor.CodeNotFound},
			"to a transaction that is not":     {"x", open, nil, anchor.CodeNotFound},
			"without a reason":                 {agreed[0].ID, open, func(r *payments.AssignRequest) { r.Reason = " " }, anchor.CodeInvalid},
			"by nobody":                        {agreed[0].ID, open, func(r *payments.AssignRequest) { r.Actor = "" }, anchor.CodeInvalid},
			"no payment at all":                {agreed[0].ID, open, func(r *payments.AssignRequest) { r.PaymentIDs = nil }, anchor.CodeInvalid},
			"together with one that is no use": {agreed[0].ID, open, func(r *payments.AssignRequest) { r.PaymentIDs = append(r.PaymentIDs, ignored) }, anchor.CodeConflict},
		} {
			_, err := b.assign(t, c.change, c.to, c.payment)
			require.Equal(t, c.code, anchor.CodeOf(err), name)
		}
		require.Equal(t, before, b.told(t, agreed))
	})
}

func TestAPaymentIsAssignedToOneTransactionHoweverManyTry(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, id("7", unit), id("8", unit))
		paid := b.unmatched(t, 10, unit)
		errs := make([]error, 8)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { _, errs[i] = b.assign(t, nil, agreed[i%2].ID, paid...) })
		}
		all.Wait()
		funded := 0
		for i, a := range agreed {
			row := b.transaction(t, a.ID)
			if row.Funded {
				funded++
				require.NoError(t, errs[i])
			}
		}
		require.Equal(t, 1, funded)
	})
}

func TestAnOperatorSendsAPaymentBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		const elsewhere = "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUQ"
		ids := b.unmatched(t, 10, 10*unit, unit)
		send := func(r payments.RefundRequest) (store.Refund, error) {
			r.Actor, r.Reason = person, why
			return b.service.Refund(t.Context(), r)
		}
		r, err := send(payments.RefundRequest{PaymentID: ids[0], Units: 4 * unit, FeeUnits: unit})
		require.NoError(t, err)
		require.Equal(t, []any{sender, 3 * unit, false, person}, []any{r.Destination, r.SentUnits(), r.Automatic, r.Actor})
		require.Equal(t, anchor.PaymentRefunding, b.payments(t)[0].State)

		for name, c := range map[string]struct {
			r    payments.RefundRequest
			code anchor.Code
		}{
			"once more without saying so":  {payments.RefundRequest{PaymentID: ids[0]}, anchor.CodeConflict},
			"more than there is":           {payments.RefundRequest{PaymentID: ids[1], Units: unit + 1}, anchor.CodeConflict},
			"for a fee that eats it":       {payments.RefundRequest{PaymentID: ids[1], FeeUnits: unit}, anchor.CodeInvalid},
			"for a fee below nothing":      {payments.RefundRequest{PaymentID: ids[1], FeeUnits: -1}, anchor.CodeInvalid},
			"to something else":            {payments.RefundRequest{PaymentID: ids[1], Destination: "bob"}, anchor.CodeInvalid},
			"to a contract":                {payments.RefundRequest{PaymentID: ids[1], Destination: "CA3D5KRYM6CB7OWQ6TWYRR3Z4T7GNZLKERYNZGGA5SOAOPIFY6YQGAXE"}, anchor.CodeInvalid},
			"a payment that is not there":  {payments.RefundRequest{PaymentID: "x"}, anchor.CodeNotFound},
			"an amount that is no amount":  {payments.RefundRequest{PaymentID: ids[1], Units: -1}, anchor.CodeInvalid},
			"more of it than there is now": {payments.RefundRequest{PaymentID: ids[0], Units: 6*unit + 1, Again: true}, anchor.CodeConflict},
		} {
			_, err := send(c.r)
			require.Equal(t, c.code, anchor.CodeOf(err), name)
		}
		require.Len(t, b.refunds(t), 1)

		r, err = send(payments.RefundRequest{PaymentID: ids[0], Again: true, Destination: elsewhere})
		require.NoError(t, err)
		require.Equal(t, []any{"GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ", "0", 6 * unit},
			[]any{r.Destination, r.DestinationMuxedID, r.Units})
		_, err = send(payments.RefundRequest{PaymentID: ids[0], Again: true})
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err), "nothing is left")
	})
}

func TestWhatIsCreditedGoesBackOnlyFromWhatIsHeld(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b = b.under(payments.Policy{Underpaid: payments.Accumulate})
		agreed := b.agree(t, id("7", 100*unit), id("8", unit))
		b.apply(t, 10, b.pays(position(10, 1, 1), "7", 60*unit), b.pays(position(10, 2, 1), "8", unit))
		stored := b.payments(t)
		_, err := b.service.Refund(t.Context(), payments.RefundRequest{PaymentID: stored[1].ID, Actor: person, Reason: why})
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err), "its payout has the money")
		r, err := b.service.Refund(t.Context(), payments.RefundRequest{PaymentID: stored[0].ID, Actor: person, Reason: why})
		require.NoError(t, err)
		require.True(t, r.FromHeld)
		require.Equal(t, [4]int64{60 * unit, 0, 60 * unit, 0}, b.money(t, agreed[0].ID))
		b.apply(t, 11, b.pays(position(11, 1, 1), "7", 40*unit))
		require.Equal(t, anchor.JudgedLate, b.payments(t)[2].Judgement, "what was paid before is on its way back")
		open := b.unmatched(t, 12, 100*unit)
		_, err = b.assign(t, nil, agreed[0].ID, open...)
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err))
	})
}

func TestAnIgnoredPaymentWaitsNoMoreUntilThatIsUndone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, id("7", unit))[0]
		paid := b.unmatched(t, 10, unit)[0]
		ignore := func(undo bool) error {
			_, err := b.service.Ignore(t.Context(), payments.IgnoreRequest{PaymentID: paid, Undo: undo, Actor: person, Reason: why})
			return err
		}
		state := func() anchor.PaymentState { return b.payments(t)[0].State }
		require.NoError(t, ignore(true), "it does wait")
		require.NoError(t, ignore(false))
		require.NoError(t, ignore(false))
		require.Equal(t, anchor.PaymentIgnored, state())
		require.Len(t, b.kinds(t, store.SubjectPayment, paid), 1)
		counts, err := b.db.OpenPayments(t.Context())
		require.NoError(t, err)
		require.Empty(t, counts)
		_, err = b.service.Refund(t.Context(), payments.RefundRequest{PaymentID: paid, Actor: person, Reason: why})
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err))
		require.NoError(t, ignore(true))
		require.Equal(t, anchor.PaymentOpen, state())
		_, err = b.assign(t, nil, agreed.ID, paid)
		require.NoError(t, err)
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(ignore(false)), "it is credited")
	})
}

func TestPartsThatGoBackAreAskedForOnceAlsoWhenAnOperatorGivesThemUp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b = b.under(payments.Policy{Underpaid: payments.Accumulate})
		agreed := b.agree(t, terms{memoType: "id", memo: "7", units: 100 * unit, expires: closedAt(20)})[0]
		b.apply(t, 23, b.pays(position(10, 1, 1), "7", 30*unit), b.pays(position(10, 2, 1), "7", 20*unit))
		_, err := b.service.Expire(t.Context(), b.account)
		require.NoError(t, err)
		require.NoError(t, b.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			l, err := tx.LockRefund(ctx, b.refunds(t)[0].ID)
			if err != nil {
				return err
			}
			return tx.CancelRefund(ctx, l, anchor.Change{Cause: anchor.CauseNoted, Actor: person, Reason: why})
		}))
		require.Equal(t, [4]int64{50 * unit, 0, 20 * unit, 30 * unit}, b.money(t, agreed.ID))
		n, err := b.service.Expire(t.Context(), b.account)
		require.NoError(t, err)
		require.Zero(t, n)
		require.Len(t, b.refunds(t), 2)
	})
}

// wentBack has the ledger show a refund of a payment.
func (b *books) wentBack(t testing.TB, r store.Refund) {
	t.Helper()
	require.NoError(t, b.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		sending, a, err := tx.BeginRefund(ctx, r, store.RefundAttempt{RefundAttempt: sqlgen.RefundAttempt{
			Account: r.Account, Sequence: 1, InnerHash: r.ID, MaxTimeUs: 1, FeeStroops: 100, Envelope: "x",
		}}, "execute-outgoing")
		if err != nil {
			return err
		}
		locked, err := tx.LockRefund(ctx, sending.ID)
		if err != nil {
			return err
		}
		landed := store.OutgoingMovement{OutgoingMovement: sqlgen.OutgoingMovement{OuterHash: r.ID, ClosedUs: 1}}
		return tx.ConfirmRefund(ctx, locked, a, landed, "execute-outgoing")
	}))
}

func TestWhatIsLeftOfAPaymentAfterAPartWentBackIsNotAssignedAsIfItWereAllThere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, id("7", unit))[0]
		paid := b.unmatched(t, 10, unit)[0]
		r, err := b.service.Refund(t.Context(), payments.RefundRequest{PaymentID: paid, Units: unit / 2, Actor: person, Reason: why})
		require.NoError(t, err)
		b.wentBack(t, r)
		require.Equal(t, anchor.PaymentOpen, b.payments(t)[0].State)
		_, err = b.assign(t, accepting, agreed.ID, paid)
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err))
		require.Equal(t, [4]int64{}, b.money(t, agreed.ID))
	})
}
