//go:build foreign

package remote_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/integration/remote"
	"github.com/anchorkit/anchor/pkg/money"
)

// program is one of the servers in examples/.
type program struct {
	name string
	args []string
}

func programs() []program {
	return []program{
		{"the Node server", []string{"node", "../../../../examples/node-server/server.mjs"}},
		{"the Python server", []string{"python3", "../../../../examples/python-server/server.py"}},
	}
}

// eachProgram runs a test for each of the servers.
func eachProgram(t *testing.T, test func(t *testing.T, p program)) {
	for _, p := range programs() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// running is a server that was started; kill and stop end it.
type running struct {
	*exec.Cmd
	url string
}

func (p program) start(t *testing.T, env ...string) running {
	t.Helper()
	cmd := exec.Command(p.args[0], p.args[1:]...)
	cmd.Env = append(os.Environ(), append([]string{"PORT=0"}, env...)...)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err, "it did not start: %s", &complaints)
	return running{cmd, strings.TrimSpace(strings.TrimPrefix(line, "listening on "))}
}

func (r running) end(t *testing.T, signal os.Signal) {
	t.Helper()
	require.NoError(t, r.Process.Signal(signal))
	_, err := r.Process.Wait()
	require.NoError(t, err)
}

const usdc = "stellar:USDC:GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN"

func keysOf(keys ...remote.Key) string {
	var list []string
	for _, k := range keys {
		list = append(list, k.ID+":"+base64.StdEncoding.EncodeToString(k.Secret))
	}
	return "ANCHOR_KEYS=" + strings.Join(list, ",")
}

func ledger(t *testing.T) string { return "LEDGER=" + filepath.Join(t.TempDir(), "payouts.jsonl") }

func lines(t *testing.T, ledger string) []string {
	t.Helper()
	raw, err := os.ReadFile(strings.TrimPrefix(ledger, "LEDGER="))
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
}

func TestExampleServers_pay_each_key_once_however_often_it_comes(t *testing.T) {
	t.Parallel()
	eachProgram(t, func(t *testing.T, p program) {
		file := ledger(t)
		server := p.start(t, keysOf(key("k1")), file)
		rail := newBusiness(t, server.url, key("k1")).Rails["bank"]
		var calls sync.WaitGroup
		for i := range 40 {
			calls.Go(func() {
				o, err := rail.ExecuteOutgoing(t.Context(), payoutOf(fmt.Sprint(i%10)))
				require.NoError(t, err)
				require.Equal(t, anchor.OutcomeDelivered, o.Kind())
				require.NotEmpty(t, o.ExternalID())
			})
		}
		calls.Wait()
		require.Len(t, lines(t, file), 10)

		other := payoutOf("1")
		other.Amount = "13.00"
		o, err := rail.ExecuteOutgoing(t.Context(), other)
		require.Error(t, err, "the key came before with another payout")
		require.Equal(t, anchor.OutcomeUnknown, o.Kind())
		require.Len(t, lines(t, file), 10)
	})
}

func TestExampleServers_know_after_being_killed_whom_they_paid(t *testing.T) {
	t.Parallel()
	eachProgram(t, func(t *testing.T, p program) {
		file := ledger(t)
		server := p.start(t, keysOf(key("k1")), file, "DELIVERS_AFTER_MS=3600000")
		rail := newBusiness(t, server.url, key("k1")).Rails["bank"]
		first, err := rail.ExecuteOutgoing(t.Context(), payoutOf("a"))
		require.NoError(t, err)
		require.Equal(t, anchor.OutcomeAccepted, first.Kind())
		server.end(t, syscall.SIGKILL)
		o, err := newBusiness(t, server.url, key("k1")).Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("b"))
		require.NoError(t, err)
		require.Equal(t, anchor.OutcomeNotSent, o.Kind(), "nobody is there to connect to")
		tear(t, file)

		server = p.start(t, keysOf(key("k1")), file, "DELIVERS_AFTER_MS=3600000")
		rail = newBusiness(t, server.url, key("k1")).Rails["bank"]
		again, err := rail.ExecuteOutgoing(t.Context(), payoutOf("a"))
		require.NoError(t, err)
		require.Equal(t, first, again)
		news, err := rail.PollOutgoing(t.Context(), []anchor.Payout{payoutOf("a"), payoutOf("b")})
		require.NoError(t, err)
		require.Equal(t, anchor.OutcomeAccepted, news[payoutOf("a").Key].Kind())
		require.Equal(t, anchor.OutcomeNotKnown, news[payoutOf("b").Key].Kind())
		require.Len(t, lines(t, file), 1, "what was half a line is gone")
		server.end(t, syscall.SIGTERM)
	})
}

