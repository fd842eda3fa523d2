package customers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
)

func TestALateVerdict_counts_for_the_version_that_was_judged_until_something_else_happens(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		var asked anchor.CustomerPut
		d.business.answer(func(p anchor.CustomerPut) (anchor.Verdict, error) {
			asked = p
			return anchor.Verdict{Type: p.Type, Status: anchor.CustomerProcessing}, nil
		})
		id := d.register(who)
		late := anchor.Verdict{Type: sender, Version: asked.Customer.Version, Status: anchor.CustomerAccepted}
		unborn := late
		unborn.Version += 100
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(d.SetStatus(t.Context(), id, unborn, "business")))
		require.NoError(t, d.SetStatus(t.Context(), id, late, "business"))
		require.Equal(t, anchor.CustomerAccepted, d.mustGet(who, customers.Query{}).Status)
		require.NoError(t, d.SetStatus(t.Context(), id, late, "business"), "said again it is what stands")

		doubt := late
		doubt.Status = anchor.CustomerProcessing
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(d.SetStatus(t.Context(), id, doubt, "business")), "somebody has decided since")
	})
}

func TestALateVerdict_about_values_that_have_changed_is_refused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		var first int64
		d.business.answer(func(p anchor.CustomerPut) (anchor.Verdict, error) {
			if first == 0 {
				first = p.Customer.Version
			}
			return anchor.Verdict{Type: p.Type, Status: anchor.CustomerProcessing}, nil
		})
		id := d.register(who)
		d.mustPut(who, customers.Put{Values: map[string]string{"last_name": "Villain"}})
		late := anchor.Verdict{Type: sender, Version: first, Status: anchor.CustomerAccepted}
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(d.SetStatus(t.Context(), id, late, "business")))
		require.Equal(t, anchor.CustomerProcessing, d.mustGet(who, customers.Query{}).Status)
	})
}
