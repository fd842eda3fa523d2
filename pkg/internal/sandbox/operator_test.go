package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"
)

// order asks the network for something over HTTP and returns its status and members.
func (l *lab) order(method, path, body string) (int, map[string]any) {
	l.Helper()
	got := l.send(method, path, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(body)) })
	var answer map[string]any
	require.NoError(l, json.Unmarshal([]byte(got.body), &answer), "%s", got.body)
	return got.status, answer
}

func (l *lab) ordered(path, body string) map[string]any {
	l.Helper()
	status, answer := l.order(http.MethodPost, path, body)
	require.Equal(l, http.StatusOK, status, "%v", answer)
	return answer
}

func TestOperator_sets_over_HTTP_what_tests_set_in_the_process(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender, receiver := l.account(), l.account()
	_, usdc := l.asset("USDC", sender, receiver)

	t.Run("ledgers", func(t *testing.T) {
		before := l.net.Latest().Sequence
		require.InDelta(t, before+1, l.ordered("/sandbox/ledgers", "")["latest_ledger"], 0)
		require.InDelta(t, before+4, l.ordered("/sandbox/ledgers", `{"count":3}`)["latest_ledger"], 0)
	})
	t.Run("rates", func(t *testing.T) {
		l.ordered("/sandbox/rates", `{"give":"native","get":"`+named(usdc)+`","price":"0.25"}`)
		before := l.balance(receiver, named(usdc))
		l.do(sender, &txnbuild.PathPaymentStrictSend{
			SendAsset: txnbuild.NativeAsset{}, SendAmount: "4", Destination: receiver.Address(), DestAsset: usdc, DestMin: "1",
		})
		require.Equal(t, before+one, l.balance(receiver, named(usdc)))
	})
	t.Run("contract", func(t *testing.T) {
		before := l.balance(receiver, named(usdc))
		hash, ok := l.ordered("/sandbox/contract", `{"memo_type":"id","memo":"77","changes":[{"kind":"transfer","from":"`+
			sender.Address()+`","to":"`+receiver.Address()+`","asset":"`+named(usdc)+`","amount":"2.5"}]}`)["hash"].(string)
		require.True(t, ok)
		l.net.CloseLedger()
		require.Equal(t, before+25_000_000, l.balance(receiver, named(usdc)))
		require.Equal(t, "77", pluckOne(t, l.get("/transactions/"+hash).body, "memo"))
	})
	t.Run("surge", func(t *testing.T) {
		require.InDelta(t, 500, l.ordered("/sandbox/surge", `{"stroops":500}`)["least_fee"], 0)
		require.InDelta(t, 100, l.ordered("/sandbox/surge", `{"stroops":0}`)["least_fee"], 0)
	})
	t.Run("history", func(t *testing.T) {
		before := l.net.Latest().Sequence
		state := l.ordered("/sandbox/history", `{"from":"`+sender.Address()+`","to":"`+receiver.Address()+
			`","asset":"native","amount":"0.5","payments":25,"per_ledger":10,"memo_type":"id","memo":"100"}`)
		require.InDelta(t, before+3, state["latest_ledger"], 0)
		page := l.get("/accounts/" + receiver.Address() + "/payments?order=desc&limit=25&join=transactions").body
		require.Contains(t, page, `"memo": "100"`)
		require.Contains(t, page, `"memo": "124"`)
	})
	t.Run("forget", func(t *testing.T) {
		require.InDelta(t, 5, l.ordered("/sandbox/forget", `{"before_ledger":5}`)["elder_ledger"], 0)
	})
	t.Run("reset", func(t *testing.T) {
		require.InDelta(t, 1, l.ordered("/sandbox/reset", "")["latest_ledger"], 0)
	})
}

