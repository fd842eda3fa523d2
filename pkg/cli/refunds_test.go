package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

func TestWho_cancels_a_refund_is_told_what_its_transaction_holds_then_and_what_decides_about_it(t *testing.T) {
	t.Parallel()
	var p store.Payment
	p.ID, p.AssetCode = "P", "USDC"
	for name, c := range map[string]struct {
		status anchor.Status
		funded bool
		spent  int64
		says   []string
		not    string
	}{
		"paid in full":           {anchor.StatusPendingReceiver, true, 0, []string{"holds 50 USDC", "payouts retry T", "payments refund P"}, "by itself"},
		"ran out":                {anchor.StatusPendingSender, false, 0, []string{"holds 50 USDC", "nothing pays out by itself", "payments refund P"}, "retry"},
		"has nothing of it left": {anchor.StatusPendingReceiver, true, 500_000_000, []string{"holds 0 USDC"}, "anchor payments refund"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var tr store.Transaction
			tr.ID, tr.Status, tr.Funded, tr.CreditedUnits, tr.PayoutUnits = "T", c.status, c.funded, 500_000_000, c.spent
			text := heldAgain(tr, p)
			for _, part := range c.says {
				require.Contains(t, text, part)
			}
			require.NotContains(t, text, c.not)
		})
	}
}

func TestWho_cancels_the_refund_of_a_payment_that_was_never_credited_is_told_that_it_waits_for_a_decision(t *testing.T) {
	t.Parallel()
	var p store.Payment
	p.ID, p.AssetCode, p.AmountUnits, p.RefundUnits, p.State = "P", "USDC", 500_000_000, 100_000_000, anchor.PaymentOpen
	require.Contains(t, undecided(p), "40 USDC of it are left: 'anchor payments assign'")
	p.State = anchor.PaymentRefunding
	require.Contains(t, undecided(p), "payment P is refunding: see 'anchor refunds list --payment P'", "another part is on its way")
}
