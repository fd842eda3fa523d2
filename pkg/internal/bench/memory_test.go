package bench_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// inMemory is a Horizon whose answers are there already: what is left is to ask, to decode and to apply.
type inMemory struct {
	root      []byte
	positions []int64 // of the records
	records   [][]byte
	sample    string // a record of a real Horizon
}

func newInMemory(b *testing.B) *inMemory {
	raw, err := os.ReadFile(filepath.Join("..", "stellar", "testdata", "horizon", "record-payment-credit-memo-id-join.json"))
	require.NoError(b, err)
	return &inMemory{sample: string(raw)}
}

// RoundTrip answers the root, pages, and nothing else.
func (m *inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/hal+json"}}, Request: r}
	var body []byte
	switch {
	case r.URL.Path == "/":
		body = m.root
	case strings.HasSuffix(r.URL.Path, "/payments"):
		body = m.page(r.URL.Query())
	default:
		answer.StatusCode = http.StatusNotFound
	}
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return answer, nil
}

func (m *inMemory) page(query url.Values) []byte {
	after, _ := strconv.ParseInt(query.Get("cursor"), 10, 64)
	limit, _ := strconv.Atoi(query.Get("limit"))
	from, _ := slices.BinarySearch(m.positions, after+1)
	list := m.records[from:min(from+limit, len(m.records))]
	return slices.Concat([]byte(`{"_embedded":{"records":[`), bytes.Join(list, []byte{','}), []byte(`]}}`))
}

// put adds what a page holds.
func (m *inMemory) put(page stellar.Page) {
	for _, p := range page.Payments {
		m.positions, m.records = append(m.positions, p.OperationID), append(m.records, m.record(p))
	}
	m.root = fmt.Appendf(nil, `{"history_latest_ledger":%d,"history_latest_ledger_closed_at":%q,"history_elder_ledger":1,"network_passphrase":%q}`,
		page.Through.Sequence, page.Through.ClosedAt.Format(time.RFC3339), passphrase)
}

// record is the sample with the payment's own names in it.
func (m *inMemory) record(p stellar.Payment) []byte {
	sampled := strings.NewReplacer(
		"107374186497", strconv.FormatInt(p.OperationID, 10),
		"265cce9b02986d466dacdc1c3240df470084d63b171f1a07686dfff1cf02ae29", p.InnerHash,
		"18446744073709551615", p.Memo, "12.3456789", "1.0000000", "2026-11-23T04:14:45Z", p.ClosedAt.Format(time.RFC3339),
		"GAW7ATPDJOSXNQBNWQSKUBUMMXV3P7SACDDFOLK3WKSJ3ZERY2VM6NXF", p.To, "GD63Q6DIWKNRU7NIPCX3VP4TINMARQ7JMXV4XUFQZIA5AEYXJBSV6WAJ", p.AssetIssuer,
	)
	return []byte(sampled.Replace(m.sample))
}

// measureCreditFromMemory has the watcher catch up with pages that need no network, and runs the bare statements for as
// many others.
func measureCreditFromMemory(b *testing.B, e engine, t *table) {
	address := e.url(b)
	k := newBooks(b, durable(b, address), addressOf(2), addressOf(1), addressOf(3), passphrase)
	raw := openBareCredit(b, address, k)
	f := catchingUp{books: k, network: newInMemory(b), ledger: 10}
	bare := func() float64 {
		list := f.pages(b)
		return perSecond(pagesPerRound*perPage, func() {
			for _, page := range list {
				raw.credit(b, page)
			}
		})
	}
	f.catchUp(b)
	bare()
	analyze(b, raw.db)
	r := row{what: "crediting, catching up from memory", engine: e.name, unit: "/s", besideWhat: "bare statements", bar: shareAtLeast(60)}
	t.add(b, turns(r, bare, func() float64 { return f.catchUp(b) }))
	require.Equal(b, k.nextMemo, count(b, raw.db, "SELECT COUNT(*) FROM transactions WHERE funded = TRUE"))
	require.Equal(b, k.nextMemo, count(b, raw.db, "SELECT COUNT(*) FROM payouts WHERE state = 'ready'"))
}

// catchingUp is an anchor behind a network of prepared answers.
type catchingUp struct {
	*books
	network *inMemory
	ledger  int64
}

// pages are payments of transactions that have just been agreed on.
func (f *catchingUp) pages(b *testing.B) []stellar.Page {
	list := make([]stellar.Page, pagesPerRound)
	for i := range list {
		list[i] = f.page(b, f.ledger)
		f.ledger++
	}
	return list
}

// catchUp answers how many payments per second the watcher credits.
func (f *catchingUp) catchUp(b *testing.B) float64 {
	for _, page := range f.pages(b) {
		f.network.put(page)
	}
	source, err := stellar.NewHorizon(stellar.Options{URL: "http://horizon.test", Passphrase: passphrase, HTTP: &http.Client{Transport: f.network}})
	require.NoError(b, err)
	return perSecond(pagesPerRound*perPage, func() {
		require.NoError(b, payments.NewWatcher(f.service, source, payments.WatchOptions{Owner: actor}).Once(b.Context()))
	})
}

// addressOf is a valid address that nobody has the key of.
func addressOf(n byte) string {
	return strkey.MustEncode(strkey.VersionByteAccountID, bytes.Repeat([]byte{n}, 32))
}
