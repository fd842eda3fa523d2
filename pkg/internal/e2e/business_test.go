package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/internal/sender"
)

// remoteYAML leaves to the server whatever it can decide.
const remoteYAML = `rails:
  - {name: bank, kind: remote, not_known_final_after: 10m, same_key_safe_for: 720h}
funding_methods:
  - {name: ` + fundingMethod + `, rail: bank}
`

// newRemoteWorld is a world whose business has a server of its own, which listens. Its bank's books are those of the world.
func newRemoteWorld(t *testing.T, engine string) (*world, *business) {
	t.Helper()
	w := newWorld(t, engine, plan{environment: []string{"ACTIVE_SEPS=sep-1,sep-10,sep-12,sep-31,sep-38"}})
	b := newBusiness(t, string(w.bank))
	b.sells = "stellar:" + assetCode + ":" + w.issuer.Address()
	w.env = append(w.env, b.settings()...)
	require.NoError(t, os.WriteFile(w.settings, []byte(remoteYAML), 0o600))
	b.open()
	return w, b
}

func TestABusiness_with_a_server_of_its_own_decides_and_pays_by_it(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		w, b := newRemoteWorld(t, engine)
		roles := w.startAll()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		a := w.sendingAnchors(ctx, 1)[0]

		_, err := a.Register(ctx, sender.Person{Memo: 3, Type: "sep31-sender", Fields: map[string]string{"first_name": "Ana", "last_name": unserved}})
		require.ErrorContains(t, err, "REJECTED: we cannot serve this person")
		_, err = a.Agree(ctx, a.of("too much", "100000.01"))
		requireRefused(t, http.StatusBadRequest, "at most 100000 are accepted", err)

		quote, err := a.Quote(ctx, sender.Exchange{Sell: b.sells, Buy: bought, SellAmount: "100", DeliveryMethod: fundingMethod})
		require.NoError(t, err)
		require.Equal(t, "537.3", quote.BuyAmount, "(100 - 0.50) * 5.40")
		exchanged := a.of("by quote", "100")
		exchanged.QuoteID, exchanged.DestinationAsset = quote.ID, bought
		later := a.of("at the price of the payment", "50")
		later.DestinationAsset = bought
		examined := w.command("doctor")
		for _, part := range []string{"receiver", "customers", "quotes", "rail bank"} {
			require.Contains(t, examined.out, "ok  business' server, "+part+": answers")
		}
		require.Contains(t, examined.out, "ok  settings: are complete")
		require.Contains(t, examined.out, "ok  sending anchors: the business decides")

		all := w.sendEach(ctx, a, []sender.Transfer{a.of("as it is", "200"), exchanged, later})
		require.Equal(t, []string{"198", "537.3", "267.3"}, []string{out(t, all[0]), out(t, all[1]), out(t, all[2])})

		b.bar(a.account.Address())
		_, err = a.Agree(ctx, a.of("after it was barred", "10"))
		requireRefused(t, http.StatusForbidden, "", err)

		w.awaitCallbacks(all, false)
		stopAll(roles)
		w.requireInvariants()
		w.requireNothingToComplainOf()
		require.Len(t, b.ordered(), len(all), "each payout is ordered once")
		for _, path := range []string{"/v1/sending-anchor", "/v1/transactions/check", "/v1/customers/requirements", "/v1/customers/verdict", "/v1/quotes/quote", "/v1/quotes/price", "/v1/fee", "/v1/rails/bank/poll"} {
			require.NotZero(t, b.times(path), path)
		}
	})
}

func TestWhileTheBusinessServerIsDown_serve_says_so_quickly_and_payouts_wait(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		w, b := newRemoteWorld(t, engine)
		roles := w.startAll()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		a := w.sendingAnchors(ctx, 1)[0]
		agreed := w.agreeEach(ctx, a, 6)

		// A server that takes requests and is silent is the worst: it costs those who ask time.
		b.deafen()
		waiting := w.persist(ctx, a, a.of("while it is deaf", "11"))
		w.await("some are told that it is deaf", func() bool { return waiting.heard() > 3 })
		b.listen()
		waiting.requireSucceeds(t)

		b.close()
		waiting = w.persist(ctx, a, a.of("while it is gone", "12"))
		w.payEach(ctx, a, agreed)
		w.await("each payout was tried", func() bool {
			return w.db.number("SELECT COUNT(DISTINCT payout_id) FROM attempt_answers WHERE outcome = 'not_sent'") == int64(len(agreed))
		})
		w.await("some are told that it is gone", func() bool { return waiting.heard() > 3 })
		w.requireOthersServed()
		examined := w.command("doctor")
		require.Equal(t, 1, examined.code)
		require.Contains(t, examined.out, "!!  business' server, rail bank: ")
		require.Empty(t, b.ordered())

		b.open()
		waiting.requireSucceeds(t)
		all := w.followEach(ctx, a, agreed)
		w.awaitCallbacks(all, false)
		stopAll(roles)
		w.requireInvariants()
		require.Len(t, b.ordered(), len(all), "each payout is ordered once")
		require.EqualValues(t, len(all)+2, w.db.number("SELECT COUNT(*) FROM transactions"), "what was asked for over and over is one transaction")
	})
}