func TestOperator_plans_every_fault_over_HTTP_and_is_spared_by_them(t *testing.T) {
	t.Parallel()
	l := newLab(t, withLimits)
	sender := l.account()
	get := func() (int, error) {
		r, err := http.NewRequestWithContext(l.context(), http.MethodGet, l.server.URL+"/payments", nil)
		require.NoError(t, err)
		response, err := l.server.Client().Do(r)
		if err != nil {
			return 0, err
		}
		defer response.Body.Close()
		_, err = io.Copy(io.Discard, response.Body)
		return response.StatusCode, err
	}
	fault := func(t *testing.T, body string) { l.ordered("/sandbox/faults", body) }
	t.Run("answer", func(t *testing.T) {
		fault(t, `{"kind":"answer","status":500,"times":-1,"path":"/"}`)
		require.Equal(t, 500, l.get("/payments").status)
		status, _ := l.order(http.MethodDelete, "/sandbox/faults", "")
		require.Equal(t, 200, status)
		require.Equal(t, 200, l.get("/payments").status)
	})
	t.Run("answer with 429", func(t *testing.T) {
		fault(t, `{"kind":"answer","status":429,"retry_after":9}`)
		require.Equal(t, "9", l.get("/payments").header.Get("Retry-After"))
	})
	for kind, want := range map[string]string{"drop": "", "lose": "", "cut": "unexpected EOF"} {
		t.Run(kind, func(t *testing.T) {
			fault(t, `{"kind":"`+kind+`","path":"/payments","times":5}`)
			_, err := get()
			require.ErrorContains(t, err, want)
			l.net.Faults().Clear()
		})
	}
	t.Run("cut, smooth", func(t *testing.T) {
		fault(t, `{"kind":"cut","smooth":true}`)
		require.False(t, json.Valid([]byte(l.get("/payments").body)))
	})
	for kind, want := range map[string]struct {
		word   string
		landed int
	}{
		"delay": {"PENDING", 1}, "never": {"PENDING", 0}, "later": {"TRY_AGAIN_LATER", 0},
	} {
		t.Run(kind, func(t *testing.T) {
			fault(t, `{"kind":"`+kind+`","ledgers":2}`)
			got := l.postAsync(l.envelope(intent{by: sender, ops: native(sender, "1")}))
			require.Equal(t, want.word, pluckOne(t, got.body, "tx_status"))
			require.Zero(t, l.net.CloseLedger().Successful)
			require.Equal(t, want.landed, l.net.CloseLedger().Successful)
		})
	}
	t.Run("streams", func(t *testing.T) {
		path := "/payments?cursor=now"
		failed, silent := l.open(path), l.open(path)
		require.NoError(t, l.net.AwaitStreams(l.context(), 2))
		fault(t, `{"kind":"silence"}`)
		l.do(sender, native(sender, "1")...)
		fault(t, `{"kind":"fail_streams"}`)
		require.NotContains(t, failed.all(), "id: ")
		require.NotContains(t, silent.all(), "id: ")
		fault(t, `{"kind":"speak"}`)
		broken := l.open(path)
		require.NoError(t, l.net.AwaitStreams(l.context(), 1))
		fault(t, `{"kind":"cut_streams"}`)
		_, err := broken.rest()
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
	t.Run("forget_now", func(t *testing.T) {
		fault(t, `{"kind":"forget_now"}`)
		require.NotEmpty(t, pluck(t, l.get("/payments?cursor=now").body, "id"))
	})
}

func TestOperator_is_told_what_is_wrong_with_an_order(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for path, bodies := range map[string][]string{
		"/sandbox/ledgers":  {`{"count":0}`, `{"count":99999}`, `{"n":1}`, `{`},
		"/sandbox/forget":   {`[]`},
		"/sandbox/surge":    {`{"stroops":"1"}`},
		"/sandbox/rates":    {`{"give":"native","get":"X","price":"1"}`, `{"give":"native","get":"native","price":"x"}`},
		"/sandbox/contract": {`{"memo_type":"x"}`, `{"changes":[{"kind":"mint","amount":"x"}]}`, `{"changes":[{"kind":"swap","asset":"native","amount":"1"}]}`},
		"/sandbox/history":  {`{"amount":"x"}`, `{"amount":"1","payments":-1}`, `{"amount":"1","payments":1,"per_ledger":-1}`, `{"amount":"1","payments":1,"from":"G"}`},
		"/sandbox/faults":   {`{"kind":"x"}`, `{"kind":"answer","status":200}`},
	} {
		for _, body := range bodies {
			status, answer := l.order(http.MethodPost, path, body)
			require.Equal(t, http.StatusBadRequest, status, "%s %s", path, body)
			require.NotEmpty(t, answer["detail"])
		}
	}
}

func TestMemo_of_an_order_is_read_as_Horizon_writes_it(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("A", 43) + "="
	for _, m := range []memoOrder{{"text", "żółw"}, {"id", "18446744073709551615"}, {"hash", hash}, {"return", hash}} {
		read, err := m.read()
		require.NoError(t, err)
		got := memoOf(read)
		require.Equal(t, []string{m.Type, m.Memo}, []string{got.kind, got.text})
	}
	for _, m := range []memoOrder{{"text", strings.Repeat("x", 29)}, {"id", "-1"}, {"hash", "AAAA"}, {"x", hash}} {
		_, err := m.read()
		require.Error(t, err, m)
	}
}
