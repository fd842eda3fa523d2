package store_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// turn sets a switch and tells whether that changed it.
func turn(t *testing.T, db *store.DB, kind store.SwitchKind, name string, paused bool, reason string) (s store.Switch, changed bool) {
	t.Helper()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		s, changed, err = tx.SetSwitch(ctx, kind, name, paused, "operator:ann", reason)
		return err
	}))
	return s, changed
}

func TestA_switch_remembers_who_paused_what_and_why_and_keeps_its_history(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		list, err := db.Switches(t.Context())
		require.NoError(t, err)
		require.Empty(t, list)

		s, changed := turn(t, db, store.SwitchRail, "bank", true, "the bank is down")
		require.True(t, changed)
		again, changed := turn(t, db, store.SwitchRail, "bank", true, "said twice")
		require.False(t, changed)
		require.Equal(t, s, again, "the first reason stays")
		asset := "USDC:" + payoutstest.Issuer
		_, changed = turn(t, db, store.SwitchAsset, asset, true, "the issuer is in trouble")
		require.True(t, changed)
		_, changed = turn(t, db, store.SwitchRail, "bank", false, "it is up")
		require.True(t, changed)

		list, err = db.Switches(t.Context())
		require.NoError(t, err)
		require.Len(t, list, 2)
		require.Equal(t, []any{"rail", "bank", false, int64(2), "it is up"}, []any{list[0].Kind, list[0].Name, list[0].Paused, list[0].Version, list[0].Reason})
		require.Equal(t, []any{"asset", asset, true, "operator:ann"}, []any{list[1].Kind, list[1].Name, list[1].Paused, list[1].Actor})
		history, err := db.History(t.Context(), store.SubjectRail, "bank")
		require.NoError(t, err)
		require.Len(t, history, 2)
		require.Equal(t, "on>paused the bank is down", history[0].FromStatus+">"+history[0].ToStatus+" "+history[0].Reason)
		require.Equal(t, "paused>on it is up", history[1].FromStatus+">"+history[1].ToStatus+" "+history[1].Reason)
		history, err = db.History(t.Context(), store.SubjectAsset, asset)
		require.NoError(t, err)
		require.Len(t, history, 1)
		require.Equal(t, "operator:ann", history[0].Actor)
	})
}

func TestResuming_what_was_never_paused_changes_nothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		_, changed := turn(t, db, store.SwitchRail, "bank", false, "no reason")
		require.False(t, changed)
		list, err := db.Switches(t.Context())
		require.NoError(t, err)
		require.Empty(t, list)
	})
}

func TestWho_waits_for_payouts_that_can_be_sent_is_woken_when_a_rail_is_resumed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		turn(t, db, store.SwitchRail, "bank", true, "the bank is down")
		woken := db.Wake(t.Context(), store.TopicReady)
		turn(t, db, store.SwitchRail, "bank", false, "it is up")
		<-woken
	})
}