// tear leaves half a line at the end, as a process does that is killed while it writes.
func tear(t *testing.T, ledger string) {
	t.Helper()
	f, err := os.OpenFile(strings.TrimPrefix(ledger, "LEDGER="), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"key":"`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func TestExampleServers_ask_for_another_account_when_one_is_closed_and_never_pay_that_key(t *testing.T) {
	t.Parallel()
	eachProgram(t, func(t *testing.T, p program) {
		file := ledger(t)
		server := p.start(t, keysOf(key("k1")), file, "CLOSED_ACCOUNTS=DE00")
		rail := newBusiness(t, server.url, key("k1")).Rails["bank"]
		closed := payoutOf("a")
		closed.Receiver = &anchor.Customer{ID: "r", Values: map[string]string{"bank_account_number": "DE00"}}
		o, err := rail.ExecuteOutgoing(t.Context(), closed)
		require.NoError(t, err)
		require.Equal(t, anchor.OutcomeNeedsInfo, o.Kind())
		require.Equal(t, "bank_account_number", o.Needs()[0].Field)
		require.NotContains(t, strings.Join(lines(t, file), ""), "DE00", "the ledger holds nothing personal")
		server.end(t, syscall.SIGTERM)

		server = p.start(t, keysOf(key("k1")), file)
		o, err = newBusiness(t, server.url, key("k1")).Rails["bank"].ExecuteOutgoing(t.Context(), closed)
		require.NoError(t, err)
		require.Equal(t, anchor.OutcomeNeedsInfo, o.Kind())
	})
}

func TestExampleServers_answer_every_question_of_the_contract(t *testing.T) {
	t.Parallel()
	eachProgram(t, func(t *testing.T, p program) {
		server := p.start(t, keysOf(key("k1")), ledger(t), "SENDING_ANCHORS=GAGOOD", "SELL_ASSET="+usdc)
		b := newBusiness(t, server.url, key("k1"))
		ctx := t.Context()

		info, err := b.Receiver.Info(ctx, anchor.InfoRequest{Asset: anchor.AssetInfo{Code: "USDC", Decimals: 2}, Lang: "en"})
		require.NoError(t, err)
		require.Contains(t, info.SenderTypes, "sep31-sender")
		require.Contains(t, info.ReceiverTypes, "sep31-receiver")
		for account, valid := range map[string]bool{"GAGOOD": true, "GBAD": false} {
			got, err := b.Receiver.ValidSendingAnchor(ctx, anchor.SendingAnchor{Account: account})
			require.NoError(t, err)
			require.Equal(t, valid, got)
		}
		checkCustomers(ctx, t, b.Customers)
		checkTransactions(ctx, t, b)
		checkQuotes(ctx, t, b.Quotes)
	})
}

func checkCustomers(ctx context.Context, t *testing.T, c anchor.CustomerIntegration) {
	t.Helper()
	r, err := c.Get(ctx, anchor.CustomerGet{})
	require.NoError(t, err)
	require.Equal(t, "sep31-sender", r.Type)
	require.Equal(t, anchor.FieldString, r.Fields["last_name"].Type)
	_, err = c.Get(ctx, anchor.CustomerGet{Type: "constructor"})
	require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err))
	v, err := c.Put(ctx, anchor.CustomerPut{
		Customer: &anchor.Customer{ID: "c", Version: 3, Values: map[string]string{"first_name": "Ada", "bank_account_number": "1"}},
		Type:     "sep31-receiver", Changed: []string{"first_name"},
	})
	require.NoError(t, err)
	require.Equal(t, anchor.CustomerAccepted, v.Status)
	require.Equal(t, int64(3), v.Version)
	require.Equal(t, anchor.FieldAccepted, v.Fields["bank_account_number"].Status)
	require.NoError(t, c.Delete(ctx, anchor.CustomerDelete{ID: "c"}))
}

