package rpc_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/stellar/rpc"
)

func batch(n int) func(*rpc.Options) { return func(o *rpc.Options) { o.Batch = n } }

// ledgersWithPayments closes ledgers of one payment each and answers who was paid.
func (l *lab) ledgersWithPayments(count int) string {
	l.Helper()
	to, from := l.account(), l.account()
	for range count {
		l.do(from, nil, pay(to.Address(), txnbuild.NativeAsset{}, "1"))
	}
	return to.Address()
}

func Test_a_page_says_how_far_it_reaches(t *testing.T) {
	t.Parallel()
	l := newLab(t, batch(4))
	account := l.ledgersWithPayments(6) // in ledgers 4 to 9
	latest := l.network.Latest()

	first, err := l.rpc.Payments(t.Context(), account, 0, 200)
	require.NoError(t, err)
	require.True(t, first.Full)
	require.Equal(t, int64(5)<<32, first.Position, "the beginning of the first ledger that was not passed")
	require.Len(t, first.Payments, 2, "its creation and a payment")
	require.Equal(t, stellar.Ledger{Sequence: 9, ClosedAt: latest.ClosedAt}, first.Through)
	require.Equal(t, int64(1), first.Elder)

	second, err := l.rpc.Payments(t.Context(), account, first.Position, 200)
	require.NoError(t, err)
	require.True(t, second.Full)
	last, err := l.rpc.Payments(t.Context(), account, second.Position, 200)
	require.NoError(t, err)
	require.False(t, last.Full)
	require.Len(t, last.Payments, 1)
	require.Equal(t, int64(10)<<32, last.Position)
	require.Equal(t, stellar.Ledger{Sequence: 9, ClosedAt: latest.ClosedAt, Hash: latest.Hash}, last.Through)

	none, err := l.rpc.Payments(t.Context(), account, last.Position, 200)
	require.NoError(t, err)
	require.Equal(t, stellar.Page{Position: last.Position, Through: last.Through, Elder: 1}, none, "there is nothing new")
}

func Test_a_full_page_ends_between_transactions(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	to, from, other := l.account(), l.account(), l.account()
	one := pay(to.Address(), txnbuild.NativeAsset{}, "1")
	l.queue(from, nil, one, one, one)
	l.queue(other, nil, one)
	l.close()
	start := l.network.Latest().Sequence << 32

	page, err := l.rpc.Payments(t.Context(), to.Address(), start, 2)
	require.NoError(t, err)
	require.Len(t, page.Payments, 3, "a transaction is never cut")
	require.True(t, page.Full)
	require.Equal(t, start|2<<12, page.Position)
	page, err = l.rpc.Payments(t.Context(), to.Address(), page.Position, 2)
	require.NoError(t, err)
	require.Len(t, page.Payments, 1)
	require.False(t, page.Full)

	page, err = l.rpc.Payments(t.Context(), to.Address(), start|1<<12|2, 200)
	require.NoError(t, err)
	require.Len(t, page.Payments, 2, "a position inside a transaction leaves its other half")
}

func Test_a_position_before_what_is_kept_begins_with_the_oldest_ledger_and_tells(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	account := l.ledgersWithPayments(6)
	l.network.Forget(7)
	page, err := l.rpc.Payments(t.Context(), account, 2<<32, 200)
	require.NoError(t, err)
	require.Equal(t, int64(7), page.Elder)
	require.Len(t, page.Payments, 3)
	require.Equal(t, int64(7), page.Payments[0].Ledger)

	_, err = l.rpc.Ledger(t.Context(), 6)
	require.ErrorIs(t, err, stellar.ErrBeforeHistory)
}

func Test_what_was_read_before_is_not_missing_when_the_server_lets_it_go(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	account := l.ledgersWithPayments(3)
	_, err := l.rpc.Payments(t.Context(), account, 0, 200)
	require.NoError(t, err)
	l.network.Forget(6)
	l.close()
	_, err = l.rpc.Payments(t.Context(), account, 7<<32, 200)
	require.NoError(t, err, "now the source knows what the server keeps")
	page, err := l.rpc.Payments(t.Context(), account, 4<<32, 200)
	require.NoError(t, err)
	require.Len(t, page.Payments, 3)
	require.LessOrEqual(t, page.Elder, int64(4))
}

