package transactions_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/internal/transactions"
	"github.com/anchorkit/anchor/pkg/money"
)

func TestCreate_agrees_on_a_transaction_that_waits_for_its_payment(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		created := w.create(t)
		require.Equal(t, receiving, created.StellarAccountID)
		require.Equal(t, "id", created.StellarMemoType)

		got, err := w.service.Get(t.Context(), w.admit(t, sending), created.ID)
		require.NoError(t, err)
		asset := "stellar:USDC:" + issuer
		require.Equal(t, anchor.Transaction{
			ID: created.ID, Status: anchor.StatusPendingSender, AmountIn: "100", AmountInAsset: asset, AmountOut: "98.5",
			AmountOutAsset: asset, AmountFee: "1.5", AmountFeeAsset: asset, FeeDetails: &anchor.FeeDetails{Total: "1.5", Asset: asset},
			StellarAccountID: receiving, StellarMemoType: "id", StellarMemo: created.StellarMemo,
			StartedAt: got.StartedAt, UpdatedAt: got.StartedAt,
		}, got)

		row, err := w.db.TransactionByID(t.Context(), created.ID)
		require.NoError(t, err)
		require.Equal(t, "SEPA", row.FundingMethod)
		require.Equal(t, row.CreatedUs+3600*1e6, row.ExpiresUs)
		require.Equal(t, int64(5000000), row.FeeFixedUnits, "the terms are frozen")
		history, err := w.db.History(t.Context(), store.SubjectTransaction, created.ID)
		require.NoError(t, err)
		require.Len(t, history, 1)
	})
}

func TestCreate_gives_each_transaction_a_memo_of_its_own(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		seen := map[string]bool{}
		for range 20 {
			seen[w.create(t).StellarMemo] = true
		}
		require.Len(t, seen, 20)
	})
}

func TestCreate_gives_hash_memos_in_base64_when_told_to(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		created := w.create(t)
		require.Equal(t, "hash", created.StellarMemoType)
		require.Len(t, created.StellarMemo, 44)
	}, func(d *transactions.Deps) { d.Options.MemoType = "hash" })
}

func TestCreate_judges_nothing_of_a_sending_anchor_without_an_agreement(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.receiver.valid = func(who anchor.SendingAnchor) (bool, error) { return who.Account == sending, nil }
	_, err := w.service.Admit(t.Context(), anchor.SendingAnchor{Account: stranger})
	requireCode(t, anchor.CodeForbidden, err)
	require.EqualError(t, err, "invalid sending account")

	_, err = w.service.Create(t.Context(), transactions.Admitted{}, hundred())
	requireCode(t, anchor.CodeForbidden, err)
	_, err = w.service.Get(t.Context(), transactions.Admitted{}, store.NewID())
	requireCode(t, anchor.CodeForbidden, err)
	_, err = w.service.Admit(t.Context(), anchor.SendingAnchor{})
	requireCode(t, anchor.CodeForbidden, err)
}

func TestAdmit_is_an_internal_fault_when_the_business_does_not_know(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.receiver.valid = func(anchor.SendingAnchor) (bool, error) { return true, errors.New("down") }
	_, err := w.service.Admit(t.Context(), anchor.SendingAnchor{Account: sending})
	requireCode(t, anchor.CodeInternal, err)
}

