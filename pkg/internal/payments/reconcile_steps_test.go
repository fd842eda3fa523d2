package payments_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

var lumen, dollar, euro = store.AssetName{Code: "native"}, store.AssetName{Code: "USDC", Issuer: issuer}, store.AssetName{Code: "EUR", Issuer: issuer}

func effect(kind string, changes ...stellar.BalanceChange) stellar.Effect {
	return stellar.Effect{EffectPosition: stellar.EffectPosition{Operation: position(9, 1, 1), Index: 1}, Kind: kind, Changes: changes}
}

func by(name store.AssetName, units int64) stellar.BalanceChange {
	return stellar.BalanceChange{AssetCode: name.Code, AssetIssuer: name.Issuer, Units: units}
}

func booked(outgoing bool, index int64, name store.AssetName, units int64) store.Booked {
	return store.Booked{PaymentKey: store.PaymentKey{OperationID: position(9, 1, 1), Index: index}, Outgoing: outgoing, Asset: name, Units: units}
}

func TestWhat_an_operation_moved_follows_from_its_effects(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		effects []stellar.Effect
		net     map[store.AssetName]int64
	}{
		"a path payment of its own costs what is debited, whatever the trades pass through": {
			[]stellar.Effect{
				effect("account_debited", by(lumen, -220)), effect("trade", by(lumen, -220), by(dollar, 22)), effect("trade", by(dollar, -22), by(euro, 20)),
			},
			map[store.AssetName]int64{lumen: -220},
		},
		"an offer that somebody else's path payment takes is traded": {
			[]stellar.Effect{effect("trade", by(lumen, 220), by(dollar, -22))},
			map[store.AssetName]int64{lumen: 220, dollar: -22},
		},
		"an offer taken by the payment that arrives is both": {
			[]stellar.Effect{effect("account_credited", by(euro, 20)), effect("trade", by(lumen, 220), by(euro, -20))},
			map[store.AssetName]int64{lumen: 220},
		},
		"a creation and a deposit": {
			[]stellar.Effect{effect("account_created", by(lumen, 5)), effect("liquidity_pool_deposited", by(lumen, -1), by(dollar, -2))},
			map[store.AssetName]int64{lumen: 4, dollar: -2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			net, err := payments.NetOf(c.effects)
			require.NoError(t, err)
			require.Equal(t, c.net, net)
		})
	}
	_, err := payments.NetOf([]stellar.Effect{effect("account_credited", by(lumen, math.MaxInt64)), effect("account_credited", by(lumen, 1))})
	require.ErrorIs(t, err, store.ErrSum)
}

func TestAn_operation_agrees_only_where_the_books_have_all_of_it(t *testing.T) {
	t.Parallel()
	both := []stellar.Effect{effect("account_credited", by(dollar, 5)), effect("account_debited", by(dollar, -5))}
	for name, c := range map[string]struct {
		effects []stellar.Effect
		booked  []store.Booked
		agrees  bool
	}{
		"a payment":                       {[]stellar.Effect{effect("account_credited", by(dollar, 5))}, []store.Booked{booked(false, 0, dollar, 5)}, true},
		"a payment in parts":              {[]stellar.Effect{effect("account_credited", by(dollar, 5))}, []store.Booked{booked(false, 0, dollar, 2), booked(false, 1, dollar, 3)}, true},
		"another amount":                  {[]stellar.Effect{effect("account_credited", by(dollar, 5))}, []store.Booked{booked(false, 0, dollar, 4)}, false},
		"another asset":                   {[]stellar.Effect{effect("account_credited", by(dollar, 5))}, []store.Booked{booked(false, 0, euro, 5)}, false},
		"one that is not booked":          {[]stellar.Effect{effect("account_credited", by(dollar, 5))}, nil, false},
		"one that left":                   {[]stellar.Effect{effect("account_debited", by(dollar, -5))}, []store.Booked{booked(true, 0, dollar, 5)}, true},
		"one that left, booked as coming": {[]stellar.Effect{effect("account_debited", by(dollar, -5))}, []store.Booked{booked(false, 0, dollar, 5)}, false},
		"in and out at once":              {both, []store.Booked{booked(false, 0, dollar, 5), booked(true, 1, dollar, 5)}, true},
		"in and out at once, not booked":  {both, nil, false},
		"in and out at once, half booked": {both, []store.Booked{booked(false, 0, dollar, 5)}, false},
		"paid to itself beside a payment": {
			append([]stellar.Effect{effect("account_credited", by(lumen, 3))}, both...), []store.Booked{booked(false, 0, lumen, 3)}, true,
		},
		"what could not be read":      {[]stellar.Effect{effect("account_credited", by(dollar, 5))}, []store.Booked{{Unreadable: true}}, false},
		"a trade, which nobody books": {[]stellar.Effect{effect("trade", by(dollar, 5), by(lumen, -5))}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			agrees, err := payments.Agrees(c.effects, c.booked)
			require.NoError(t, err)
			require.Equal(t, c.agrees, agrees)
		})
	}
}
