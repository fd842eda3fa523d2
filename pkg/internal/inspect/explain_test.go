package inspect_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/inspect"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

const (
	paidBy   = "9f5e4d3c2b1a09f8e7d6c5b4a3928170695f4e3d2c1b0a9f8e7d6c5b4a392817" // a Stellar hash
	memoHash = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
)

// told explains a text, which must be about one thing.
func told(t *testing.T, db *store.DB, text string) inspect.Story {
	t.Helper()
	stories, err := inspect.NewExplainer(db, inspect.Options{}).Explain(t.Context(), text)
	require.NoError(t, err, text)
	require.Len(t, stories, 1, text)
	return stories[0]
}

// paymentTo stores a payment, for a transaction or for none.
func paymentTo(t *testing.T, db *store.DB, transactionID string, change func(*store.Payment)) store.Payment {
	t.Helper()
	var p store.Payment
	p.Chain, p.Account, p.OperationID, p.Kind, p.InnerHash, p.OuterHash = "net/1", payoutstest.Account, 1<<32, "payment", paidBy, paidBy
	p.Ledger, p.ClosedUs, p.FromAccount, p.AssetCode, p.AssetIssuer = 1, 1_700_000_000_000_000, payoutstest.Sending, "USDC", payoutstest.Issuer
	p.AmountUnits, p.MemoType, p.Memo, p.Judgement, p.State = payoutstest.Credited, "id", "1", anchor.JudgedCredited, anchor.PaymentCredited
	p.BelongsTo(transactionID)
	change(&p)
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.InsertPayments(ctx, []store.Payment{p}) }))
	list, err := db.Payments(t.Context(), store.PaymentFilter{})
	require.NoError(t, err)
	return list[0]
}

func TestExplain_finds_a_transaction_by_everything_that_belongs_to_it(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		quote := given(t, db)
		id := w.FundedBy(1, func(t *store.Transaction, _ *store.Payout) { t.QuoteID = quote })[0]
		redeem(t, db, quote, id)
		paid := paymentTo(t, db, id, func(*store.Payment) {})
		claimed, err := db.ClaimReady(t.Context(), store.ClaimTerms{
			Owner: "test", Actor: "test", Lease: time.Minute, Limit: 1, Rail: payoutstest.Rail,
		})
		require.NoError(t, err)
		claims := claimed.Claims
		require.Len(t, claims, 1)
		for name, text := range map[string]string{
			"its id": id, "its id in capitals": strings.ToUpper(id), "its payment": paid.ID, "its payout": w.Payout(id).ID,
			"the key of its attempt": string(claims[0].Key()), "its quote": quote, "its memo": "1", "its memo with the kind": " id:1 ",
			"its memo with zeros": "0001", "the hash of its payment": paidBy, "that hash in capitals": strings.ToUpper(paidBy),
		} {
			story := told(t, db, text)
			require.Equal(t, "transaction "+id, story.Kind+" "+story.ID, name)
		}
	})
}

// given stores a quote of the sending anchor and returns its id.
func given(t *testing.T, db *store.DB) string {
	t.Helper()
	var q store.Quote
	q.ID, q.OwnerAccount, q.SellAsset, q.SellUnits, q.SellDecimals = store.NewID(), payoutstest.Sending, "stellar:USDC:"+payoutstest.Issuer, 1_000_000_000, 7
	q.BuyAsset, q.BuyUnits, q.BuyDecimals = "iso4217:EUR", 9_000, 2
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		q.ExpiresUs = now + time.Hour.Microseconds()
		return tx.InsertQuote(ctx, q)
	}))
	return q.ID
}

func redeem(t *testing.T, db *store.DB, quote, id string) {
	t.Helper()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.RedeemQuote(ctx, payoutstest.Sending, quote, id)
		return err
	}))
}

func TestExplain_tells_what_happened_in_order_and_nothing_personal(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		paymentTo(t, db, id, func(*store.Payment) {})
		w.Judge(w.Receiver, payoutstest.ReceiverType, anchor.CustomerNeedsInfo, map[string]string{"bank_account_number": "0099"})

		story := told(t, db, id)
		for i := 1; i < len(story.Lines); i++ {
			require.False(t, story.Lines[i].At.Before(story.Lines[i-1].At), "line %d", i)
		}
		require.Equal(t, "100 USDC arrived by payment", story.Lines[0].What)
		require.Equal(t, "from "+payoutstest.Sending+" with memo id:1", story.Lines[0].Why)
		require.Equal(t, "payout 1 waits for the KYC of the receiver (customer "+w.Receiver.ID+", type sep31-receiver): NEEDS_INFO", story.Why[0].Why)

		raw, err := json.Marshal(story)
		require.NoError(t, err)
		for _, personal := range []string{"Ada", "Lovelace", "Alan", "0042", "0099", "021000021"} {
			require.NotContains(t, string(raw), personal)
		}
	})
}