func checkTransactions(ctx context.Context, t *testing.T, b anchor.Business) {
	t.Helper()
	post := postOf(t, "100")
	accepted, err := b.Receiver.ProcessPostRequest(ctx, post)
	require.NoError(t, err)
	require.Equal(t, anchor.Acceptance{}, accepted)
	_, err = b.Receiver.ProcessPostRequest(ctx, postOf(t, "100000.0000001"))
	require.EqualError(t, err, "at most 100000 are accepted")
	require.NoError(t, b.Receiver.ProcessPatchRequest(ctx, anchor.PatchRequest{Fields: map[string]string{"a": "b"}}))
	fee, err := b.Fee(ctx, anchor.FeeRequest{Asset: post.Asset, Amount: amount(t, "100.5000001", 7)})
	require.NoError(t, err)
	require.Equal(t, "1.0100000", fee.Total.String(), "rounded up to the asset's decimals")
}

func checkQuotes(ctx context.Context, t *testing.T, q anchor.QuoteIntegration) {
	t.Helper()
	offers, err := q.Offers(ctx, anchor.OffersRequest{})
	require.NoError(t, err)
	require.Len(t, offers.Pairs, 1)
	require.Equal(t, usdc, offers.Pairs[0].Sell.String())
	sell, buy := amount(t, "10.50", 2), amount(t, "54.00", 2)
	for _, r := range []anchor.PriceRequest{{SellAmount: &sell}, {BuyAmount: &buy}} {
		r.Pair, r.SellDecimals, r.BuyDecimals = offers.Pairs[0], 2, 2
		price, err := q.Price(ctx, r)
		require.NoError(t, err)
		require.Equal(t, "10.50 54.00 0.50", fmt.Sprint(price.SellAmount, price.BuyAmount, price.Fee.Total))
		firm, err := q.Quote(ctx, anchor.QuoteRequest{PriceRequest: r, ID: "q", ExpireAfter: time.Now().Add(time.Minute)})
		require.NoError(t, err)
		require.Equal(t, price, firm.Price)
		require.WithinDuration(t, time.Now().Add(15*time.Minute), firm.ExpiresAt, 10*time.Second)
		_, err = q.Quote(ctx, anchor.QuoteRequest{PriceRequest: r, ID: "q", ExpireAfter: time.Now().Add(time.Hour)})
		require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err))
	}
	_, err = q.Price(ctx, anchor.PriceRequest{Pair: anchor.Pair{Sell: money.Native(), Buy: offers.Pairs[0].Buy}, SellDecimals: 2, BuyDecimals: 2, SellAmount: &sell})
	require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err))
}

func TestExampleServers_believe_whoever_has_one_of_the_keys_and_nobody_else(t *testing.T) {
	t.Parallel()
	eachProgram(t, func(t *testing.T, p program) {
		server := p.start(t, keysOf(key("old"), key("new")), ledger(t))
		for _, keys := range [][]remote.Key{{key("old")}, {key("new"), key("old")}, {key("new")}} {
			_, err := newBusiness(t, server.url, keys...).Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("a"))
			require.NoError(t, err)
		}
		forged := key("stranger")
		forged.ID = "new"
		for _, k := range []remote.Key{key("stranger"), forged} {
			o, err := newBusiness(t, server.url, k).Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("a"))
			require.ErrorContains(t, err, "401")
			require.Equal(t, anchor.OutcomeUnknown, o.Kind())
		}
		late := options(server.url, key("new"))
		late.Now = func() time.Time { return time.Now().Add(-6 * time.Minute) }
		b, err := remote.New(late)
		require.NoError(t, err)
		_, err = b.Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("a"))
		require.ErrorContains(t, err, "401", "a clock that is six minutes off")
	})
}

func TestExampleServers_take_a_request_once(t *testing.T) {
	t.Parallel()
	eachProgram(t, func(t *testing.T, p program) {
		server := p.start(t, keysOf(key("k1")), ledger(t))
		between := newRecorder(t, server.url)
		rail := newBusiness(t, between.url, key("k1")).Rails["bank"]
		_, err := rail.ExecuteOutgoing(t.Context(), payoutOf("a"))
		require.NoError(t, err)
		require.Equal(t, 401, between.replay(t))
	})
}
