package payments_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// history is what happened on the network, and what had been agreed before.
type history struct {
	policy   payments.Policy
	agreed   []terms
	payments []stellar.Payment // of no account yet
	through  int64
}

func drawHistory(r *rapid.T) history {
	h := history{policy: drawPolicy(r)}
	for i := range rapid.IntRange(1, 6).Draw(r, "transactions") {
		a := id(fmt.Sprint(i), rapid.Int64Range(1, 5).Draw(r, "due"))
		a.change = drawTerms(r)
		if ends := rapid.Int64Range(0, 12).Draw(r, "ends"); ends > 0 {
			a.expires = closedAt(ends + 10)
		}
		h.agreed = append(h.agreed, a)
	}
	at := int64(10)
	envelope := int64(0)
	for range rapid.IntRange(0, 12).Draw(r, "envelopes") {
		if step := rapid.Int64Range(0, 2).Draw(r, "ledgers later"); step > 0 {
			at, envelope = at+step, 0
		}
		envelope++
		memo := rapid.IntRange(-1, 7).Draw(r, "memo")
		for operation := range rapid.IntRange(1, 4).Draw(r, "operations") {
			h.payments = append(h.payments, drawPayment(r, position(at, envelope, int64(operation)+1), memo))
		}
	}
	h.through = at + 1
	return h
}

// drawTerms are what a transaction was agreed under, beside its amount.
func drawTerms(r *rapid.T) func(*store.Transaction) {
	limits := rapid.IntRange(0, 3).Draw(r, "limits") == 0
	quoted := rapid.IntRange(0, 3).Draw(r, "quoted") == 0
	return func(row *store.Transaction) {
		if limits {
			row.MinUnits, row.MaxUnits = 2, 6
		}
		if quoted {
			row.QuoteID, row.OutUnits, row.OutDecimals, row.OutAsset = row.ID, 7*row.ExpectedUnits, 2, "iso4217:BRL"
		}
	}
}

func drawPayment(r *rapid.T, at int64, memo int) stellar.Payment {
	b := &books{}
	text := ""
	if memo >= 0 {
		text = fmt.Sprint(memo)
	}
	p := b.pays(at, text, rapid.Int64Range(1, 4).Draw(r, "units"))
	switch rapid.IntRange(0, 9).Draw(r, "kind") {
	case 0:
		p.AssetCode = "EURC"
	case 1:
		p.ToMuxedID = fmt.Sprint(rapid.IntRange(0, 7).Draw(r, "muxed"))
	case 2:
		p.Units, p.Unreadable, p.Raw = 0, "strange", []byte("{}")
	}
	return p
}

// network serves a history of one account, in pages of any size.
type network struct {
	history []stellar.Payment
	through int64
}

func (h history) of(account string) network {
	n := network{history: slices.Clone(h.payments), through: h.through}
	for i := range n.history {
		n.history[i].Account, n.history[i].To = account, account
	}
	return n
}

func (n network) page(after int64, limit int) stellar.Page {
	from, _ := slices.BinarySearchFunc(n.history, after+1, func(p stellar.Payment, at int64) int { return cmp.Compare(p.OperationID, at) })
	to := min(from+limit, len(n.history))
	p := stellar.Page{Records: to - from, Payments: n.history[from:to], Position: after, Full: to-from == limit, Elder: 1, Through: ledger(n.through)}
	if to > from {
		p.Position = n.history[to-1].OperationID
	}
	return p
}

var errCrash = errors.New("killed")