func TestCreate_refuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	addAsset(t, w.db, func(a *store.Asset) { a.Code, a.Enabled = "OFF", false })
	addAsset(t, w.db, func(a *store.Asset) { a.Code, a.Sep31Enabled = "OTHER", false })
	addAsset(t, w.db, func(a *store.Asset) { a.Code, a.Decimals, a.MinUnits = "CENT", 2, 0 })
	addAsset(t, w.db, func(a *store.Asset) { a.Code = "MANY"; require.NoError(t, a.SetMethods([]string{"SEPA", "SWIFT"})) })
	addAsset(t, w.db, func(a *store.Asset) { a.Code, a.FundingMethods = "NONE", "" })
	who := w.admit(t, sending)
	for name, row := range map[string]struct {
		change func(*transactions.Request)
		says   string
	}{
		"no amount":                        {func(r *transactions.Request) { r.Amount = "" }, "amount is missing"},
		"no asset":                         {func(r *transactions.Request) { r.AssetCode = "" }, "asset_code is missing"},
		"an unknown asset":                 {func(r *transactions.Request) { r.AssetCode = "EURC" }, "asset_code"},
		"a code in the wrong case":         {func(r *transactions.Request) { r.AssetCode = "usdc" }, "asset_code"},
		"an asset switched off":            {func(r *transactions.Request) { r.AssetCode = "OFF" }, "asset_code"},
		"an asset that is not for SEP-31":  {func(r *transactions.Request) { r.AssetCode = "OTHER" }, "asset_code"},
		"another issuer":                   {func(r *transactions.Request) { r.AssetIssuer = stranger }, "asset_issuer"},
		"a negative amount":                {func(r *transactions.Request) { r.Amount = "-100" }, "amount"},
		"a signed amount":                  {func(r *transactions.Request) { r.Amount = "+100" }, "amount"},
		"an exponent":                      {func(r *transactions.Request) { r.Amount = "1e3" }, "amount"},
		"not a number":                     {func(r *transactions.Request) { r.Amount = "NaN" }, "amount"},
		"infinity":                         {func(r *transactions.Request) { r.Amount = "Infinity" }, "amount"},
		"a space":                          {func(r *transactions.Request) { r.Amount = " 100" }, "amount"},
		"zero":                             {func(r *transactions.Request) { r.AssetCode, r.Amount = "CENT", "0" }, "more than 0"},
		"too many decimals":                {func(r *transactions.Request) { r.Amount = "100.00000001" }, "amount"},
		"more decimals than the asset has": {func(r *transactions.Request) { r.AssetCode, r.Amount = "CENT", "100.005" }, "amount"},
		"an amount that does not fit":      {func(r *transactions.Request) { r.Amount = "9223372036854775808" }, "amount"},
		"an amount the network can't carry": {
			func(r *transactions.Request) { r.AssetCode, r.Amount = "CENT", "92233720368547758" }, "amount",
		},
		"a number of 10 000 digits":           {func(r *transactions.Request) { r.Amount = strings.Repeat("9", 10_000) }, "amount"},
		"less than the minimum":               {func(r *transactions.Request) { r.Amount = "0.9999999" }, "minimum of 1"},
		"more than the maximum":               {func(r *transactions.Request) { r.Amount = "10000.0000001" }, "maximum of 10000"},
		"an amount that does not cover a fee": {func(r *transactions.Request) { r.AssetCode, r.Amount = "CENT", "0.5" }, "fee"},
		"an unknown funding method":           {func(r *transactions.Request) { r.FundingMethod = "PIGEON" }, "one of SEPA"},
		"no funding method of several":        {func(r *transactions.Request) { r.AssetCode, r.FundingMethod = "MANY", "" }, "one of SEPA, SWIFT"},
		"a funding method of none":            {func(r *transactions.Request) { r.AssetCode = "NONE" }, "funding_method"},
		"another destination":                 {func(r *transactions.Request) { r.DestinationAsset = "iso4217:BRL" }, "destination_asset"},
		"a quote":                             {func(r *transactions.Request) { r.QuoteID = store.NewID() }, "quotes are not supported"},
		"a language that is none":             {func(r *transactions.Request) { r.Lang = "e n" }, "lang"},
		"a language as long as a book":        {func(r *transactions.Request) { r.Lang = strings.Repeat("e", 36) }, "lang"},
		"a refund memo without its type":      {func(r *transactions.Request) { r.RefundMemo = "1" }, "together"},
		"a refund memo type without a memo":   {func(r *transactions.Request) { r.RefundMemoType = "id" }, "together"},
		"an unknown type of refund memo":      {refundMemo("return", "1"), "refund_memo_type"},
		"a refund memo that is no id":         {refundMemo("id", "-1"), "refund_memo"},
		"a refund memo with a sign":           {refundMemo("id", "+1"), "refund_memo"},
		"a refund memo of 65 bits":            {refundMemo("id", "18446744073709551616"), "refund_memo"},
		"a refund memo of 29 bytes":           {refundMemo("text", strings.Repeat("é", 14)+"x"), "28 bytes"},
		"a refund memo that is no hash":       {refundMemo("hash", "abc"), "32 bytes"},
		"a sender that is no id":              {func(r *transactions.Request) { r.SenderID = "nobody" }, "sender_id"},
		"an unknown sender":                   {func(r *transactions.Request) { r.SenderID = store.NewID() }, "sender_id"},
		"an unknown receiver":                 {func(r *transactions.Request) { r.ReceiverID = store.NewID() }, "receiver_id"},
		"an empty idempotency key":            {func(r *transactions.Request) { r.IdempotencyKey = new("") }, "Idempotency-Key"},
		"a long idempotency key":              {func(r *transactions.Request) { r.IdempotencyKey = new(strings.Repeat("k", 256)) }, "Idempotency-Key"},
		"a strange idempotency key":           {func(r *transactions.Request) { r.IdempotencyKey = new("käse") }, "Idempotency-Key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := hundred()
			row.change(&r)
			_, err := w.service.Create(t.Context(), who, r)
			requireCode(t, anchor.CodeInvalid, err)
			require.ErrorContains(t, err, row.says)
		})
	}
}