func TestExplain_tells_of_what_belongs_to_no_transaction(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		stray := paymentTo(t, db, "", func(p *store.Payment) {
			p.MemoType, p.Memo, p.Judgement, p.State, p.Reason = "hash", memoHash, anchor.JudgedUnmatched, anchor.PaymentOpen, "no transaction has its memo"
		})
		for _, text := range []string{stray.ID, paidBy, memoHash, "hash:" + memoHash, "ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8="} {
			story := told(t, db, text)
			require.Equal(t, "payment "+stray.ID, story.Kind+" "+story.ID, text)
			require.Equal(t, "payment "+stray.ID+" of 100 USDC belongs to no transaction and nobody has decided about it: no transaction has its memo", story.Why[0].Why)
		}
		quote := given(t, db)
		require.Contains(t, told(t, db, quote).Why[0].Why, "no transaction has redeemed it yet; it is good until ")
		require.Equal(t, "nothing keeps it: it is accepted wherever it was judged", told(t, db, w.Sender.ID).Why[0].Why)

		w.Judge(w.Sender, payoutstest.SenderType, anchor.CustomerRejected, nil)
		require.Equal(t, "as sep31-sender it is not accepted: REJECTED", told(t, db, w.Sender.ID).Why[0].Why)
	})
}

func TestExplain_names_a_payment_that_may_be_what_a_transaction_waits_for(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		agreed := w.Agreed()
		agreed.Publish("text", "SU5WLTIwNDQ=") // INV-2044
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.CreateTransaction(ctx, agreed, anchor.Change{Cause: anchor.CauseCreated, Actor: payoutstest.Actor})
			return err
		}))
		now, err := db.Clock(t.Context())
		require.NoError(t, err)
		stray := paymentTo(t, db, "", func(p *store.Payment) {
			p.ClosedUs, p.MemoType, p.Memo, p.Judgement, p.State = now.UnixMicro(), "none", "", anchor.JudgedUnmatched, anchor.PaymentOpen
		})
		var why []string
		for _, r := range told(t, db, "INV-2044").Why {
			why = append(why, r.Why)
		}
		require.Len(t, why, 3)
		require.Equal(t, "no watcher has read the account "+payoutstest.Account+" yet", why[0])
		require.Equal(t, "nothing has been seen of its payment of 100 USDC; the memo is text:INV-2044", why[1])
		require.Contains(t, why[2], "payment "+stray.ID+" brought exactly that at ")
	})
}

func TestExplain_tells_of_a_refund_in_the_story_of_its_payment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		payoutstest.New(t, db)
		stray := paymentTo(t, db, "", func(p *store.Payment) { p.Judgement, p.State = anchor.JudgedUnmatched, anchor.PaymentOpen })
		var refund store.Refund
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
			refund, err = tx.RequestRefund(ctx, store.RefundOrder{Payment: stray, Units: stray.AmountUnits, Actor: "operator:ann", Reason: "sent by mistake"})
			return err
		}))
		story := told(t, db, refund.ID)
		require.Equal(t, "payment "+stray.ID, story.Kind+" "+story.ID)
		require.Contains(t, story.Why[0].Why, "refund "+refund.ID+" of 100 USDC waits, for no refund is sent while its account is behind: no watcher has read")
		var by []string
		for _, l := range story.Lines {
			if l.Of == "refund 1 of payment" {
				by = append(by, l.By+": "+l.Why)
			}
		}
		require.Contains(t, by, "operator:ann: sent by mistake, to "+payoutstest.Sending)
	})
}

func TestExplain_says_so_when_nothing_is_known(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, text := range []string{"", " ", "0198c0de-0000-7000-8000-000000000000", memoHash, "12", "id:", "text:" + strings.Repeat("x", 29), "\x00", "\xff", "99999999999999999999999"} {
			_, err := inspect.NewExplainer(db, inspect.Options{}).Explain(t.Context(), text)
			require.ErrorIs(t, err, inspect.ErrNothing, "%q", text)
		}
	})
}
