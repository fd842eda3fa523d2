package transactions_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/transactions"
)

func (w world) count(t testing.TB) int {
	t.Helper()
	list, err := w.db.Transactions(t.Context(), store.TransactionFilter{Limit: 1000})
	require.NoError(t, err)
	return len(list)
}

func TestCreate_repeated_under_its_key_gives_the_first_answer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		who := w.admit(t, sending)
		first, err := w.service.Create(t.Context(), who, keyed("k 1"))
		require.NoError(t, err)
		w.receiver.post = func(anchor.PostRequest) (anchor.Acceptance, error) {
			return anchor.Acceptance{}, anchor.Refuse("not any more")
		}
		again, err := w.service.Create(t.Context(), who, keyed("k 1"))
		require.NoError(t, err)
		require.Equal(t, first, again)
		require.Equal(t, 1, w.count(t))
	})
}

func TestCreate_under_the_key_of_another_request_is_a_conflict(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		who := w.admit(t, sending)
		_, err := w.service.Create(t.Context(), who, keyed("k"))
		require.NoError(t, err)
		other := keyed("k")
		other.Amount = "101"
		_, err = w.service.Create(t.Context(), who, other)
		requireCode(t, anchor.CodeConflict, err)
		other = keyed("k")
		other.Fields = map[string]string{"account_number": "1"}
		_, err = w.service.Create(t.Context(), who, other)
		requireCode(t, anchor.CodeConflict, err)
		require.Equal(t, 1, w.count(t))
	})
}

func TestCreate_keeps_the_keys_of_sending_anchors_and_their_sessions_apart(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		for _, who := range []anchor.SendingAnchor{
			{Account: sending}, {Account: sending, MemoType: "id", Memo: "1"}, {Account: stranger},
		} {
			admitted, err := w.service.Admit(t.Context(), who)
			require.NoError(t, err)
			_, err = w.service.Create(t.Context(), admitted, keyed("k"))
			require.NoError(t, err)
		}
		require.Equal(t, 3, w.count(t))
	})
}

func TestCreate_at_once_under_one_key_makes_one_transaction(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		who := w.admit(t, sending)
		var together sync.WaitGroup
		together.Add(16)
		// The business holds every request until all have found the key unused.
		w.receiver.post = func(anchor.PostRequest) (anchor.Acceptance, error) {
			together.Done()
			together.Wait()
			return anchor.Acceptance{}, nil
		}
		answers := make([]transactions.Created, 16)
		group, ctx := errgroup.WithContext(t.Context())
		for i := range answers {
			group.Go(func() (err error) {
				answers[i], err = w.service.Create(ctx, who, keyed("k"))
				return err
			})
		}
		require.NoError(t, group.Wait())
		for _, answer := range answers {
			require.Equal(t, answers[0], answer)
		}
		require.Equal(t, 1, w.count(t))
	})
}

func TestCreate_remembers_no_personal_data_with_the_answer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		r := keyed("k")
		r.Fields = map[string]string{"account_number": "canary-4711"}
		_, err := w.service.Create(t.Context(), w.admit(t, sending), r)
		require.NoError(t, err)
		remembered, err := w.db.RememberedAnswer(t.Context(), sending+":", "k")
		require.NoError(t, err)
		require.NotContains(t, remembered.Text, "canary")
		require.NotContains(t, remembered.RequestHash, "canary")
	})
}

func TestCreate_forgets_a_key_after_its_lifetime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		who := w.admit(t, sending)
		for i := range 2 {
			_, err := w.service.Create(t.Context(), who, keyed("k"))
			require.NoError(t, err)
			require.Equal(t, i+1, w.count(t))
			n, err := w.db.PruneIdempotencyKeys(t.Context())
			require.NoError(t, err)
			require.Equal(t, int64(1), n)
		}
	}, func(d *transactions.Deps) { d.Options.KeyLifetime = -time.Minute })
}