func refundMemo(memoType, memo string) func(*transactions.Request) {
	return func(r *transactions.Request) { r.RefundMemoType, r.RefundMemo = memoType, memo }
}

func TestCreate_stores_refund_memos_canonically(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	hash := strings.Repeat("0f", 32)
	for _, row := range []struct{ memoType, memo, stored string }{
		{"id", "007", "7"},
		{"text", "rent", "cmVudA=="},
		{"hash", strings.ToUpper(hash), hash},
		{"hash", "Dw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8=", hash},
	} {
		r := hundred()
		r.RefundMemoType, r.RefundMemo = row.memoType, row.memo
		created, err := w.service.Create(t.Context(), w.admit(t, sending), r)
		require.NoError(t, err)
		got, err := w.db.TransactionByID(t.Context(), created.ID)
		require.NoError(t, err)
		require.Equal(t, row.stored, got.RefundMemo)
	}
}

func TestCreate_takes_the_only_funding_method_when_none_is_named(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	addAsset(t, w.db, func(a *store.Asset) { a.Code, a.FundingMethods = "NONE", "" })
	for code, method := range map[string]string{"USDC": "SEPA", "NONE": ""} {
		created, err := w.service.Create(t.Context(), w.admit(t, sending), transactions.Request{Amount: "100", AssetCode: code})
		require.NoError(t, err)
		got, err := w.db.TransactionByID(t.Context(), created.ID)
		require.NoError(t, err)
		require.Equal(t, method, got.FundingMethod)
	}
}

func TestCreate_means_the_first_issuer_of_a_code_when_none_is_named(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	addAsset(t, w.db, func(a *store.Asset) { a.Issuer = stranger })
	for asked, want := range map[string]string{"": issuer, stranger: stranger} {
		r := hundred()
		r.AssetIssuer = asked
		created, err := w.service.Create(t.Context(), w.admit(t, sending), r)
		require.NoError(t, err)
		got, err := w.db.TransactionByID(t.Context(), created.ID)
		require.NoError(t, err)
		require.Equal(t, want, got.AssetIssuer)
	}
	list, err := w.service.Info(t.Context(), "en")
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, issuer, list[0].Asset.Issuer)
}

func TestCreate_accepts_the_asset_itself_as_destination(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	r := hundred()
	r.DestinationAsset = "stellar:USDC:" + issuer
	_, err := w.service.Create(t.Context(), w.admit(t, sending), r)
	require.NoError(t, err)
}

func TestCreate_asks_for_the_transaction_fields_that_are_missing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	account := anchor.Field{Description: "account number"}
	kind := anchor.Field{Description: "kind", Choices: []string{"a", "b"}, Optional: true}
	w.receiver.info = anchor.Info{Fields: map[string]anchor.Field{"account_number": account, "kind": kind}}
	who := w.admit(t, sending)

	_, err := w.service.Create(t.Context(), who, hundred())
	requireCode(t, anchor.CodeTransactionInfoNeeded, err)
	require.Equal(t, map[string]anchor.Field{"account_number": account}, anchor.ProblemOf(err).Fields)

	r := hundred()
	r.Fields = map[string]string{"account_number": "123", "kind": "c"}
	_, err = w.service.Create(t.Context(), who, r)
	requireCode(t, anchor.CodeInvalid, err)
	require.ErrorContains(t, err, "one of a, b")

	r.Fields["kind"] = "a"
	r.Fields["long"] = strings.Repeat("x", 5000)
	_, err = w.service.Create(t.Context(), who, r)
	requireCode(t, anchor.CodeInvalid, err)
}

func TestCreate_seals_the_transaction_fields(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		r := hundred()
		r.Fields = map[string]string{"account_number": "canary-4711"}
		w.receiver.post = func(p anchor.PostRequest) (anchor.Acceptance, error) {
			p.Fields["account_number"] = "changed by the business"
			return anchor.Acceptance{}, nil
		}
		created, err := w.service.Create(t.Context(), w.admit(t, sending), r)
		require.NoError(t, err)
		row, err := w.db.TransactionByID(t.Context(), created.ID)
		require.NoError(t, err)
		require.NotContains(t, row.SealedFields, "canary")
		fields, err := w.db.OpenFields(row)
		require.NoError(t, err)
		require.Equal(t, r.Fields, fields)
	})
}

