package store_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func addFile(t *testing.T, db *store.DB, o store.Owner, data string, lifetime time.Duration) (f store.CustomerFile) {
	t.Helper()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		f, err = tx.AddFile(ctx, o, store.CustomerValue{Data: []byte(data), ContentType: "image/png"}, lifetime, store.FileRoom{Files: 100, Bytes: 1 << 20})
		return err
	}))
	return f
}

func TestAFile_is_sealed_until_a_field_takes_it_over_and_then_only_described(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := store.Owner{Account: "GA", MemoType: "id", Memo: "1"}
		f := addFile(t, db, o, "canary-in-a-file", time.Hour)
		sealed := func() (key, content string) {
			row := db.WriterPool().QueryRowContext(t.Context(), "SELECT sealed_key, sealed FROM customer_files WHERE id = $1", f.ID)
			require.NoError(t, row.Scan(&key, &content))
			return key, content
		}
		key, content := sealed()
		require.NotEmpty(t, key)
		require.NotContains(t, content, "canary")

		c := person(t, db, o, anchor.CustomerAccepted)
		take := func(version int64) error {
			return db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				value, err := tx.FileContent(ctx, f)
				if err != nil {
					return context.Canceled // it is stale: nobody is to try again
				}
				require.Equal(t, store.CustomerValue{Data: []byte("canary-in-a-file"), ContentType: "image/png"}, value)
				c.Version = version
				_, err = tx.AdvanceCustomer(ctx, c, store.CustomerChange{
					Cause: store.CustomerGave, Actor: "test", Values: map[string]store.CustomerValue{"photo_id_back": value},
					Files: map[string]string{"photo_id_back": f.ID},
				})
				return err
			})
		}
		require.NoError(t, take(2))
		key, content = sealed()
		require.Empty(t, key+content)
		require.ErrorIs(t, take(3), context.Canceled)
		list, err := db.FilesOfCustomer(t.Context(), c.ID)
		require.NoError(t, err)
		require.Equal(t, []store.CustomerFile{{
			ID: f.ID, CustomerID: c.ID, Field: "photo_id_back", ContentType: "image/png", Size: int64(len("canary-in-a-file")),
		}}, list)
	})
}

func TestAFile_is_found_by_its_owner_only_and_until_its_time_is_over(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := store.Owner{Account: "GA", MemoType: "id", Memo: "1"}
		f, over := addFile(t, db, o, "x", time.Hour), addFile(t, db, o, "x", -time.Second)
		for name, who := range map[string]store.FileOwner{"the user": {Owner: o}, "the account": {Owner: store.Owner{Account: "GA"}, AnyUser: true}} {
			got, err := db.FileOf(t.Context(), who, f.ID)
			require.NoError(t, err, name)
			require.Equal(t, f, got, name)
			_, err = db.FileOf(t.Context(), who, over.ID)
			require.ErrorIs(t, err, store.ErrNotFound, name)
		}
		for name, who := range map[string]store.FileOwner{
			"another account": {Owner: store.Owner{Account: "GB"}, AnyUser: true}, "the account itself": {Owner: store.Owner{Account: "GA"}},
			"another user": {Owner: store.Owner{Account: "GA", MemoType: "id", Memo: "2"}},
		} {
			_, err := db.FileOf(t.Context(), who, f.ID)
			require.ErrorIs(t, err, store.ErrNotFound, name)
		}
		n, err := db.PruneFiles(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1, n)
	})
}

func TestAnAccount_keeps_no_more_files_than_it_may_however_many_come_at_once(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for name, room := range map[string]store.FileRoom{"files": {Files: 5, Bytes: 1000}, "bytes": {Files: 100, Bytes: 50}} {
			var kept, refused atomic.Int64
			group, ctx := errgroup.WithContext(t.Context())
			for i := range 12 {
				group.Go(func() error {
					o := store.Owner{Account: "G" + name, MemoType: "id", Memo: string(rune('a' + i))}
					err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
						_, err := tx.AddFile(ctx, o, store.CustomerValue{Data: []byte("ten bytes."), ContentType: "image/png"}, time.Hour, room)
						return err
					})
					if errors.Is(err, store.ErrNoRoom) {
						refused.Add(1)
						return nil
					}
					kept.Add(1)
					return err
				})
			}
			require.NoError(t, group.Wait())
			require.EqualValues(t, 5, kept.Load(), name)
			require.EqualValues(t, 7, refused.Load(), name)
		}
	})
}

