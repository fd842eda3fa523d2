package payments_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// sends is a movement out of the account.
func (b *books) sends(at int64, to string, units int64) stellar.Payment {
	p := b.pays(at, "", units)
	p.From, p.To = b.account, to
	return p
}

// outgoing is what left the account, as "operation>to:units=explained".
func (b *books) outgoing(t testing.TB) (told []string) {
	t.Helper()
	list, err := b.db.OutgoingMovements(t.Context(), b.account, store.PaymentKey{}, 1000)
	require.NoError(t, err)
	for _, m := range list {
		told = append(told, fmt.Sprintf("%d>%s:%d=%s", m.OperationID, m.ToAccount, m.AmountUnits, m.Explained))
	}
	return told
}

func (b *books) applyPage(t testing.TB, p stellar.Page) error {
	t.Helper()
	from := b.open(t, 1)
	p.Position = max(p.Position, from.Position)
	_, err := b.service.Apply(t.Context(), from, p, 1)
	return err
}

func (b *books) leaves(through int64, list ...stellar.Payment) stellar.Page {
	p := page(through)
	p.Outgoing, p.Position = list, list[len(list)-1].OperationID
	return p
}

func TestWhatLeavesTheAccountIsStoredOnceAndTreasuryIsExplained(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b.service = payments.New(b.db, nil, payments.Options{Passphrase: passphrase, Treasury: func(account string) bool { return account == "GTREASURY" }})
		second := b.another(t, 2)
		one, two, three := position(10, 1, 1), position(10, 1, 2), position(11, 1, 1)
		strange := b.sends(three, "GSTRANGER", 7)
		require.NoError(t, b.applyPage(t, b.leaves(12, b.sends(one, "GTREASURY", 5), b.sends(two, second.account, 6), strange)))
		want := []string{
			fmt.Sprintf("%d>GTREASURY:5=treasury", one), fmt.Sprintf("%d>%s:6=treasury", two, second.account), fmt.Sprintf("%d>GSTRANGER:7=", three),
		}
		require.Equal(t, want, b.outgoing(t))
		require.Empty(t, b.payments(t), "what is sent is no payment")

		b.rewind(t, 2)
		require.NoError(t, b.applyPage(t, b.leaves(13, b.sends(one, "GTREASURY", 5), b.sends(two, second.account, 6), strange)))
		require.Equal(t, want, b.outgoing(t), "read again")

		b.rewind(t, 2)
		strange.Units = 8
		var conflict *payments.ConflictError
		require.ErrorAs(t, b.applyPage(t, b.leaves(14, strange)), &conflict, "another history")
	})
}

func TestAPageThatIsCutLeavesWhatWasSentBehindTheCutToTheNext(t *testing.T) {
	t.Parallel()
	b := newBooks(t, storetest.SQLite(t))
	before, cut, behind := position(10, 1, 1), position(10, 2, 1), position(10, 2, 2)
	p := page(12, b.pays(before, "1", unit), b.pays(cut, "1", unit))
	p.Outgoing, p.Position, p.Full = []stellar.Payment{b.sends(before+1, "GA", 1), b.sends(behind, "GB", 2)}, behind, true
	require.NoError(t, b.applyPage(t, p))
	require.Equal(t, []string{fmt.Sprintf("%d>GA:1=", before+1)}, b.outgoing(t))
	require.Len(t, b.payments(t), 1)
}

func TestWhatWasSentIsStoredToWhereAPageIsAppliedPaymentByPayment(t *testing.T) {
	t.Parallel()
	b := newBooks(t, storetest.SQLite(t))
	unfit := b.pays(position(10, 2, 1), "1", unit)
	unfit.MemoType = "strange" // the database takes no such memo
	p := page(12, b.pays(position(10, 1, 1), "1", unit), unfit, b.pays(position(10, 3, 1), "1", unit))
	p.Outgoing, p.Position = []stellar.Payment{b.sends(position(10, 1, 2), "GA", 1), b.sends(position(10, 2, 2), "GB", 2), b.sends(position(10, 4, 1), "GC", 3)}, position(10, 4, 1)
	from := b.open(t, 1)
	_, err := b.service.ApplySingly(t.Context(), from, p, 1)
	require.NoError(t, err)
	require.Len(t, b.outgoing(t), 3)
	require.Len(t, b.payments(t), 3)
}

func TestAPageWithStrangeOutgoingMovementsIsRefused(t *testing.T) {
	t.Parallel()
	b := newBooks(t, storetest.SQLite(t))
	foreign := b.sends(position(10, 1, 1), "GA", 1)
	foreign.Account = "GOTHER"
	for name, list := range map[string][]stellar.Payment{
		"of another account": {foreign},
		"twice":              {b.sends(position(10, 1, 1), "GA", 1), b.sends(position(10, 1, 1), "GA", 1)},
		"before the cursor":  {b.sends(position(1, 1, 1), "GA", 1)},
	} {
		var refused *payments.PageError
		require.ErrorAs(t, b.applyPage(t, b.leaves(12, list...)), &refused, name)
	}
	require.Empty(t, b.outgoing(t))
}

func TestAMovementOutWakesTheRefunds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		woken := b.db.Wake(ctx, store.TopicRefunds)
		<-woken // the beginning of listening wakes everybody
		require.NoError(t, b.applyPage(t, b.leaves(12, b.sends(position(10, 1, 1), "GA", 1))))
		<-woken
	})
}

func TestACrashBetweenPaymentsAndWhatWasSentLosesNeither(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, id("1", unit))[0]
		p := page(12, b.pays(position(10, 1, 1), "1", unit))
		p.Outgoing, p.Position = []stellar.Payment{b.sends(position(10, 1, 2), "GA", 1)}, position(10, 1, 2)
		b.service.CrashAt(func(point string) error {
			if point == "sent" {
				return errCrash
			}
			return nil
		})
		require.ErrorIs(t, b.applyPage(t, p), errCrash)
		require.Empty(t, b.outgoing(t))
		require.Empty(t, b.payments(t))
		b.service.CrashAt(nil)
		require.NoError(t, b.applyPage(t, p))
		require.Len(t, b.outgoing(t), 1)
		require.True(t, b.transaction(t, agreed.ID).Funded)
	})
}