func TestCreate_lets_the_business_decide(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	who := w.admit(t, sending)
	var asked anchor.PostRequest
	var answer error
	w.receiver.post = func(p anchor.PostRequest) (anchor.Acceptance, error) { asked = p; return anchor.Acceptance{}, answer }

	for code, refusal := range map[anchor.Code]error{
		anchor.CodeInvalid:               anchor.Refuse("not today"),
		anchor.CodeCustomerInfoNeeded:    anchor.CustomerInfoNeeded("sep31-sender"),
		anchor.CodeTransactionInfoNeeded: anchor.TransactionInfoNeeded(map[string]anchor.Field{"x": {}}),
		anchor.CodeInternal:              errors.New("the bank is down"),
	} {
		answer = refusal
		_, err := w.service.Create(t.Context(), who, hundred())
		requireCode(t, code, err)
	}
	list, err := w.db.Transactions(t.Context(), store.TransactionFilter{})
	require.NoError(t, err)
	require.Empty(t, list, "what is refused leaves nothing behind")

	answer = nil
	created, err := w.service.Create(t.Context(), who, hundred())
	require.NoError(t, err)
	require.Equal(t, created.ID, asked.ID, "the id is final")
	require.Equal(t, "100.0000000", asked.Amount.String())
	require.Equal(t, "1.5", asked.Fee.Total.Short())
	require.Nil(t, asked.Sender)
}

func TestCreate_takes_the_fee_that_the_business_names(t *testing.T) {
	t.Parallel()
	amount := func(s string) money.Amount {
		a, err := money.Parse(s, 2)
		require.NoError(t, err)
		return a
	}
	fee := anchor.Fee{Total: amount("2.5"), Details: []anchor.FeePart{
		{Name: "Service", Description: "ours", Amount: amount("2")}, {Name: "Tax", Amount: amount("0.5")},
	}}
	hook := func(context.Context, anchor.FeeRequest) (anchor.Fee, error) { return fee, nil }
	w := newWorld(t, storetest.SQLite(t), func(d *transactions.Deps) { d.Fee = hook })
	addAsset(t, w.db, func(a *store.Asset) { a.Code, a.Decimals = "WHOLE", 0 })
	who := w.admit(t, sending)

	created, err := w.service.Create(t.Context(), who, hundred())
	require.NoError(t, err)
	got, err := w.service.Get(t.Context(), who, created.ID)
	require.NoError(t, err)
	require.Equal(t, "97.5", got.AmountOut)
	require.Equal(t, []anchor.FeeDetail{{Name: "Service", Description: "ours", Amount: "2"}, {Name: "Tax", Amount: "0.5"}}, got.FeeDetails.Details)

	t.Run("and shows what is left below the asset's decimals as a part of it", func(t *testing.T) {
		r := hundred()
		r.AssetCode = "WHOLE"
		created, err := w.service.Create(t.Context(), who, r)
		require.NoError(t, err)
		got, err := w.service.Get(t.Context(), who, created.ID)
		require.NoError(t, err)
		require.Equal(t, "97", got.AmountOut)
		require.Equal(t, "3", got.FeeDetails.Total)
		require.Equal(t, anchor.FeeDetail{Name: "Rounding", Amount: "0.5"}, got.FeeDetails.Details[2])
	})
	t.Run("unless the acceptance names another", func(t *testing.T) {
		w.receiver.post = func(anchor.PostRequest) (anchor.Acceptance, error) {
			return anchor.Acceptance{Fee: &anchor.Fee{Total: amount("10")}}, nil
		}
		created, err := w.service.Create(t.Context(), who, hundred())
		require.NoError(t, err)
		got, err := w.service.Get(t.Context(), who, created.ID)
		require.NoError(t, err)
		require.Equal(t, "90", got.AmountOut)
		require.Empty(t, got.FeeDetails.Details)
		w.receiver.post = nil
	})
	t.Run("but not one whose parts do not add up", func(t *testing.T) {
		fee.Total = amount("2.51")
		_, err := w.service.Create(t.Context(), who, hundred())
		requireCode(t, anchor.CodeInternal, err)
	})
	t.Run("and leaves the fee out of what is said beforehand", func(t *testing.T) {
		list, err := w.service.Info(t.Context(), "")
		require.NoError(t, err)
		require.Nil(t, list[0].FeeFixed)
		require.Nil(t, list[0].FeePercent)
	})
}