// live lets a watcher live through a history with all that can befall it: pages cut anywhere, deaths before any commit, an
// older watcher that still writes, reading again from any ledger.
func (b *books) live(t *testing.T, r *rapid.T, n network) {
	fence := int64(1)
	at := b.open(t, fence)
	stale := at
	for done := false; !done; {
		b.service.CrashAt(drawDeath(r))
		page := n.page(at.Position, rapid.IntRange(1, 9).Draw(r, "limit"))
		next, err := b.service.Apply(t.Context(), at, page, fence)
		b.service.CrashAt(nil)
		switch {
		case errors.Is(err, errCrash):
			fence++
			at = b.open(t, fence) // somebody else carries on
			continue
		case err != nil: // it ends inside its only Stellar transaction
			page = n.page(at.Position, 100)
			next, err = b.service.Apply(t.Context(), at, page, fence)
			require.NoError(r, err)
		}
		if next.Position != at.Position {
			stale = at
		}
		if stale.Position != next.Position {
			_, err := b.service.Apply(t.Context(), stale, n.page(stale.Position, 100), fence)
			require.ErrorIs(r, err, store.ErrCursorMoved, "who read from an older position stores nothing")
		}
		at = next
		if rapid.IntRange(0, 9).Draw(r, "expire") == 0 {
			_, err := b.service.Expire(t.Context(), b.account)
			require.NoError(r, err)
		}
		done = !page.Full
		if rapid.IntRange(0, 19).Draw(r, "read again") == 0 {
			b.rewind(t, rapid.Int64Range(10, n.through).Draw(r, "from ledger"))
			at, done = b.open(t, fence), false
			stale = at
		}
	}
	_, err := b.service.Expire(t.Context(), b.account)
	require.NoError(r, err)
}

func drawDeath(r *rapid.T) func(string) error {
	dies := rapid.SampledFrom([]string{"", "", "", "stored", "credited"}).Draw(r, "dies at")
	return func(point string) error {
		if point == dies {
			return errCrash
		}
		return nil
	}
}

// told is what the books say, without ids and times of their own.
func (b *books) told(t *testing.T, agreed []store.Transaction) (told []string) {
	memos := map[string]string{}
	for _, a := range agreed {
		row := b.transaction(t, a.ID)
		memos[a.ID] = a.Memo.String
		told = append(told, fmt.Sprint("transaction ", a.Memo.String, row.Status, row.StatusMessage, row.Funded, row.Version, row.CreditedUnits,
			row.PayoutUnits, row.RefundUnits, row.FeeUnits, row.OutUnits, row.StellarHash))
		history, err := b.db.History(t.Context(), store.SubjectTransaction, a.ID)
		require.NoError(t, err)
		for _, e := range history {
			told = append(told, fmt.Sprint("event ", a.Memo.String, e.Seq, e.Kind, e.FromStatus, e.ToStatus, e.Reason))
		}
	}
	list := b.payments(t)
	slices.SortFunc(list, func(x, y store.Payment) int { return cmp.Compare(x.OperationID, y.OperationID) })
	for _, p := range list {
		told = append(told, fmt.Sprint("payment ", p.OperationID, p.Judgement, p.State, p.AmountUnits, p.RefundUnits, memos[p.TransactionID.String]))
	}
	operations := map[string]int64{}
	for _, p := range list {
		operations[p.ID] = p.OperationID
	}
	var back []string
	for _, r := range b.refunds(t) {
		back = append(back, fmt.Sprint("refund ", operations[r.PaymentID], r.Number, r.State, r.Units, r.FeeUnits, r.FromHeld, r.Destination))
	}
	slices.Sort(back)
	told = append(told, back...)
	return told
}

