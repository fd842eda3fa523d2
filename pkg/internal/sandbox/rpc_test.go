package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	rpcwire "github.com/stellar/go-stellar-sdk/protocols/rpc"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"
)

// askRPC posts a body and reads the answer of JSON-RPC.
func (l *lab) askRPC(body string) (result json.RawMessage, refused *rpcError) {
	l.Helper()
	got := l.send(http.MethodPost, "/rpc", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(body)) })
	require.Equal(l, http.StatusOK, got.status)
	require.Equal(l, "application/json", got.header.Get("Content-Type"))
	var answer struct {
		Version string          `json:"jsonrpc"`
		ID      any             `json:"id"`
		Result  json.RawMessage `json:"result"`
		Error   *rpcError       `json:"error"`
	}
	require.NoError(l, json.Unmarshal([]byte(got.body), &answer))
	require.Equal(l, "2.0", answer.Version)
	require.Equal(l, answer.Result == nil, answer.Error != nil, "one of the two")
	return answer.Result, answer.Error
}

func (l *lab) callRPC(method, params string, into any) {
	l.Helper()
	result, refused := l.askRPC(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params))
	require.Nil(l, refused)
	require.NoError(l, json.Unmarshal(result, into))
}

func TestRPC_says_which_network_and_ledgers_there_are(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for range 9 {
		l.second.Add(5)
		l.net.CloseLedger()
	}
	l.net.Forget(4)
	latest := l.net.Latest()

	var network rpcwire.GetNetworkResponse
	l.callRPC("getNetwork", "{}", &network)
	require.Equal(t, rpcwire.GetNetworkResponse{Passphrase: standalone, ProtocolVersion: protocol}, network)

	var health rpcwire.GetHealthResponse
	l.callRPC("getHealth", "null", &health)
	require.Equal(t, rpcwire.GetHealthResponse{
		Status: "healthy", LatestLedger: 10, LatestLedgerCloseTime: latest.ClosedAt.Unix(),
		OldestLedger: 4, OldestLedgerCloseTime: latest.ClosedAt.Unix() - 30, LedgerRetentionWindow: 7,
	}, health)

	var newest rpcwire.GetLatestLedgerResponse
	l.callRPC("getLatestLedger", "{}", &newest)
	require.Equal(t, latest.Hash, newest.Hash)
	require.Equal(t, uint32(10), newest.Sequence)
	require.Equal(t, latest.ClosedAt.Unix(), newest.LedgerCloseTime)
}

func TestRPC_shows_the_ledgers_that_Horizon_shows(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	a, b := l.account(), l.account()
	for range 5 {
		l.do(a, pay(b, txnbuild.NativeAsset{}, "1"))
	}
	var answer rpcwire.GetLedgersResponse
	l.callRPC("getLedgers", `{"startLedger":2,"pagination":{"limit":3}}`, &answer)
	require.Len(t, answer.Ledgers, 3)
	require.Equal(t, "4", answer.Cursor)
	var rest rpcwire.GetLedgersResponse
	l.callRPC("getLedgers", `{"pagination":{"limit":200,"cursor":"4"}}`, &rest)
	all := append(answer.Ledgers, rest.Ledgers...)
	require.Len(t, all, int(l.net.Latest().Sequence)-1)
	require.Equal(t, uint32(l.net.Latest().Sequence), rest.LatestLedger)

	previous := ""
	transactions := 0
	for i, info := range all {
		require.Equal(t, uint32(i+2), info.Sequence)
		var shown struct {
			Hash     string `json:"hash"`
			Previous string `json:"prev_hash"`
			Header   string `json:"header_xdr"`
		}
		require.NoError(t, json.Unmarshal([]byte(l.get("/ledgers/"+number(int64(info.Sequence))).body), &shown))
		require.Equal(t, shown.Hash, info.Hash)
		var meta xdr.LedgerCloseMeta
		require.NoError(t, xdr.SafeUnmarshalBase64(info.LedgerMetadata, &meta))
		require.Equal(t, info.Hash, meta.LedgerHash().HexString())
		require.Equal(t, shown.Previous, meta.PreviousLedgerHash().HexString())
		if previous != "" {
			require.Equal(t, previous, shown.Previous)
		}
		previous = info.Hash
		header, err := xdr.MarshalBase64(meta.LedgerHeaderHistoryEntry().Header)
		require.NoError(t, err)
		require.Equal(t, shown.Header, header)
		require.Equal(t, info.LedgerCloseTime, meta.LedgerCloseTime())
		require.Len(t, meta.TransactionEnvelopes(), meta.CountTransactions())
		transactions += meta.CountTransactions()
	}
	require.Equal(t, len(l.net.Transactions()), transactions)
}

