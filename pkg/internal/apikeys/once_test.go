package apikeys_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/apikeys"
)

func (d desk) caller(t *testing.T) apikeys.Caller {
	t.Helper()
	_, token := d.create(t, webhook())
	c, err := d.Authenticate(t.Context(), token)
	require.NoError(t, err)
	return c
}

func under(key, content string) apikeys.Request {
	return apikeys.Request{IdempotencyKey: &key, Content: []byte(content)}
}

func TestARequestUnderAKey_is_made_once_after_it_has_succeeded(t *testing.T) {
	eachDesk(t, func(t *testing.T, d desk) {
		who, times := d.caller(t), 0
		fine := func(context.Context) error { times++; return nil }
		for range 3 {
			require.NoError(t, d.Once(t.Context(), who, under("k", "a"), fine))
		}
		require.Equal(t, 1, times)
		require.NoError(t, d.Once(t.Context(), who, under("another", "a"), fine))
		require.NoError(t, d.Once(t.Context(), d.caller(t), under("k", "b"), fine), "another caller's keys are its own")
		require.Equal(t, 3, times)
		for range 2 {
			require.NoError(t, d.Once(t.Context(), who, apikeys.Request{Content: []byte("a")}, fine))
		}
		require.Equal(t, 5, times, "without a key nothing is remembered")
	})
}

func TestARequestThatFailed_is_made_again_under_its_key(t *testing.T) {
	eachDesk(t, func(t *testing.T, d desk) {
		who, broken := d.caller(t), errors.New("the database is away")
		require.ErrorIs(t, d.Once(t.Context(), who, under("k", "a"), func(context.Context) error { return broken }), broken)
		times := 0
		require.NoError(t, d.Once(t.Context(), who, under("k", "a"), func(context.Context) error { times++; return nil }))
		require.Equal(t, 1, times)
	})
}

func TestAnotherRequestUnderAKey_is_refused_whatever_became_of_the_first(t *testing.T) {
	eachDesk(t, func(t *testing.T, d desk) {
		who := d.caller(t)
		never := func(context.Context) error { t.Error("it was made"); return nil }
		for key, err := range map[string]error{"good": nil, "bad": errors.New("no")} {
			require.Equal(t, err, d.Once(t.Context(), who, under(key, "a"), func(context.Context) error { return err }))
			require.Equal(t, anchor.CodeConflict, anchor.CodeOf(d.Once(t.Context(), who, under(key, "b"), never)))
		}
		for _, key := range []string{"", strings.Repeat("k", 256), "a\nb", "ключ"} {
			require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(d.Once(t.Context(), who, under(key, "a"), never)))
		}
	})
}

func TestOfManyDifferentRequestsUnderAKeyAtOnce_one_is_made(t *testing.T) {
	eachDesk(t, func(t *testing.T, d desk) {
		who := d.caller(t)
		var made, refused atomic.Int32
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				err := d.Once(t.Context(), who, under("k", strings.Repeat("a", i)), func(context.Context) error { made.Add(1); return nil })
				if anchor.CodeOf(err) == anchor.CodeConflict {
					refused.Add(1)
				}
			})
		}
		all.Wait()
		require.Equal(t, []int32{1, 15}, []int32{made.Load(), refused.Load()})
	})
}

func TestTheSameRequestManyTimesAtOnce_succeeds_each_time(t *testing.T) {
	eachDesk(t, func(t *testing.T, d desk) {
		who := d.caller(t)
		var made atomic.Int32
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				err := d.Once(t.Context(), who, under("k", "a"), func(context.Context) error { made.Add(1); return nil })
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.Positive(t, made.Load())
		before := made.Load()
		require.NoError(t, d.Once(t.Context(), who, under("k", "a"), func(context.Context) error { made.Add(1); return nil }))
		require.Equal(t, before, made.Load())
	})
}

func TestWhatWasAskedFor_cannot_be_guessed_from_what_is_stored(t *testing.T) {
	eachDesk(t, func(t *testing.T, d desk) {
		one, other := d.caller(t), d.caller(t)
		for _, who := range []apikeys.Caller{one, other} {
			require.NoError(t, d.Once(t.Context(), who, under("k", "a code of 4 digits"), func(context.Context) error { return nil }))
		}
		first, err := d.db.RememberedAnswer(t.Context(), one.Actor(), "k")
		require.NoError(t, err)
		second, err := d.db.RememberedAnswer(t.Context(), other.Actor(), "k")
		require.NoError(t, err)
		require.NotEqual(t, first.RequestHash, second.RequestHash, "it takes the key to try contents")
	})
}

func TestWhatIsRemembered_is_forgotten_after_its_time(t *testing.T) {
	eachDesk(t, func(t *testing.T, d desk) {
		who := d.caller(t)
		require.NoError(t, d.Once(t.Context(), who, under("k", "a"), func(context.Context) error { return nil }))
		forgotten, err := d.db.PruneIdempotencyKeys(t.Context())
		require.NoError(t, err)
		require.Zero(t, forgotten, "a day has not passed since %v", time.Now())
	})
}