func TestACode_is_sealed_counted_down_and_gone_with_the_wait_for_it(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := person(t, db, store.Owner{Account: "GA"}, anchor.CustomerNeedsInfo)
		judge := func(field store.JudgedField) {
			require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
				c, err = tx.AdvanceCustomer(ctx, c, store.CustomerChange{
					Cause: store.CustomerJudged, Actor: "test", Fields: map[string]store.JudgedField{"first_name": field},
				})
				return err
			}))
		}
		codes := func() (codes map[string]store.SentCode) {
			require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
				codes, err = tx.CodesOfCustomer(ctx, c)
				return err
			}))
			return codes
		}
		waits := store.JudgedField{Status: anchor.FieldVerificationRequired, Code: &store.NewCode{Text: "123456", Tries: 2, Lifetime: time.Hour}}
		judge(waits)
		require.Equal(t, map[string]store.SentCode{"first_name": {Text: "123456", Tries: 2}}, codes())
		var sealed string
		require.NoError(t, db.WriterPool().QueryRowContext(t.Context(), "SELECT sealed_code FROM verification_codes").Scan(&sealed))
		require.NotContains(t, sealed, "123456")
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.CountDownCode(ctx, c.ID, "first_name") }))
		judge(store.JudgedField{Status: anchor.FieldVerificationRequired})
		require.Equal(t, map[string]store.SentCode{"first_name": {Text: "123456", Tries: 1}}, codes(), "it still counts")
		judge(store.JudgedField{Status: anchor.FieldAccepted})
		require.Empty(t, codes())
		judge(store.JudgedField{Status: anchor.FieldVerificationRequired})
		require.Empty(t, codes(), "the old one does not come back")
		waits.Code.Lifetime = -time.Second
		judge(waits)
		require.True(t, codes()["first_name"].Over)
	})
}

func TestCallbacksOfCustomers_are_ordered_per_role_and_go_where_the_subscription_says(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := person(t, db, store.Owner{Account: "GA"}, anchor.CustomerNeedsInfo)
		subscribe := func(url string) {
			require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.Subscribe(ctx, c.ID, url) }))
		}
		move := func(statuses map[string]store.DecidedStatus) {
			require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
				c, err = tx.AdvanceCustomer(ctx, c, store.CustomerChange{Cause: store.CustomerJudged, Actor: "test", Statuses: statuses})
				return err
			}))
		}
		subscribe("https://old.example/")
		move(map[string]store.DecidedStatus{"receiver": {Status: anchor.CustomerProcessing}, "sender": {Status: anchor.CustomerProcessing}})
		move(map[string]store.DecidedStatus{"receiver": {Status: anchor.CustomerAccepted}, "sender": {Status: anchor.CustomerRejected}})
		move(map[string]store.DecidedStatus{"receiver": {Status: anchor.CustomerNeedsInfo}})
		subscribe("https://new.example/")

		rows, err := db.CallbacksOf(t.Context(), store.SubjectCustomer, c.ID)
		require.NoError(t, err)
		require.Len(t, rows, 4, "after the final ones nobody is told")
		due, _, err := db.DueCallbacks(t.Context(), store.CallbackPlace{}, 10)
		require.NoError(t, err)
		require.Len(t, due, 2, "the first of each role")
		var ids []string
		for _, d := range due {
			require.Equal(t, "https://new.example/", d.URL)
			ids = append(ids, d.ID)
		}
		claims, err := db.ClaimCallbacks(t.Context(), ids, time.Hour)
		require.NoError(t, err)
		require.Len(t, claims, 2)
		var topics []string
		for _, claim := range claims {
			require.Equal(t, "https://new.example/", claim.URL)
			require.Empty(t, claim.Body)
			topics = append(topics, claim.Topic)
		}
		require.ElementsMatch(t, []string{"receiver", "sender"}, topics)
	})
}
