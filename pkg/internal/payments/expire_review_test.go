package payments_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/payments"
)

func TestWhatIsLeftOfAPartOfWhichAnOperatorSentSomeBackGoesBackWhenTheTransactionRunsOut(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b = b.under(payments.Policy{Underpaid: payments.Accumulate})
		agreed := b.agree(t, terms{memoType: "id", memo: "7", units: 100 * unit, expires: closedAt(20)})[0]
		b.apply(t, 10, b.pays(position(10, 1, 1), "7", 50*unit))
		r, err := b.service.Refund(t.Context(), payments.RefundRequest{
			PaymentID: b.payments(t)[0].ID, Units: 10 * unit, Actor: person, Reason: "he asked for it",
		})
		require.NoError(t, err)
		b.wentBack(t, r)

		b.apply(t, 23)
		n, err := b.service.Expire(t.Context(), b.account)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, [4]int64{50 * unit, 0, 50 * unit, 0}, b.money(t, agreed.ID), "nothing stays held of what nobody can complete any more")
		n, err = b.service.Expire(t.Context(), b.account)
		require.NoError(t, err)
		require.Zero(t, n, "it is asked for once")
	})
}
