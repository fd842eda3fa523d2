package transactions_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// wanted is what a payout asks for: one field that must be given, one that may.
const wanted = `{"transaction":{"account_number":{"description":"account"},"kind":{"description":"kind","choices":["a","b"],"optional":true}}}`

func TestGet_shows_only_ones_own_transactions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		created := w.create(t)
		for name, row := range map[string]struct{ account, id string }{
			"another's":                 {stranger, created.ID},
			"one that does not exist":   {sending, store.NewID()},
			"a text that is no id":      {sending, "not-an-id"},
			"an id in capitals":         {sending, strings.ToUpper(created.ID)},
			"an id in another spelling": {sending, "urn:uuid:" + created.ID},
			"a text with U+0000":        {sending, "\x00"},
			"a text that is not UTF-8":  {sending, "\xff"},
			"nothing":                   {sending, ""},
		} {
			_, err := w.service.Get(t.Context(), w.admit(t, row.account), row.id)
			requireCode(t, anchor.CodeNotFound, err)
			require.EqualError(t, err, "transaction not found", name)
		}
		of, err := w.service.Admit(t.Context(), anchor.SendingAnchor{Account: sending, MemoType: "id", Memo: "2"})
		require.NoError(t, err)
		_, err = w.service.Get(t.Context(), of, created.ID)
		require.NoError(t, err, "sessions of one account share its transactions")
	})
}

func TestTransaction_shows_the_business_any_transaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	created := w.create(t)
	got, err := w.service.Transaction(t.Context(), created.ID)
	require.NoError(t, err)
	require.Equal(t, created.StellarMemo, got.StellarMemo)
	for _, id := range []string{store.NewID(), "\x00"} {
		_, err = w.service.Transaction(t.Context(), id)
		requireCode(t, anchor.CodeNotFound, err)
	}
}

func TestPatch_gives_what_was_asked_for_and_lets_the_payout_go_on(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		r := hundred()
		r.Fields = map[string]string{"account_number": "wrong", "routing_number": "021"}
		who := w.admit(t, sending)
		created, err := w.service.Create(t.Context(), who, r)
		require.NoError(t, err)
		w.askForInfo(t, created.ID, wanted)
		var asked anchor.PatchRequest
		w.receiver.patch = func(p anchor.PatchRequest) error { asked = p; return nil }

		got, err := w.service.Patch(t.Context(), who, created.ID, map[string]string{"account_number": "right"})
		require.NoError(t, err)
		require.Equal(t, anchor.StatusPendingReceiver, got.Status)
		require.Empty(t, got.RequiredInfoUpdates)
		require.Empty(t, got.RequiredInfoMessage)
		require.Equal(t, map[string]string{"account_number": "right"}, asked.Fields)
		require.Equal(t, anchor.StatusPendingTransactionInfoUpdate, asked.Transaction.Status)

		row, err := w.db.TransactionByID(t.Context(), created.ID)
		require.NoError(t, err)
		fields, err := w.db.OpenFields(row)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"account_number": "right", "routing_number": "021"}, fields)
		payouts, err := w.db.PayoutsOf(t.Context(), created.ID)
		require.NoError(t, err)
		require.Len(t, payouts, 1)
		require.Equal(t, anchor.PayoutReady, payouts[0].State)
	})
}

func TestPatch_works_for_a_transaction_that_had_no_fields(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		created := w.create(t)
		w.askForInfo(t, created.ID, wanted)
		_, err := w.service.Patch(t.Context(), w.admit(t, sending), created.ID, map[string]string{"account_number": "1", "kind": "a"})
		require.NoError(t, err)
	})
}

func TestPatch_refuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	asked, idle := w.create(t), w.create(t)
	w.askForInfo(t, asked.ID, wanted)
	for name, row := range map[string]struct {
		account, id string
		fields      map[string]string
		code        anchor.Code
		says        string
	}{
		"another's transaction":    {stranger, asked.ID, map[string]string{"account_number": "1"}, anchor.CodeNotFound, "not found"},
		"an unknown one":           {sending, store.NewID(), map[string]string{"account_number": "1"}, anchor.CodeNotFound, "not found"},
		"one that asks nothing":    {sending, idle.ID, map[string]string{"account_number": "1"}, anchor.CodeInvalid, "no update"},
		"a field not asked for":    {sending, asked.ID, map[string]string{"account_number": "1", "iban": "2"}, anchor.CodeInvalid, "iban is not asked for"},
		"nothing":                  {sending, asked.ID, nil, anchor.CodeInvalid, "account_number is missing"},
		"less than what is needed": {sending, asked.ID, map[string]string{"kind": "a"}, anchor.CodeInvalid, "account_number is missing"},
		"an empty value":           {sending, asked.ID, map[string]string{"account_number": ""}, anchor.CodeInvalid, "account_number is missing"},
		"another choice":           {sending, asked.ID, map[string]string{"account_number": "1", "kind": "c"}, anchor.CodeInvalid, "one of a, b"},
		"a value like a book":      {sending, asked.ID, map[string]string{"account_number": strings.Repeat("1", 5000)}, anchor.CodeInvalid, "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := w.service.Patch(t.Context(), w.admit(t, row.account), row.id, row.fields)
			requireCode(t, row.code, err)
			require.ErrorContains(t, err, row.says)
		})
	}
}

