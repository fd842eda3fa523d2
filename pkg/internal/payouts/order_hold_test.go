package payouts_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// orders are all orders of so many things.
func orders(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var all [][]int
	for _, rest := range orders(n - 1) {
		for at := range n {
			one := append(append(append([]int(nil), rest[:at]...), n-1), rest[at:]...)
			all = append(all, one)
		}
	}
	return all
}

func TestAnswers_in_any_order_and_any_number_end_in_the_same(t *testing.T) {
	t.Parallel()
	said := []anchor.Outcome{anchor.Accepted("B-1"), anchor.Delivered("B-1"), {}, anchor.NotKnown()}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		all := orders(len(said))
		ids := w.Funded(len(all))
		b := &bank{execute: always(anchor.Outcome{})} // nonsense: it says nothing
		s := service(db, b, patient())
		execute(t, s)
		for n, order := range all {
			key := anchor.NewPayoutKey(ids[n], 1, 1)
			for _, i := range order {
				for range 2 {
					require.NoError(t, s.Report(t.Context(), key, said[i], ""))
				}
			}
			deal := w.Transaction(ids[n])
			require.Equal(t, anchor.StatusCompleted, deal.Status, "%v", order)
			require.Empty(t, deal.Conflict, "%v", order)
			require.Equal(t, "B-1", deal.ExternalID, "%v", order)
			w.RequireBooks(ids[n])
		}
		require.False(t, execute(t, s))
		require.Len(t, b.sent(), len(all), "nothing was sent again")
	})
}

func TestAnswers_about_strangers_between_those_about_payouts_are_counted_and_change_nothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(3)
		b := &bank{execute: always(anchor.Accepted("x"))}
		b.poll = func(open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
			answers, err := says(anchor.Delivered("x"))(open)
			for i := range 5 {
				answers[anchor.NewPayoutKey(ids[0], int64(7+i), 1)] = anchor.Failed("no")
				answers[anchor.PayoutKey("stranger "+strconv.Itoa(i))] = anchor.Delivered("theirs")
			}
			return answers, err
		}
		s := service(db, b, atOnce())
		execute(t, s)
		pollOnce(t, s)
		require.EqualValues(t, 10, s.Counts().Unmatched)
		for _, id := range ids {
			require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
			require.Empty(t, w.Transaction(id).Conflict)
			w.RequireBooks(id)
		}
	})
}
