package payouts_test

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func TestARailThatSpeaksOfThePayoutOfAnotherRail_changes_nothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		mine := w.Funded(1)[0]
		theirs := w.FundedBy(1, func(_ *store.Transaction, p *store.Payout) { p.Rail = "other" })[0]
		silent := &bank{execute: always(anchor.Accepted("1"))}
		key := anchor.NewPayoutKey(theirs, 1, 1)
		var asked atomic.Bool
		wrong := &bank{execute: always(anchor.Accepted("2")), poll: func([]anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
			asked.Store(true)
			return map[anchor.PayoutKey]anchor.Outcome{key: anchor.Failed("no such payout here")}, nil
		}}
		s := payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: {Rails: wrong}, "other": {Rails: silent}}, nil, atOnce())
		execute(t, s)
		require.Equal(t, anchor.PayoutAccepted, w.Payout(mine).State)
		for !asked.Load() { // a pass asks either of the two
			pollOnce(t, s)
		}
		require.Equal(t, anchor.PayoutAccepted, w.Payout(theirs).State)
	})
}
