package quotes_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/quotes"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func TestAFirmQuoteIsTheSameWheneverItIsRead(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		made, err := w.service.Quote(t.Context(), w.admit(t, sending), reais())
		require.NoError(t, err)
		require.Equal(t, w.inAnHour(), made.ExpiresAt)
		require.Equal(t, "100.0000000", made.SellAmount.String())
		require.Equal(t, "PIX", made.BuyDeliveryMethod)

		for range 2 {
			read, err := w.service.Get(t.Context(), anchor.SendingAnchor{Account: sending}, made.ID)
			require.NoError(t, err, "with another memo of the same account")
			require.Equal(t, made, read)
			w.business.price = nil // nothing is asked again
		}
	})
}

func TestAFirmQuoteCanBeReadPastItsTimeAndOnceItWasRedeemed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		made, err := w.service.Quote(t.Context(), w.admit(t, sending), reais())
		require.NoError(t, err)
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.RedeemQuote(ctx, sending, made.ID, "t1")
			return err
		}))
		w.now = w.now.Add(24 * time.Hour)
		read, err := w.service.Get(t.Context(), anchor.SendingAnchor{Account: sending}, made.ID)
		require.NoError(t, err)
		require.Equal(t, made, read)
	})
}

func TestNobodySeesAnothersQuote(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		made, err := w.service.Quote(t.Context(), w.admit(t, sending), reais())
		require.NoError(t, err)
		for name, c := range map[string]struct{ account, id string }{
			"a stranger's":                 {stranger, made.ID},
			"nobody's":                     {"", made.ID},
			"one that is not there":        {sending, "0199e6a0-0000-7000-8000-000000000000"},
			"a text that is no id":         {sending, "18e413284"},
			"an id in capitals":            {sending, "0199E6A0-0000-7000-8000-000000000000"},
			"an id in braces":              {sending, "{" + made.ID + "}"},
			"a character no database has":  {sending, "\x00"},
			"nothing":                      {sending, ""},
			"more than an id, at the tail": {sending, made.ID + "'"},
		} {
			_, err := w.service.Get(t.Context(), anchor.SendingAnchor{Account: c.account}, c.id)
			require.Equal(t, anchor.Problem{Code: anchor.CodeNotFound, Text: "quote not found"}, anchor.ProblemOf(err), name)
		}
	})
}

func TestFirmQuotesAreForAdmittedAccountsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	for _, account := range []string{"", outsider} {
		_, err := w.service.Admit(t.Context(), anchor.SendingAnchor{Account: account})
		require.Equal(t, anchor.CodeForbidden, anchor.CodeOf(err), account)
	}
	_, err := w.service.Quote(t.Context(), quotes.Admitted{}, reais())
	require.Equal(t, anchor.CodeForbidden, anchor.CodeOf(err))
	require.Empty(t, w.business.asked)
}

func TestQuote_refuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	list := refusals()
	list["no delivery method where there is a choice"] = struct {
		change func(*quotes.Request)
		says   string
	}{func(r *quotes.Request) { r.BuyDeliveryMethod = "" }, "buy_delivery_method is missing; it is one of PIX, TED"}
	for _, wrong := range []string{"tomorrow", "2026-01-02", "2026-13-02T03:04:05Z", "1767323045", "2026-01-02T03:04:05+25:00"} {
		list["expire_after "+wrong] = struct {
			change func(*quotes.Request)
			says   string
		}{func(r *quotes.Request) { r.ExpireAfter = wrong }, "expire_after must be"}
	}
	for name, c := range list {
		_, err := w.service.Quote(t.Context(), w.admit(t, sending), reais(c.change))
		require.ErrorContains(t, err, c.says, name)
		require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err), name)
	}
	require.Empty(t, w.business.asked, "the business binds itself to none of it")
}

func TestQuote_is_made_in_every_context(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	for _, c := range []string{"sep6", "sep24", "sep31"} {
		_, err := w.service.Quote(t.Context(), w.admit(t, sending), reais(func(r *quotes.Request) { r.Context = c }))
		require.NoError(t, err, c)
	}
}

func TestQuote_names_the_delivery_method_only_where_the_request_did(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	made, err := w.service.Quote(t.Context(), w.admit(t, sending), reais(func(r *quotes.Request) {
		r.BuyAsset, r.BuyDeliveryMethod, r.CountryCode = "iso4217:JPY", "", ""
	}))
	require.NoError(t, err)
	require.Empty(t, made.BuyDeliveryMethod)
	require.Equal(t, "ZENGIN", w.business.asked[0].BuyDeliveryMethod, "the business learns what is meant")
}

func TestExpireAfter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	quote := func(t *testing.T, after string) error {
		_, err := w.service.Quote(t.Context(), w.admit(t, sending), reais(func(r *quotes.Request) { r.ExpireAfter = after }))
		return err
	}
	until := w.inAnHour()
	for name, after := range map[string]string{
		"the very second":                  until.Format(time.RFC3339),
		"in another zone":                  until.In(time.FixedZone("", 3*3600)).Format(time.RFC3339),
		"in another zone without a colon":  until.In(time.FixedZone("", -5*3600)).Format("2006-01-02T15:04:05-0700"),
		"without a zone":                   until.Format("2006-01-02T15:04:05"),
		"with fractions, sooner":           until.Add(-time.Millisecond).Format(time.RFC3339Nano),
		"in the past, which costs nothing": "2021-04-30T07:42:23",
	} {
		require.NoError(t, quote(t, after), name)
	}
	for name, after := range map[string]string{
		"a second more":   until.Add(time.Second).Format(time.RFC3339),
		"a moment more":   until.Add(time.Nanosecond).Format(time.RFC3339Nano),
		"until the end":   "9999-12-31T23:59:59Z",
		"beyond that":     "9999-12-31T23:59:59-01:00",
		"without a zone":  until.Add(time.Second).Format("2006-01-02T15:04:05"),
		"in another zone": until.Add(time.Second).In(time.FixedZone("", 3*3600)).Format(time.RFC3339),
	} {
		err := quote(t, after)
		require.ErrorContains(t, err, "expire_after", name)
		require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err), name)
	}
}

func TestATimeThatNoQuoteCanHaveIsAFaultOfTheBusiness(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]func(*world) time.Time{
		"none":                  func(*world) time.Time { return time.Time{} },
		"now":                   func(w *world) time.Time { return w.now.Truncate(time.Second) },
		"in the past":           func(w *world) time.Time { return w.inAnHour().Add(-2 * time.Hour) },
		"a fraction of seconds": func(w *world) time.Time { return w.inAnHour().Add(time.Millisecond) },
		"five digits of years":  func(*world) time.Time { return time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		w := newWorld(t, storetest.SQLite(t))
		w.business.expires = func(anchor.QuoteRequest) time.Time { return wrong(w) }
		_, err := w.service.Quote(t.Context(), w.admit(t, sending), reais())
		require.ErrorContains(t, err, "quote of the business: it expires", name)
		require.Equal(t, anchor.CodeInternal, anchor.CodeOf(err), name)
	}
}

func TestTheBusinessIsAskedWhileNoDatabaseTransactionIsOpen(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	w := newWorld(t, db)
	w.business.expires = func(anchor.QuoteRequest) time.Time {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		require.NoError(t, db.Tx(ctx, func(context.Context, *store.Tx) error { return nil }), "writers take turns here")
		return w.inAnHour()
	}
	_, err := w.service.Quote(t.Context(), w.admit(t, sending), reais())
	require.NoError(t, err)
}