func Test_ledgers_and_root_are_those_that_Horizon_shows(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.ledgersWithPayments(3)
	for sequence := int64(1); sequence <= l.network.Latest().Sequence; sequence++ {
		want, err := l.horizon.Ledger(t.Context(), sequence)
		require.NoError(t, err)
		got, err := l.rpc.Ledger(t.Context(), sequence)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := l.rpc.Ledger(t.Context(), l.network.Latest().Sequence+1)
	require.ErrorIs(t, err, stellar.ErrNotFound)

	want, err := l.horizon.Root(t.Context())
	require.NoError(t, err)
	got, err := l.rpc.Root(t.Context())
	require.NoError(t, err)
	require.Equal(t, want.Latest, got.Latest)
	require.Equal(t, want.Elder, got.Elder)
	require.Equal(t, want.Passphrase, got.Passphrase)
	require.NoError(t, l.rpc.CheckNetwork(t.Context()))
}

func Test_several_accounts_share_what_was_fetched(t *testing.T) {
	t.Parallel()
	l := newLab(t, batch(3))
	account := l.ledgersWithPayments(9)
	before := l.asked.Load()
	l.read(l.rpc, account, 0, 200)
	alone := l.asked.Load() - before
	require.Equal(t, int64(4), alone, "twelve ledgers in threes")

	before = l.asked.Load()
	together := l.source(batch(3))
	var readers sync.WaitGroup
	for range 8 {
		who := keypair.MustRandom().Address()
		readers.Go(func() { l.read(together, who, 0, 200) })
	}
	readers.Wait()
	require.Equal(t, alone, l.asked.Load()-before)
}

func Test_another_network_is_refused(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *rpc.Options) { o.Passphrase = "another" })
	var wrong *stellar.WrongNetworkError
	require.ErrorAs(t, l.rpc.CheckNetwork(t.Context()), &wrong)
	require.Equal(t, passphrase, wrong.Got)
	_, err := l.rpc.Root(t.Context())
	require.ErrorAs(t, err, &wrong)
	_, err = l.rpc.Payments(t.Context(), l.ledgersWithPayments(1), 0, 200)
	var unreadable *rpc.AnswerError
	require.ErrorAs(t, err, &unreadable, "nothing of another network is taken for a payment")
}

func Test_a_network_that_began_anew_breaks_the_chain(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	account := l.ledgersWithPayments(3)
	at := l.read(l.rpc, account, 0, 200)
	reached := l.network.Latest().Sequence
	l.network.Reset()
	page, err := l.rpc.Payments(t.Context(), account, at.position, 200)
	require.NoError(t, err)
	require.Empty(t, page.Payments)
	require.Equal(t, int64(1), page.Through.Sequence, "which tells the watcher that the network is behind what it has seen")

	for l.network.Latest().Sequence <= reached {
		l.close()
	}
	var broken *rpc.ChainError
	_, err = l.rpc.Payments(t.Context(), account, at.position, 200)
	require.ErrorAs(t, err, &broken)
	require.Equal(t, reached+1, broken.Sequence)
	_, err = l.rpc.Ledger(t.Context(), reached)
	require.ErrorAs(t, err, &broken)
}

func Test_ledgers_are_asked_for_one_by_one_where_they_are_large(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	account := l.ledgersWithPayments(6)
	narrow := l.source()
	narrow.BoundAnswers(6000)
	require.Equal(t, l.read(l.rpc, account, 0, 200).Payments, l.read(narrow, account, 0, 200).Payments)
	narrow = l.source()
	narrow.BoundAnswers(500)
	_, err := narrow.Payments(t.Context(), account, 0, 200)
	require.ErrorContains(t, err, "larger than the bound")
}

