package bench_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/integration/remote"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
)

// measureRemotePayouts has the engine of payouts work off what is ready through a server of the business on this machine: over
// HTTP, requests and answers signed. The server takes its share of the same processors.
func measureRemotePayouts(b *testing.B, e engine, t *table) {
	for _, concurrency := range []int{8, 64} {
		required := bar{}
		if concurrency == 8 { // as the settings have it by default
			required = atLeast(500, "/s")
		}
		s := newBusiness(b)
		r := newRemotePayouts(b, e, s.URL, s.secret, concurrency)
		t.add(b, r.figure(b, row{what: fmt.Sprintf("payouts over the remote rail, %d at once", concurrency), engine: e.name, bar: required}))
		s.requirePaid(b, (rounds+1)*payoutsPerRound)
	}
	if url, secret, ok := nodeExample(b); ok {
		r := newRemotePayouts(b, e, url, secret, 8)
		t.add(b, r.figure(b, row{what: "payouts over the remote rail, 8 at once, to the example in Node", engine: e.name}))
	}
}

// remotePayouts is a database whose payouts go to a server.
type remotePayouts struct {
	world   *payoutstest.World
	raw     *barePayouts
	service *payouts.Service
}

func newRemotePayouts(b *testing.B, e engine, server string, secret []byte, concurrency int) remotePayouts {
	url := e.url(b)
	db := durable(b, url)
	owned, err := remote.New(remote.Options{
		URL: server, AllowHTTP: true, Keys: []remote.Key{{ID: sharedKey, Secret: secret}},
		Parts: remote.Parts{Rails: map[string]remote.RailTerms{payoutstest.Rail: {}}},
	})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, owned.Close()) })
	return remotePayouts{
		world: payoutstest.New(b, db), raw: openBarePayouts(b, url, concurrency),
		service: payouts.New(db, owned.Rails, nil, payouts.Options{Owner: actor, RailTimeout: 30 * time.Second, Concurrency: concurrency}),
	}
}

func (r remotePayouts) figure(b *testing.B, f row) row {
	r.pay(b) // warms up
	f.unit, f.besideWhat = "/s", "bare statements"
	f = turns(f,
		func() float64 {
			r.ready(b)
			return r.raw.pay(b)
		},
		func() float64 { return r.pay(b) },
	)
	r.raw.requireAllPaid(b)
	return f
}

func (r remotePayouts) ready(b *testing.B) {
	r.world.Funded(payoutsPerRound)
	analyze(b, r.raw.db)
}

// pay answers how many payouts per second are made.
func (r remotePayouts) pay(b *testing.B) float64 {
	r.ready(b)
	return perSecond(payoutsPerRound, func() {
		_, err := r.service.Execute(b.Context(), b.Context())
		require.NoError(b, err)
	})
}
