package bench_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
)

// payoutsPerRound is how many payouts one pass makes.
const payoutsPerRound = 600

// instant is a rail that costs nothing.
type instant struct{}

func (instant) ExecuteOutgoing(_ context.Context, p anchor.Payout) (anchor.Outcome, error) {
	return anchor.Delivered(string(p.Key)), nil
}

func (instant) PollOutgoing(context.Context, []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	return nil, nil
}

// measurePayouts has the engine of payouts work off what is ready by a rail that answers at once, with as many payouts under
// way at once as the settings have by default, and with many.
func measurePayouts(b *testing.B, e engine, t *table) {
	for _, concurrency := range []int{8, 64} {
		url := e.url(b)
		db := durable(b, url)
		w := payoutstest.New(b, db)
		raw := openBarePayouts(b, url, concurrency)
		s := payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: {Rails: instant{}}}, nil,
			payouts.Options{Owner: actor, Lease: time.Minute, RailTimeout: time.Second, Concurrency: concurrency})
		made := func() float64 {
			w.Funded(payoutsPerRound)
			analyze(b, raw.db)
			return perSecond(payoutsPerRound, func() {
				_, err := s.Execute(b.Context(), b.Context())
				require.NoError(b, err)
			})
		}
		bare := func() float64 {
			w.Funded(payoutsPerRound)
			analyze(b, raw.db)
			return raw.pay(b)
		}
		made()
		t.add(b, turns(row{
			what: fmt.Sprintf("payouts, %d at once", concurrency), engine: e.name, unit: "/s", besideWhat: "bare statements", bar: shareAtLeast(60),
		}, bare, made))
		raw.requireAllPaid(b)
	}
}