func Test_waiting_ends_with_the_next_ledger_and_is_shared(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *rpc.Options) { o.PollEvery = 20 * time.Millisecond })
	account := l.ledgersWithPayments(1)
	at := l.read(l.rpc, account, 0, 200)
	before := l.asked.Load()
	const waiting = 20
	ended := make(chan error, waiting)
	leaving, leave := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { gone <- l.rpc.Wait(leaving, account, at.position) }()
	for range waiting {
		go func() { ended <- l.rpc.Wait(t.Context(), account, at.position) }()
	}
	require.Eventually(t, func() bool { return l.asked.Load() > before+2 }, 10*time.Second, time.Millisecond)
	leave()
	require.ErrorIs(t, <-gone, context.Canceled)
	require.Empty(t, ended, "there is no newer ledger")
	polls := l.asked.Load() - before
	require.Less(t, polls, int64(waiting), "all share each question")
	l.close()
	for range waiting {
		require.NoError(t, <-ended)
	}
}

func Test_waiting_behind_an_old_position_ends_soon(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	require.NoError(t, l.rpc.Wait(t.Context(), l.ledgersWithPayments(1), 2<<32))
}

// answering is a source whose server always answers the same.
func answering(t *testing.T, status int, header http.Header, body string) *rpc.Source {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return sourceOf(t, server.URL)
}

func sourceOf(t *testing.T, address string) *rpc.Source {
	t.Helper()
	s, err := rpc.New(rpc.Options{
		URL: address + "/v1/s3cret-key?token=s3cret", Passphrase: passphrase, Header: http.Header{"Authorization": {"Bearer s3cret"}},
	})
	require.NoError(t, err)
	return s
}

