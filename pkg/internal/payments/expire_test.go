package payments_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

func TestExpiryGoesByTheLedgersSeenAndByNoClock(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		until := func(memo string, ledger int64, change func(*store.Transaction)) terms {
			return terms{memoType: "id", memo: memo, units: unit, expires: closedAt(ledger), change: change}
		}
		agreed := b.agree(t, until("1", 20, nil), until("2", 30, nil), id("3", unit), until("4", 20, nil))
		expire := func() int {
			n, err := b.service.Expire(t.Context(), b.account)
			require.NoError(t, err)
			return n
		}
		require.Zero(t, expire(), "nobody has read the account yet")
		b.apply(t, 20, b.pays(position(10, 1, 1), "4", unit))
		require.Zero(t, expire(), "a payment in the ledger that closed at that very moment would have been in time")
		b.apply(t, 22)
		require.Zero(t, expire(), "who tells of ledger 22 may be ahead of who told of the payments in it")
		full := page(40, b.pays(position(23, 1, 1), "5", unit), b.pays(position(24, 1, 1), "5", unit))
		full.Full = true
		_, err := b.service.Apply(t.Context(), b.open(t, 1), full, 1)
		require.NoError(t, err)
		require.Zero(t, expire(), "there may be more behind a full page")
		b.apply(t, 25, b.pays(position(25, 1, 1), "1", unit))
		require.Equal(t, 1, expire())
		require.Zero(t, expire())

		statuses := make([]anchor.Status, len(agreed))
		for i, a := range agreed {
			statuses[i] = b.transaction(t, a.ID).Status
		}
		require.Equal(t, []anchor.Status{anchor.StatusExpired, anchor.StatusPendingSender, anchor.StatusPendingSender, anchor.StatusPendingReceiver}, statuses)
		stored := b.payments(t)
		require.Equal(t, anchor.JudgedLate, stored[len(stored)-1].Judgement)
		require.NotEmpty(t, b.transaction(t, agreed[0].ID).StatusMessage)

		b.apply(t, 26, b.pays(position(26, 1, 1), "1", unit))
		stored = b.payments(t)
		require.Equal(t, anchor.JudgedLate, stored[len(stored)-1].Judgement, "also once it is expired")
	})
}

func TestManyTransactionsExpireInTurns(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		var list []terms
		for range 230 {
			list = append(list, terms{memoType: "id", memo: store.NewID(), units: unit, expires: closedAt(5)})
		}
		b.agree(t, list...)
		b.apply(t, 8)
		n, err := b.service.Expire(t.Context(), b.account)
		require.NoError(t, err)
		require.Equal(t, 230, n)
	})
}

func TestLagTellsThroughWhichLedgerAnAccountWasSeen(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b.apply(t, 12)
		b.another(t, 5).open(t, 1)
		lags, err := b.service.Lag(t.Context())
		require.NoError(t, err)
		require.Len(t, lags, 2)
		byAccount := map[string]payments.Lag{lags[0].Account: lags[0], lags[1].Account: lags[1]}
		require.Equal(t, payments.Lag{Account: b.account, ThroughLedger: 12, ThroughClosed: closedAt(12)}, byAccount[b.account])
	})
}

func TestOperatorsSeeWhatIsOpenTheOldestFirst(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b.agree(t, id("7", unit))
		b.apply(t, 12, b.pays(position(10, 1, 1), "7", unit), b.pays(position(10, 2, 1), "7", unit), b.pays(position(10, 3, 1), "6", unit))
		b.apply(t, 13, b.pays(position(13, 1, 1), "", unit))
		counts, err := b.db.OpenPayments(t.Context())
		require.NoError(t, err)
		require.Equal(t, map[anchor.Judgement]int64{anchor.JudgedDuplicate: 1, anchor.JudgedUnmatched: 2}, counts)

		var seen []store.Payment
		f := store.PaymentFilter{Open: true, Limit: 2}
		for {
			list, err := b.db.Payments(t.Context(), f)
			require.NoError(t, err)
			if len(list) == 0 {
				break
			}
			seen = append(seen, list...)
			f.After = list[len(list)-1]
		}
		require.Equal(t, "duplicate unmatched unmatched", judgements(seen))

		newest, err := b.db.Payments(t.Context(), store.PaymentFilter{Limit: 1})
		require.NoError(t, err)
		require.Equal(t, position(13, 1, 1), newest[0].OperationID)
		rest, err := b.db.Payments(t.Context(), store.PaymentFilter{After: newest[0]})
		require.NoError(t, err)
		require.Len(t, rest, 3)
	})
}