func TestPatch_changes_nothing_when_the_business_refuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	created := w.create(t)
	w.askForInfo(t, created.ID, wanted)
	for code, answer := range map[anchor.Code]error{anchor.CodeInvalid: anchor.Refuse("no such account"), anchor.CodeInternal: errors.New("down")} {
		w.receiver.patch = func(anchor.PatchRequest) error { return answer }
		before, err := w.db.TransactionByID(t.Context(), created.ID)
		require.NoError(t, err)
		_, err = w.service.Patch(t.Context(), w.admit(t, sending), created.ID, map[string]string{"account_number": "1"})
		requireCode(t, code, err)
		after, err := w.db.TransactionByID(t.Context(), created.ID)
		require.NoError(t, err)
		require.Equal(t, before, after)
	}
}

func TestPatch_is_in_vain_when_something_else_is_asked_for_meanwhile(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		created := w.create(t)
		w.askForInfo(t, created.ID, wanted)
		who := w.admit(t, sending)
		given := map[string]string{"account_number": "1"}
		first := true
		w.receiver.patch = func(anchor.PatchRequest) error {
			if !first {
				return nil
			}
			first = false
			_, err := w.service.Patch(t.Context(), who, created.ID, given)
			return err
		}
		_, err := w.service.Patch(t.Context(), who, created.ID, given)
		requireCode(t, anchor.CodeInvalid, err)
		require.ErrorContains(t, err, "no update")
	})
}

func TestPatch_at_once_is_done_once(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		created := w.create(t)
		w.askForInfo(t, created.ID, wanted)
		who := w.admit(t, sending)
		results := make([]error, 8)
		var group errgroup.Group
		for i := range results {
			group.Go(func() error {
				_, results[i] = w.service.Patch(t.Context(), who, created.ID, map[string]string{"account_number": "1"})
				return nil
			})
		}
		require.NoError(t, group.Wait())
		done := 0
		for _, err := range results {
			if err == nil {
				done++
				continue
			}
			requireCode(t, anchor.CodeInvalid, err)
		}
		require.Equal(t, 1, done)
		history, err := w.db.History(t.Context(), store.SubjectTransaction, created.ID)
		require.NoError(t, err)
		require.Len(t, history, 4, "agreed, funded, asked, given")
	})
}

func TestSetCallback_replaces_the_address_without_a_callback_about_it(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		created := w.create(t)
		who := w.admit(t, sending)
		for _, url := range []string{"https://a.example/cb?token=canary", "https://b.example", "https://b.example"} {
			require.NoError(t, w.service.SetCallback(t.Context(), who, created.ID, url))
		}
		row, err := w.db.TransactionByID(t.Context(), created.ID)
		require.NoError(t, err)
		require.Equal(t, "https://b.example", row.CallbackUrl)
		require.Equal(t, anchor.StatusPendingSender, row.Status)
		history, err := w.db.History(t.Context(), store.SubjectTransaction, created.ID)
		require.NoError(t, err)
		require.Len(t, history, 3, "the same address again is no change")
		for _, event := range history {
			require.NotContains(t, event.Reason+event.Detail, "canary")
		}
	})
}

func TestSetCallback_refuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	created := w.create(t)
	for name, row := range map[string]struct {
		account, id, url string
		code             anchor.Code
	}{
		"no address":               {sending, created.ID, "", anchor.CodeInvalid},
		"an unsuitable one":        {sending, created.ID, "http://localhost", anchor.CodeInvalid},
		"another's transaction":    {stranger, created.ID, "https://a.example", anchor.CodeNotFound},
		"an id that is none":       {sending, "not-an-id", "https://a.example", anchor.CodeNotFound},
		"an unknown transaction":   {sending, store.NewID(), "https://a.example", anchor.CodeNotFound},
		"all that, of a stranger":  {stranger, created.ID, "", anchor.CodeNotFound},
		"an id in another writing": {sending, strings.ToUpper(created.ID), "https://a.example", anchor.CodeNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireCode(t, row.code, w.service.SetCallback(t.Context(), w.admit(t, row.account), row.id, row.url))
		})
	}
}