func TestWhenTheBusinessServerIsKilledInAPayout_nobody_is_paid_twice_and_nobody_goes_without(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		w, b := newRemoteWorld(t, engine)
		roles := w.startAll()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		a := w.sendingAnchors(ctx, 1)[0]
		b.meet(survives, diesAfterPaying, diesBeforePaying, survives, diesAfterPaying, diesBeforePaying, survives)
		agreed := w.agreeEach(ctx, a, 12)
		w.payEach(ctx, a, agreed)
		w.await("everything has happened to the server", func() bool {
			b.revive()
			return b.toMeet() == 0
		})
		b.revive()

		lost := w.awaitLost(int64(len(agreed)))
		require.NotEmpty(t, lost, "the server died before it paid")
		paid, err := w.bank.PaidTransactions()
		require.NoError(t, err)
		for payout, transaction := range lost {
			require.Zero(t, paid[transaction], "the anchor does not know of a payment that was made")
			w.must("payouts", "resolve", payout, "--as", "failed", "--reason", "the bank's books of today do not have it")
			w.must("payouts", "retry", transaction, "--reason", "the server is well again")
		}

		all := w.followEach(ctx, a, agreed)
		w.awaitCallbacks(all, true)
		stopAll(roles)
		w.requireInvariants()
		require.EqualValues(t, len(agreed)+len(lost), w.db.number("SELECT COUNT(*) FROM payout_attempts"), "a new key only where an operator asked for one")
		paid, err = w.bank.PaidTransactions()
		require.NoError(t, err)
		require.Len(t, paid, len(agreed))
		for transaction, times := range paid {
			require.Equal(t, 1, times, transaction)
		}
	})
}

// revive opens the server again if it has died.
func (b *business) revive() {
	b.mu.Lock()
	died := b.server == nil
	b.mu.Unlock()
	if died {
		b.open()
	}
}

// awaitLost waits until each payout is delivered, or the server has said that it does not know it, and returns the transactions
// of the latter by their payouts.
func (w *world) awaitLost(payouts int64) map[string]string {
	w.Helper()
	const notKnown = `state = 'unknown' AND EXISTS (SELECT 1 FROM attempt_answers a WHERE a.payout_id = payouts.id AND a.outcome = 'not_known')`
	w.await("of each payout it is known what the server knows of it", func() bool {
		return w.db.number("SELECT COUNT(*) FROM payouts WHERE state = 'delivered' OR "+notKnown) == payouts
	})
	lost := map[string]string{}
	w.db.each("SELECT id, transaction_id FROM payouts WHERE "+notKnown, func(r *sql.Rows) error {
		var payout, transaction string
		err := r.Scan(&payout, &transaction)
		lost[payout] = transaction
		return err
	})
	return lost
}

// of is a transfer between the people of the sending anchor.
func (a *sendingAnchor) of(key, amount string) sender.Transfer {
	return sender.Transfer{Key: key, Amount: amount, SenderID: a.from, ReceiverID: a.to, FundingMethod: fundingMethod}
}

// sendEach carries transfers to their ends and returns those in the same order.
func (w *world) sendEach(ctx context.Context, a *sendingAnchor, transfers []sender.Transfer) []sent {
	w.Helper()
	agreed := make([]sender.State, len(transfers))
	for i, t := range transfers {
		var err error
		agreed[i], err = a.Agree(ctx, t)
		require.NoError(w, err)
		require.NoError(w, a.Pay(ctx, agreed[i], t.Amount))
	}
	return w.followEach(ctx, a, agreed)
}