func Test_refusals_are_told_apart_and_name_no_key(t *testing.T) {
	t.Parallel()
	account := keypair.MustRandom().Address()
	failure := func(code int, message string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"error":{"code":%d,"message":%q}}`, code, message)
	}
	for name, test := range map[string]struct {
		status int
		header http.Header
		body   string
		want   any
		says   string
	}{
		"a rate limit":                {429, http.Header{"Retry-After": {"7"}}, "slow down", new(*stellar.RateLimitedError), "7s"},
		"a rate limit as JSON-RPC":    {200, nil, failure(-32005, "limit exceeded"), new(*stellar.RateLimitedError), ""},
		"a server that is down":       {503, http.Header{"Retry-After": {"3"}}, "<html>", new(*stellar.UnavailableError), "503"},
		"a server that is behind":     {200, nil, failure(-32603, "latency (1m0s) since last known ledger closed is too high"), new(*stellar.UnavailableError), "too high"},
		"a key that is not accepted":  {401, nil, "", new(*stellar.RequestError), "401"},
		"another address":             {302, http.Header{"Location": {"http://127.0.0.1:1/s3cret"}}, "", new(*stellar.RequestError), "another address"},
		"a method that is not served": {200, nil, failure(-32601, "method\nnot found"), new(*rpc.RefusedError), "method?not found"},
		"a page for people":           {200, nil, "<html>", new(*rpc.AnswerError), ""},
		"something else":              {200, nil, `{"_links":{}}`, new(*rpc.AnswerError), "Stellar RPC"},
		"a result of another kind":    {200, nil, `{"result":[]}`, new(*rpc.AnswerError), ""},
		"a number that is none":       {200, nil, `{"result":{"latestLedger":"x","oldestLedger":1,"ledgers":[],"passphrase":1}}`, new(*rpc.AnswerError), ""},
		"no content":                  {204, nil, "", new(*rpc.AnswerError), "204"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := answering(t, test.status, test.header, test.body)
			_, root := s.Root(t.Context())
			_, page := s.Payments(t.Context(), account, 0, 200)
			_, ledger := s.Ledger(t.Context(), 5)
			for _, err := range []error{root, page, ledger, s.CheckNetwork(t.Context())} {
				require.ErrorAs(t, err, test.want)
				require.ErrorContains(t, err, test.says)
				require.NotContains(t, err.Error(), "s3cret")
				require.NotContains(t, err.Error(), "127.0.0.1")
			}
		})
	}
}

func Test_a_server_that_is_away_is_unavailable_and_its_address_is_not_told(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := sourceOf(t, server.URL).Root(t.Context())
	var away *stellar.UnavailableError
	require.ErrorAs(t, err, &away)
	require.NotContains(t, err.Error(), "s3cret")

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = sourceOf(t, server.URL).Root(ended)
	require.ErrorIs(t, err, context.Canceled)
}

func Test_keys_go_to_the_server_with_every_request(t *testing.T) {
	t.Parallel()
	var wrong atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer s3cret" || r.URL.Path != "/v1/s3cret-key" || r.URL.Query().Get("token") != "s3cret" {
			wrong.Add(1)
		}
		fmt.Fprintf(w, `{"result":{"passphrase":%q,"protocolVersion":25,"latestLedger":5,"oldestLedger":"2","latestLedgerCloseTime":"7"}}`, passphrase)
	}))
	t.Cleanup(server.Close)
	root, err := sourceOf(t, server.URL).Root(t.Context())
	require.NoError(t, err)
	require.Zero(t, wrong.Load())
	require.Equal(t, int64(2), root.Elder, "numbers are read with and without quotes")
	require.Equal(t, stellar.Ledger{Sequence: 5, ClosedAt: time.Unix(7, 0).UTC()}, root.Latest)
}

// ledgersAnswer is what getLedgers answers of ledgers made by hand, beginning with this sequence as the server says.
func ledgersAnswer(t *testing.T, first int, all ...[]byte) string {
	t.Helper()
	type entry struct {
		Sequence int    `json:"sequence"`
		Meta     string `json:"metadataXdr"`
	}
	var entries []entry
	for i, raw := range all {
		entries = append(entries, entry{first + i, base64.StdEncoding.EncodeToString(raw)})
	}
	text, err := json.Marshal(map[string]any{"result": map[string]any{
		"ledgers": entries, "latestLedger": first + len(all) - 1, "oldestLedger": 1,
	}})
	require.NoError(t, err)
	return string(text)
}

func Test_answers_that_do_not_hold_what_was_asked_for_are_refused(t *testing.T) {
	t.Parallel()
	c := newCast()
	raw := rawLedger(t, ledgerOf(t, paying(c.them, c.us, c.usd, 5)))
	for name, test := range map[string]struct {
		answer string
		want   string
	}{
		"another ledger":              {ledgersAnswer(t, madeSequence-1, raw), "came where"},
		"a ledger under a wrong name": {ledgersAnswer(t, madeSequence+1, raw), "came where"},
		"one ledger twice":            {ledgersAnswer(t, madeSequence, raw, raw), "came where"},
		"a ledger that is no base64":  {strings.Replace(ledgersAnswer(t, madeSequence, raw), "AAAA", "****", 1), "no base64"},
		"a ledger that is cut":        {ledgersAnswer(t, madeSequence, raw[:len(raw)-4]), "cannot be decoded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := answering(t, 200, nil, test.answer)
			_, err := s.Payments(t.Context(), c.us, madeSequence<<32, 200)
			require.ErrorContains(t, err, test.want)
		})
	}
	t.Run("and what holds it is taken", func(t *testing.T) {
		t.Parallel()
		page, err := answering(t, 200, nil, ledgersAnswer(t, madeSequence, raw)).Payments(t.Context(), c.us, madeSequence<<32, 200)
		require.NoError(t, err)
		require.Len(t, page.Payments, 1)
	})
}

func Test_settings_that_cannot_be_are_refused_without_repeating_the_address(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]rpc.Options{
		"no URL":            {URL: "https://s3cret\x7f", Passphrase: passphrase},
		"another scheme":    {URL: "ftp://s3cret", Passphrase: passphrase},
		"no host":           {URL: "https:s3cret", Passphrase: passphrase},
		"no passphrase":     {URL: "https://s3cret"},
		"too large a batch": {URL: "https://s3cret", Passphrase: passphrase, Batch: 201},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := rpc.New(o)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
	s, err := rpc.New(rpc.Options{URL: "https://rpc.example", Passphrase: passphrase})
	require.NoError(t, err)
	_, err = s.Payments(t.Context(), "GABC", 0, 10)
	require.ErrorContains(t, err, "not the address")
	_, err = s.Payments(t.Context(), keypair.MustRandom().Address(), -1, 10)
	require.ErrorContains(t, err, "negative")
	_, err = s.Payments(t.Context(), keypair.MustRandom().Address(), 0, 201)
	require.ErrorContains(t, err, "limit")
	require.ErrorContains(t, s.Wait(t.Context(), "GABC", 0), "not the address")
}
