package sandbox

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"
)

const standalone = "Standalone Network ; February 2017"

// lab is a network behind a real HTTP server, whose ledgers close when a test says so.
type lab struct {
	*testing.T
	net    *Network
	server *httptest.Server
	second *atomic.Int64
}

func newLab(t *testing.T, with ...func(*Options)) *lab {
	t.Helper()
	second := &atomic.Int64{}
	second.Store(time.Date(2026, 11, 23, 4, 16, 0, 0, time.UTC).Unix())
	opts := Options{Passphrase: standalone, Now: func() time.Time { return time.Unix(second.Load(), 0) }}
	for _, w := range with {
		w(&opts)
	}
	n := New(opts)
	server := httptest.NewServer(n.Handler())
	t.Cleanup(func() {
		n.release()
		server.Close()
	})
	return &lab{T: t, net: n, server: server, second: second}
}

func (l *lab) context() context.Context {
	ctx, cancel := context.WithTimeout(l.Context(), 20*time.Second)
	l.Cleanup(cancel)
	return ctx
}

// account is a new account with friendbot's gift.
func (l *lab) account() *keypair.Full {
	l.Helper()
	kp := keypair.MustRandom()
	_, err := l.net.Fund(kp.Address())
	require.NoError(l, err)
	l.net.CloseLedger()
	return kp
}

func (l *lab) sequence(kp *keypair.Full) int64 {
	l.net.mu.RLock()
	defer l.net.mu.RUnlock()
	if q := l.net.promised[keyOf(kp)]; q != nil && q.sequence != 0 {
		return q.sequence
	}
	return l.net.accounts[keyOf(kp)].sequence
}

// intent is a transaction to build; what is left out is as usual.
type intent struct {
	by       *keypair.Full
	source   string // M… of by
	sequence int64
	fee      int64
	times    txnbuild.TimeBounds
	ledgers  *txnbuild.LedgerBounds
	memo     txnbuild.Memo
	signers  []*keypair.Full
	unsigned bool
	ops      []txnbuild.Operation
}

func (l *lab) transaction(i intent) *txnbuild.Transaction {
	l.Helper()
	if i.sequence == 0 {
		i.sequence = l.sequence(i.by) + 1
	}
	if i.fee == 0 {
		i.fee = 100
	}
	if i.times == (txnbuild.TimeBounds{}) {
		i.times = txnbuild.NewTimebounds(0, l.second.Load()+60)
	}
	if i.source == "" {
		i.source = i.by.Address()
	}
	if i.signers == nil && !i.unsigned {
		i.signers = []*keypair.Full{i.by}
	}
	tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount: &txnbuild.SimpleAccount{AccountID: i.source, Sequence: i.sequence},
		Operations:    i.ops, BaseFee: i.fee, Memo: i.memo,
		Preconditions: txnbuild.Preconditions{TimeBounds: i.times, LedgerBounds: i.ledgers},
	})
	require.NoError(l, err)
	tx, err = tx.Sign(l.net.Passphrase(), i.signers...)
	require.NoError(l, err)
	return tx
}

func (l *lab) envelope(i intent) string {
	l.Helper()
	text, err := l.transaction(i).Base64()
	require.NoError(l, err)
	return text
}

// apply gets a transaction into a ledger of its own and returns what the ledger says of it.
func (l *lab) apply(i intent) Transaction {
	l.Helper()
	_, err := l.net.Submit(l.envelope(i))
	require.NoError(l, err)
	l.net.CloseLedger()
	all := l.net.Transactions()
	return all[len(all)-1]
}

func (l *lab) do(by *keypair.Full, ops ...txnbuild.Operation) {
	l.Helper()
	require.Equal(l, "tx_success", l.apply(intent{by: by, ops: ops}).TransactionCode)
}

// asset issues an asset to these accounts, a million each.
func (l *lab) asset(code string, holders ...*keypair.Full) (*keypair.Full, txnbuild.CreditAsset) {
	l.Helper()
	issuer := l.account()
	of := txnbuild.CreditAsset{Code: code, Issuer: issuer.Address()}
	for _, h := range holders {
		l.do(h, trust(of))
		l.do(issuer, pay(h, of, "1000000"))
	}
	return issuer, of
}

func trust(of txnbuild.CreditAsset) *txnbuild.ChangeTrust {
	return &txnbuild.ChangeTrust{Line: of.MustToChangeTrustAsset(), Limit: txnbuild.MaxTrustlineLimit}
}

func pay(to *keypair.Full, of txnbuild.Asset, amount string) *txnbuild.Payment {
	return &txnbuild.Payment{Destination: to.Address(), Asset: of, Amount: amount}
}

// answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   string
}

func (l *lab) send(method, path string, with ...func(*http.Request)) answer {
	l.Helper()
	r, err := http.NewRequestWithContext(l.context(), method, l.server.URL+path, nil)
	require.NoError(l, err)
	for _, w := range with {
		w(r)
	}
	got, err := l.server.Client().Do(r)
	require.NoError(l, err)
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	require.NoError(l, err)
	return answer{got.StatusCode, got.Header, string(body)}
}

func (l *lab) get(path string, with ...func(*http.Request)) answer {
	l.Helper()
	return l.send(http.MethodGet, path, with...)
}

// submit is POST /transactions up to its answer; a ledger closes once the transaction is queued.
func (l *lab) submit(envelope string) answer {
	l.Helper()
	answers := l.post(envelope)
	queued := make(chan struct{})
	ctx, cancel := context.WithCancel(l.context())
	defer cancel()
	go func() {
		if l.net.AwaitQueued(ctx, 1) == nil {
			close(queued)
		}
	}()
	select {
	case <-queued:
		l.net.CloseLedger()
		return <-answers
	case a := <-answers:
		return a
	}
}

// form is the body of a submission.
func form(envelope string) string { return url.Values{"tx": {envelope}}.Encode() }

func (l *lab) post(envelope string) <-chan answer {
	answers := make(chan answer, 1)
	go func() {
		defer close(answers)
		r, err := http.NewRequestWithContext(l.context(), http.MethodPost, l.server.URL+"/transactions",
			strings.NewReader(form(envelope)))
		if err != nil {
			return
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		got, err := l.server.Client().Do(r)
		if err != nil {
			return
		}
		defer got.Body.Close()
		body, err := io.ReadAll(got.Body)
		if err == nil {
			answers <- answer{got.StatusCode, got.Header, string(body)}
		}
	}()
	return answers
}

func asStream(r *http.Request) { r.Header.Set("Accept", "text/event-stream") }

func number(n int64) string { return strconv.FormatInt(n, 10) }
