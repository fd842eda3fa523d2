package stellar_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// The names of the accounts in the samples, which come from a real Horizon.
const (
	receiver   = "GAW7ATPDJOSXNQBNWQSKUBUMMXV3P7SACDDFOLK3WKSJ3ZERY2VM6NXF"
	issuer     = "GD63Q6DIWKNRU7NIPCX3VP4TINMARQ7JMXV4XUFQZIA5AEYXJBSV6WAJ"
	sender     = "GBFALODLIILMRX365H4FTMEKCETNCKRPTNCZGL7QCBJTWVA6HOODOPCQ"
	trader     = "GCS36JR3RFWCIYVHDUVUWLWVCN7RKXY7VOENLLLHOQHGTJ3FXVL4QIBN"
	merged     = "GCFAFCBDSB6XOWPTTYEGJI3MCW2QG5DBL4WJYT2LVYAC4G74RKID5EIW"
	creator    = "GBZXN7PIRZGNMHGA7MUUUF4GWPY5AYPV6LY4UV2GL6VJGIQRXFDNMADI"
	passphrase = "Standalone Network ; February 2017"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "horizon", name))
	require.NoError(t, err)
	return data
}

// members reads a sample record for changing it.
func members(t testing.TB, data []byte) map[string]any {
	t.Helper()
	var m map[string]any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&m))
	return m
}

// changed answers a sample record with other members; nil removes one.
func changed(t testing.TB, name string, with map[string]any) []byte {
	t.Helper()
	m := members(t, sample(t, name))
	for key, value := range with {
		if value == nil {
			delete(m, key)
			continue
		}
		m[key] = value
	}
	data, err := json.Marshal(m)
	require.NoError(t, err)
	return data
}

// joinedWith answers a sample record that was taken without join, with its transaction joined.
func joinedWith(t testing.TB, name string, memo map[string]any) []byte {
	t.Helper()
	m := members(t, sample(t, name))
	transaction := map[string]any{"hash": m["transaction_hash"], "memo_type": "none"}
	for key, value := range memo {
		transaction[key] = value
	}
	m["transaction"] = transaction
	data, err := json.Marshal(m)
	require.NoError(t, err)
	return data
}

func pageOf(records ...[]byte) []byte {
	return []byte(`{"_links":{"self":{"href":"x"}},"_embedded":{"records":[` + string(bytes.Join(records, []byte(","))) + `]}}`)
}

// recorded is an answer with its status line and headers, as the .txt samples are.
func recorded(t testing.TB, name string) http.HandlerFunc {
	t.Helper()
	raw := sample(t, name)
	if at := bytes.Index(raw, []byte("curl exit:")); at >= 0 {
		raw = raw[:at]
	}
	head, body, found := bytes.Cut(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
	require.True(t, found, name)
	lines := bufio.NewScanner(bytes.NewReader(head))
	require.True(t, lines.Scan())
	status := strings.Fields(lines.Text())[1]
	header := http.Header{}
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		if key != "Content-Length" && key != "Transfer-Encoding" && key != "Connection" {
			header.Set(key, value)
		}
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		for key, values := range header {
			w.Header()[key] = values
		}
		w.WriteHeader(atoi(status))
		_, _ = w.Write(body)
	}
}

func atoi(digits string) int {
	n := 0
	for _, d := range digits {
		n = n*10 + int(d-'0')
	}
	return n
}

var timestamps = regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d\d\d \| ?`)

// streamed is the body of a stream sample, whichever way it was captured.
func streamed(t testing.TB, name string) []byte {
	t.Helper()
	raw := sample(t, name)
	if bytes.HasPrefix(raw, []byte("HTTP/")) {
		rec := httptest.NewRecorder()
		recorded(t, name)(rec, nil)
		return rec.Body.Bytes()
	}
	return timestamps.ReplaceAll(raw, nil)
}

func serve(data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) }
}

// network is a Horizon that answers what it was given, by path.
type network struct {
	*http.ServeMux
	*stellar.Horizon
}

func newNetwork(t testing.TB, change ...func(*stellar.Options)) network {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	options := stellar.Options{URL: server.URL, Passphrase: passphrase}
	for _, f := range change {
		f(&options)
	}
	h, err := stellar.NewHorizon(options)
	require.NoError(t, err)
	return network{mux, h}
}

// newReadable is a Horizon with a root, a latest ledger and the page given.
func newReadable(t testing.TB, page []byte) network {
	t.Helper()
	n := newNetwork(t)
	n.Handle("GET /{$}", serve(sample(t, "root.json")))
	n.Handle("GET /accounts/"+receiver+"/payments", serve(page))
	return n
}

// roundTrip is a transport made of a function, for tests in a bubble of time.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func streamOf(body io.ReadCloser) *http.Response {
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: body}
}

func mustJSON(t testing.TB, value any) []byte {
	t.Helper()
	data, err := json.Marshal(value)
	require.NoError(t, err)
	return data
}

// ledgerNumbered answers the sample ledger as /ledgers/{sequence} gives it, under another number.
func ledgerNumbered(t testing.TB, sequence int64) []byte {
	t.Helper()
	var page struct {
		Embedded struct {
			Records []map[string]any `json:"records"`
		} `json:"_embedded"`
	}
	require.NoError(t, json.Unmarshal(sample(t, "ledger.json"), &page))
	page.Embedded.Records[0]["sequence"] = sequence
	return mustJSON(t, page.Embedded.Records[0])
}

func muxedAddress(t testing.TB, account string, id uint64) string {
	t.Helper()
	var m strkey.MuxedAccount
	require.NoError(t, m.SetAccountID(account))
	m.SetID(id)
	address, err := m.Address()
	require.NoError(t, err)
	return address
}
