package apikeys_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestARequestWhoseCallerLeftWhileItWasDone_is_not_done_again_when_it_is_repeated(t *testing.T) {
	eachDesk(t, func(t *testing.T, d desk) {
		who, times := d.caller(t), 0
		ctx, leave := context.WithCancel(t.Context())
		_ = d.Once(ctx, who, under("k", "accepted"), func(context.Context) error {
			times++
			leave() // it is committed; the caller's patience is over, and what it decides next may be the opposite
			return nil
		})
		require.NoError(t, d.Once(t.Context(), who, under("k", "accepted"), func(context.Context) error { times++; return nil }))
		require.Equal(t, 1, times)
	})
}
