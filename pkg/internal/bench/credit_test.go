package bench_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

const (
	// horizonRate is how many joined records per second a real Horizon gives on a machine like this one: measured.
	horizonRate = 4500
	// creditedPerRound is the number of payments that a watcher finds; pagesPerRound are as many in memory.
	creditedPerRound = 4000
	pagesPerRound    = 10
)

// paced is a source that gives so many records per second at most.
type paced struct {
	payments.Source
	perSecond float64
}

// Payments reads a page and keeps it back for as long as a source of that rate takes for it.
func (p paced) Payments(ctx context.Context, account string, after int64, limit int) (stellar.Page, error) {
	began := time.Now()
	page, err := p.Source.Payments(ctx, account, after, limit)
	if err != nil {
		return page, err
	}
	timer := time.NewTimer(time.Until(began.Add(time.Duration(float64(page.Records) / p.perSecond * float64(time.Second)))))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return page, ctx.Err()
	case <-timer.C:
		return page, nil
	}
}

// fromSource is a database and a network whose payments are for its transactions.
type fromSource struct {
	*books
	payer *payer
}

// measureCreditFromSource has the watcher find payments and apply them, and has the same pages read by nobody else, over HTTP.
func measureCreditFromSource(b *testing.B, e engine, t *table) {
	url := e.url(b)
	db := durable(b, url)
	c := newChain(b)
	issuer := c.account(b, "")
	receiving, sending := c.account(b, issuer.Address()).Address(), c.account(b, "").Address()
	f := fromSource{newBooks(b, db, sending, receiving, issuer.Address(), passphrase), c.payer(b, issuer, receiving, issuer.Address())}
	raw := openRaw(b, url, 1)
	f.more(b)
	analyze(b, raw)
	f.watch(b, c.source(b)) // warms up

	for _, variant := range []struct {
		what   string
		source payments.Source
		bar    bar
	}{
		{fmt.Sprintf("crediting, source paced to %s/s", number(horizonRate)), paced{c.source(b), horizonRate}, shareAtLeast(90)},
		{"crediting, source as fast as it can", c.source(b), bar{}},
	} {
		r := row{what: variant.what, engine: e.name, unit: "/s", besideWhat: "its pages alone", bar: variant.bar}
		t.add(b, turns(r,
			func() float64 {
				f.more(b)
				return perSecond(creditedPerRound, func() { f.read(b, variant.source) })
			},
			func() float64 { return perSecond(creditedPerRound, func() { f.watch(b, variant.source) }) },
		))
	}
	require.Equal(b, f.nextMemo, count(b, raw, "SELECT COUNT(*) FROM transactions WHERE funded = TRUE"))
	require.Equal(b, f.nextMemo, count(b, raw, "SELECT COUNT(*) FROM payouts WHERE state = 'ready'"))
}

// more agrees on transactions and pays them.
func (f fromSource) more(b *testing.B) { f.payer.pay(b, "1", f.agree(b, creditedPerRound)) }

// position is where the watcher stands.
func (f fromSource) position(b *testing.B) int64 {
	list, err := f.db.Cursors(b.Context())
	require.NoError(b, err)
	require.Len(b, list, 1)
	return list[0].Position
}

// read reads what is new to the head of the network and does nothing with it.
func (f fromSource) read(b *testing.B, source payments.Source) {
	at, n := f.position(b), 0
	for {
		page, err := source.Payments(b.Context(), f.asset.ReceivingAccount, at, perPage)
		require.NoError(b, err)
		n += len(page.Payments)
		if at = page.Position; !page.Full {
			break
		}
	}
	require.Equal(b, creditedPerRound, n)
}

func (f fromSource) watch(b *testing.B, source payments.Source) {
	require.NoError(b, payments.NewWatcher(f.service, source, payments.WatchOptions{Owner: actor}).Once(b.Context()))
}

// page agrees on 200 transactions and pays them in one ledger, at the head of the network.
func (k *books) page(b *testing.B, ledger int64) stellar.Page {
	closed := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(ledger) * 5 * time.Second)
	page := stellar.Page{
		Records: perPage, Payments: make([]stellar.Payment, perPage), Elder: 1,
		Through: stellar.Ledger{Sequence: ledger, ClosedAt: closed, Hash: fmt.Sprintf("%064x", ledger)},
	}
	for i, memo := range k.agree(b, perPage) {
		at := ledger<<32 | int64(i+1)<<12 | 1
		page.Payments[i] = stellar.Payment{
			Account: k.asset.ReceivingAccount, OperationID: at, Kind: stellar.KindPayment, InnerHash: fmt.Sprintf("%064x", at),
			OuterHash: fmt.Sprintf("%064x", at), Ledger: ledger, ClosedAt: closed, From: k.sending, To: k.asset.ReceivingAccount,
			AssetCode: assetCode, AssetIssuer: k.asset.Issuer, Units: unit, MemoType: stellar.MemoID, Memo: memo,
		}
		page.Position = at
	}
	return page
}