func TestRPC_refuses_in_the_words_of_JSON_RPC(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.net.CloseLedger()
	for body, code := range map[string]int{
		`{`: rpcUnreadable,
		`{"jsonrpc":"1.0","id":1,"method":"getHealth"}`:                                                             rpcInvalid,
		`{"jsonrpc":"2.0","id":1}`:                                                                                  rpcInvalid,
		`{"jsonrpc":"2.0","id":1,"method":"getEverything"}`:                                                         rpcUnknownMethod,
		`{"jsonrpc":"2.0","id":1,"method":"getLedgers","params":[]}`:                                                rpcBadParams,
		`{"jsonrpc":"2.0","id":1,"method":"getLedgers"}`:                                                            rpcBadParams,
		`{"jsonrpc":"2.0","id":1,"method":"getLedgers","params":{"startLedger":3}}`:                                 rpcInvalid,
		`{"jsonrpc":"2.0","id":1,"method":"getLedgers","params":{"startLedger":0}}`:                                 rpcInvalid,
		`{"jsonrpc":"2.0","id":1,"method":"getLedgers","params":{"startLedger":1,"pagination":{"limit":201}}}`:      rpcInvalid,
		`{"jsonrpc":"2.0","id":1,"method":"getLedgers","params":{"pagination":{"cursor":"x"}}}`:                     rpcInvalid,
		`{"jsonrpc":"2.0","id":1,"method":"getTransaction","params":{"hash":"ab"}}`:                                 rpcBadParams,
		`{"jsonrpc":"2.0","id":1,"method":"sendTransaction","params":{"transaction":"AAAA"}}`:                       rpcBadParams,
		`{"jsonrpc":"2.0","id":"x","method":"getTransaction","params":{"hash":"` + strings.Repeat("zz", 32) + `"}}`: rpcBadParams,
	} {
		_, refused := l.askRPC(body)
		require.NotNil(t, refused, body)
		require.Equal(t, code, refused.Code, body)
		require.NotEmpty(t, refused.Message)
	}
	require.Equal(t, http.StatusMethodNotAllowed, l.get("/rpc").status)
}

func TestRPC_takes_transactions_and_tells_what_became_of_them(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	a, b := l.account(), l.account()
	send := func(envelope string) rpcwire.SendTransactionResponse {
		var answer rpcwire.SendTransactionResponse
		l.callRPC("sendTransaction", fmt.Sprintf(`{"transaction":%q}`, envelope), &answer)
		return answer
	}
	find := func(hash string) rpcwire.GetTransactionResponse {
		var answer rpcwire.GetTransactionResponse
		l.callRPC("getTransaction", fmt.Sprintf(`{"hash":%q}`, hash), &answer)
		require.Equal(t, uint32(l.net.Latest().Sequence), answer.LatestLedger)
		return answer
	}
	good := l.envelope(intent{by: a, ops: []txnbuild.Operation{pay(b, txnbuild.NativeAsset{}, "1")}})
	sent := send(good)
	require.Equal(t, "PENDING", sent.Status)
	require.Equal(t, rpcwire.TransactionStatusNotFound, find(sent.Hash).Status)
	l.net.CloseLedger()
	found := find(sent.Hash)
	require.Equal(t, rpcwire.TransactionStatusSuccess, found.Status)
	require.Equal(t, good, found.EnvelopeXDR)
	require.Equal(t, int32(1), found.ApplicationOrder)
	require.Equal(t, uint32(l.net.Latest().Sequence), found.Ledger)
	require.Equal(t, "DUPLICATE", send(good).Status)

	failing := send(l.envelope(intent{by: a, ops: []txnbuild.Operation{pay(b, txnbuild.NativeAsset{}, "999999999")}}))
	l.net.CloseLedger()
	require.Equal(t, rpcwire.TransactionStatusFailed, find(failing.Hash).Status)

	refused := send(l.envelope(intent{by: a, sequence: 1, ops: []txnbuild.Operation{pay(b, txnbuild.NativeAsset{}, "1")}}))
	require.Equal(t, "ERROR", refused.Status)
	require.NotEmpty(t, refused.ErrorResultXDR)
	require.Len(t, refused.Hash, 64)
}
