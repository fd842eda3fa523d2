package payments_test

import (
	"testing"

	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payments"
)

// What was agreed after the copy was taken is unknown to it: its payment names nothing, although the world has paid it out.
func TestAfter_a_restore_nothing_goes_back_by_itself_that_the_world_may_have_paid_out(t *testing.T) {
	t.Parallel()
	eachAudited(t, func(t *testing.T, a *audited) {
		a.books = a.under(payments.Policy{Unmatched: payments.Refund})
		a.watch()
		before := len(a.refunds(t)) // that of what friendbot gave
		a.pay(a.payer, txnbuild.MemoID(4711), lumens(a.account, "25"))

		_, err := a.reconciler().AfterRestore(t.Context(), a.watching, "operator:ada", "backup of last night")
		require.NoError(t, err)
		asked := a.refunds(t)[before:]
		require.Len(t, asked, 1)
		require.Equal(t, anchor.RefundHeld, asked[0].State)
		require.Contains(t, asked[0].Trouble, "restored")

		a.pay(a.payer, txnbuild.MemoID(4712), lumens(a.account, "25"))
		a.watch()
		require.Equal(t, anchor.RefundReady, a.refunds(t)[before+1].State, "what comes after that is known as ever")
	})
}

func TestWhat_left_before_a_payment_came_is_not_the_refund_of_it(t *testing.T) {
	t.Parallel()
	eachAudited(t, func(t *testing.T, a *audited) {
		a.worldRefunds(7, "2") // by hand, and nobody has said why yet
		r := a.refund(7, "2")
		a.audit()
		require.NoError(t, a.db.Restored(t.Context()), "it says nothing about the database, whose payouts must go on")

		report, err := a.reconciler().AfterRestore(t.Context(), a.watching, "operator:ada", "backup of last night")
		require.NoError(t, err)
		require.Empty(t, report.Adopted)
		require.Equal(t, anchor.RefundReady, a.stateOf(r.ID).State)
	})
}
