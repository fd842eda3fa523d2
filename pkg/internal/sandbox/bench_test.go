package sandbox

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"
)

// filled is a network with so many payments queued from many senders to one receiver.
func filled(b *testing.B, payments int) (*Network, *keypair.Full) {
	b.Helper()
	n := New(Options{})
	receiver := keypair.MustRandom()
	_, err := n.Fund(receiver.Address())
	require.NoError(b, err)
	n.CloseLedger()
	root := n.Root()
	source := &txnbuild.SimpleAccount{AccountID: root.Address()}
	for range payments {
		tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
			SourceAccount: source, IncrementSequenceNum: true, BaseFee: 100, Memo: txnbuild.MemoHash{1},
			Operations: native(receiver, "1"), Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewInfiniteTimeout()},
		})
		require.NoError(b, err)
		tx, err = tx.Sign(n.Passphrase(), root)
		require.NoError(b, err)
		envelope, err := tx.Base64()
		require.NoError(b, err)
		_, err = n.Submit(envelope)
		require.NoError(b, err)
	}
	return n, receiver
}

// counter is a response that only counts its bytes.
type counter struct {
	header http.Header
	bytes  int
}

func (c *counter) Header() http.Header { return c.header }
func (c *counter) WriteHeader(int)     {}
func (c *counter) Write(p []byte) (int, error) {
	c.bytes += len(p)
	return len(p), nil
}

func BenchmarkPageOf200JoinedRecords(b *testing.B) {
	n, receiver := filled(b, 200)
	n.CloseLedger()
	h := n.Handler()
	r := httptest.NewRequest(http.MethodGet, "/accounts/"+receiver.Address()+"/payments?join=transactions&limit=200", nil)
	b.ReportAllocs()
	for b.Loop() {
		w := &counter{header: http.Header{}}
		h.ServeHTTP(w, r)
		b.SetBytes(int64(w.bytes))
	}
	b.ReportMetric(200*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkCloseLedgerOf5000Payments(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		n, _ := filled(b, 5000)
		b.StartTimer()
		require.Equal(b, 5000, n.CloseLedger().Successful)
	}
	b.ReportMetric(5000*float64(b.N)/b.Elapsed().Seconds(), "payments/s")
}

func BenchmarkPreparedHistoryOf10000Payments(b *testing.B) {
	receiver := keypair.MustRandom().Address()
	for b.Loop() {
		n := New(Options{})
		_, err := n.Fund(receiver)
		require.NoError(b, err)
		n.CloseLedger()
		require.NoError(b, n.Prepare(repeated(n.Root().Address(), receiver, 10_000), 200))
	}
	b.ReportMetric(10_000*float64(b.N)/b.Elapsed().Seconds(), "payments/s")
}