// audit checks the invariants over one account.
func (b *books) audit(t *testing.T, r *rapid.T, n network, agreed []store.Transaction) {
	list := b.payments(t)
	require.Len(r, list, len(n.history), "I1: every payment is exactly one row")
	credited, back := map[string]int64{}, map[string]int64{}
	for _, p := range list {
		require.Equal(r, p.State == anchor.PaymentCredited, p.Judgement == anchor.JudgedCredited)
		if p.State != anchor.PaymentCredited {
			continue
		}
		to := p.TransactionID.String
		credited[to] += p.AmountUnits
		back[to] += p.RefundUnits
		row := b.transaction(t, to)
		require.Equal(r, []string{row.AssetCode, row.AssetIssuer, row.ReceivingAccount}, []string{p.AssetCode, p.AssetIssuer, p.Account}, "I3")
		require.True(r, p.Memo == row.Memo.String && p.MemoType == row.MemoType || p.MemoType == "none" && p.ToMuxedID == row.Memo.String, "I3")
		require.True(r, row.ExpiresUs == 0 || p.ClosedUs <= row.ExpiresUs)
	}
	for _, a := range agreed {
		row := b.transaction(t, a.ID)
		require.Equal(r, credited[a.ID], row.CreditedUnits, "what is credited is what was paid")
		require.Equal(r, back[a.ID], row.RefundUnits, "I4: what goes back is taken from held")
		require.GreaterOrEqual(r, row.Held(), int64(0), "I4")
		b.auditPayout(t, r, row)
	}
}

// auditPayout checks what is to be paid out of a transaction.
func (b *books) auditPayout(t *testing.T, r *rapid.T, row store.Transaction) {
	payouts, err := b.db.PayoutsOf(t.Context(), row.ID)
	require.NoError(r, err)
	require.Equal(r, row.Funded, len(payouts) == 1)
	if !row.Funded {
		require.Zero(r, row.PayoutUnits)
		require.Less(r, row.CreditedUnits, row.ExpectedUnits)
		return
	}
	require.Zero(r, row.Held(), "a funded transaction keeps nothing")
	require.Equal(r, row.PayoutUnits, payouts[0].DebitUnits, "I4")
	require.Equal(r, row.OutUnits, payouts[0].AmountUnits)
	require.Positive(r, row.OutUnits)
	if row.QuoteID != "" {
		require.LessOrEqual(r, row.OutUnits, 7*row.ExpectedUnits, "never more than the quote")
		require.LessOrEqual(r, row.PayoutUnits, row.ExpectedUnits)
		return
	}
	require.Equal(r, row.PayoutUnits, row.FeeUnits+row.OutUnits)
}

func TestTheSameHistoryAlwaysEndsInTheSameRows(t *testing.T) {
	t.Parallel()
	for engine, open := range map[string]func(testing.TB) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			b := newBooks(t, open(t))
			runs, failing := 0, false
			rapid.Check(t, func(r *rapid.T) {
				if runs++; engine == "postgres" && runs > 25 && !failing {
					return // one engine is enough for the many
				}
				passed := false
				defer func() { failing = failing || !passed }()
				h := drawHistory(r)
				kept := b.under(h.policy)
				smooth, rough := kept.another(t, 2), kept.another(t, 2)
				smoothAgreed, roughAgreed := smooth.agree(t, h.agreed...), rough.agree(t, h.agreed...)

				from := smooth.open(t, 1)
				_, err := smooth.service.Apply(t.Context(), from, h.of(smooth.account).page(from.Position, 1000), 1)
				require.NoError(r, err)
				_, err = smooth.service.Expire(t.Context(), smooth.account)
				require.NoError(r, err)
				rough.live(t, r, h.of(rough.account))

				rough.audit(t, r, h.of(rough.account), roughAgreed)
				require.Equal(r, smooth.told(t, smoothAgreed), rough.told(t, roughAgreed))
				passed = true
			})
		})
	}
}

func TestAReadingThatIsCancelledAnywhereLosesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, id("7", unit))
		from := b.open(t, 1)
		ctx, cancel := context.WithCancel(t.Context())
		b.service.CrashAt(func(string) error { cancel(); return nil })
		_, err := b.service.Apply(ctx, from, page(12, b.pays(position(10, 1, 1), "7", unit)), 1)
		require.ErrorIs(t, err, context.Canceled)
		b.service.CrashAt(nil)
		b.apply(t, 12, b.pays(position(10, 1, 1), "7", unit))
		require.True(t, b.transaction(t, agreed[0].ID).Funded)
	})
}