// agreeEach agrees some transactions, of 20 and more.
func (w *world) agreeEach(ctx context.Context, a *sendingAnchor, count int) []sender.State {
	w.Helper()
	agreed := make([]sender.State, count)
	for i := range agreed {
		var err error
		agreed[i], err = a.Agree(ctx, a.of(fmt.Sprintf("number %d", i), amountOf(i)))
		require.NoError(w, err)
	}
	return agreed
}

func amountOf(i int) string { return fmt.Sprint(20 + i) }

// payEach pays what agreeEach agreed.
func (w *world) payEach(ctx context.Context, a *sendingAnchor, agreed []sender.State) {
	w.Helper()
	for i, s := range agreed {
		require.NoError(w, a.Pay(ctx, s, amountOf(i)))
	}
}

// followEach waits until all are completed.
func (w *world) followEach(ctx context.Context, a *sendingAnchor, agreed []sender.State) []sent {
	w.Helper()
	all := make([]sent, len(agreed))
	group, ctx := errgroup.WithContext(ctx)
	for i, s := range agreed {
		group.Go(func() error {
			end, err := a.Follow(ctx, s, nil)
			all[i] = sent{a, end}
			return err
		})
	}
	require.NoError(w, group.Wait())
	for _, s := range all {
		require.Equal(w, "completed", s.state.Status, s.state.ID)
	}
	return all
}

func out(t *testing.T, s sent) string {
	t.Helper()
	var n json.Number
	require.NoError(t, json.Unmarshal([]byte(s.state.AmountOut), &n))
	return n.String()
}

// requireRefused checks that an anchor answered with a status and a text.
func requireRefused(t *testing.T, status int, text string, err error) {
	t.Helper()
	answer, ok := errors.AsType[*sender.Answer](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, status, answer.Status, answer.Body)
	require.Contains(t, answer.Body, text)
}

// requireOthersServed checks that what needs no business is answered, and what needs it is refused cleanly.
func (w *world) requireOthersServed() {
	w.Helper()
	require.True(w, answersOK(w.home+"/.well-known/stellar.toml"))
	response, err := http.Get(w.home + "/sep31/info")
	require.NoError(w, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(w, http.StatusServiceUnavailable, response.StatusCode)
	requireCleanly(w.T, response.Body)
}

// requireCleanly checks for an error body that says nothing of what is behind.
func requireCleanly(t *testing.T, body io.Reader) {
	t.Helper()
	raw, err := io.ReadAll(body)
	require.NoError(t, err)
	var said map[string]any
	require.NoError(t, json.Unmarshal(raw, &said), "%s", raw)
	require.Equal(t, []string{"error"}, slices.Collect(maps.Keys(said)))
	require.NotRegexp(t, "127\\.0\\.0\\.1|refused|business", said["error"])
}

// persisting is a sending anchor that asks for one transaction until it gets it.
type persisting struct {
	done chan error

	mu      sync.Mutex
	answers []answered
}

// answered is one answer to it.
type answered struct {
	status int
	body   []byte
	took   time.Duration
}

func (w *world) persist(ctx context.Context, a *sendingAnchor, t sender.Transfer) *persisting {
	w.Helper()
	p := &persisting{done: make(chan error, 1)}
	stubborn, err := sender.New(ctx, sender.Options{
		Home: w.home, Horizon: w.horizon, Passphrase: w.network.Passphrase(), Account: a.account, AssetCode: assetCode, HTTP: &http.Client{Transport: p},
	})
	require.NoError(w, err)
	go func() {
		_, err := stubborn.Agree(ctx, t)
		p.done <- err
	}()
	return p
}

// RoundTrip notes how requests for transactions are answered.
func (p *persisting) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/sep31/transactions" {
		return response, err
	}
	took := time.Since(began)
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = append(p.answers, answered{response.StatusCode, body, took})
	return response, err
}

// heard is how many answers there were.
func (p *persisting) heard() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.answers)
}

// requireSucceeds waits for the transaction and checks that every answer before was a clean and quick one.
func (p *persisting) requireSucceeds(t *testing.T) {
	t.Helper()
	require.NoError(t, <-p.done)
	last := len(p.answers) - 1
	require.Equal(t, http.StatusCreated, p.answers[last].status)
	const busy = 2 * time.Second // of the machine that the tests run on
	for _, a := range p.answers[:last] {
		require.Equal(t, http.StatusServiceUnavailable, a.status, "%s", a.body)
		requireCleanly(t, bytes.NewReader(a.body))
		require.Less(t, a.took, askedFor+busy)
	}
}
