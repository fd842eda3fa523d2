package sandbox

import (
	"fmt"
	"math"
	"math/bits"
)

// market trades assets for path payments. It is one account that has an offer for every rate which the operator has
// set, of any depth; there is no order book.
type market struct {
	maker party
	rates map[pair]rate
	last  int64 // the offer that was made last
}

// pair is what somebody gives to the market, and gets.
type pair struct{ give, get asset }

// rate is one offer of the market.
type rate struct {
	offer int64
	units int64 // that one unit of what is given fetches, in 10^-7
}

// swap is one trade of a path.
type swap struct {
	offer     int64
	give, get asset
	given     int64
	got       int64
}

// SetRate makes the market give so many units (of 10^-7) of the asset get for one unit of the asset give, by path
// payments, from now on; zero ends it. Assets are native or CODE:ISSUER. The other direction has a rate of its own.
// Rates outlive a reset.
func (n *Network) SetRate(give, get string, units int64) error {
	p := pair{}
	var ok bool
	if p.give, ok = readAsset(give); !ok {
		return fmt.Errorf("not an asset: %q", give)
	}
	if p.get, ok = readAsset(get); !ok {
		return fmt.Errorf("not an asset: %q", get)
	}
	if p.give == p.get || units < 0 {
		return fmt.Errorf("no rate of %s against %s: %d units", give, get, units)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if units == 0 {
		delete(n.terms.market.rates, p)
		return nil
	}
	n.terms.market.last++
	n.terms.market.rates[p] = rate{offer: n.terms.market.last, units: units}
	return nil
}

// forward is what an amount fetches, rounded down.
func (m *market) forward(give, get asset, amount int64) (swap, bool) {
	r, ok := m.rates[pair{give, get}]
	if !ok {
		return swap{}, false
	}
	got, ok := mulDiv(amount, r.units, one, false)
	return swap{offer: r.offer, give: give, get: get, given: amount, got: got}, ok && got > 0
}

// backward is what has to be given for an amount, rounded up.
func (m *market) backward(give, get asset, amount int64) (swap, bool) {
	r, ok := m.rates[pair{give, get}]
	if !ok {
		return swap{}, false
	}
	given, ok := mulDiv(amount, one, r.units, true)
	return swap{offer: r.offer, give: give, get: get, given: given, got: amount}, ok && given > 0
}

// mulDiv is a*b/c for positive numbers; false if it is too great.
func mulDiv(a, b, c int64, up bool) (int64, bool) {
	high, low := bits.Mul64(uint64(a), uint64(b))
	if high >= uint64(c) {
		return 0, false
	}
	quotient, remainder := bits.Div64(high, low, uint64(c))
	if up && remainder > 0 {
		quotient++
	}
	return int64(quotient), quotient <= math.MaxInt64
}

// along trades an amount of the first asset of a path for the last one; equal neighbours need no trade.
func (m *market) along(path []asset, amount int64) ([]swap, bool) {
	var swaps []swap
	for i := 1; i < len(path); i++ {
		if path[i] == path[i-1] {
			continue
		}
		s, ok := m.forward(path[i-1], path[i], amount)
		if !ok {
			return nil, false
		}
		swaps, amount = append(swaps, s), s.got
	}
	return swaps, true
}

// back is along for a known amount of the last asset. The swaps are in the order of the path.
func (m *market) back(path []asset, amount int64) ([]swap, bool) {
	var swaps []swap
	for i := len(path) - 1; i > 0; i-- {
		if path[i] == path[i-1] {
			continue
		}
		s, ok := m.backward(path[i-1], path[i], amount)
		if !ok {
			return nil, false
		}
		swaps, amount = append([]swap{s}, swaps...), s.given
	}
	return swaps, true
}

// settle takes from the market what it gives and gives to it what it gets. Of credit assets it has as much as it needs
// and keeps none; lumens come from its account, so that none are made or lost. It tells whether it had enough of them.
func (m *market) settle(d *draft, swaps []swap) bool {
	for _, s := range swaps {
		if !s.give.native() && !s.get.native() {
			continue
		}
		a := d.edit(m.maker.id)
		if s.give.native() {
			a.balance += s.given
			continue
		}
		if a.available() < s.got {
			return false
		}
		a.balance -= s.got
	}
	return true
}

// effects are what both sides of the swaps see.
func (m *market) effects(taker party, swaps []swap) []effect {
	all := make([]effect, 0, 2*len(swaps))
	for _, s := range swaps {
		all = append(all,
			effect{kind: traded, who: taker, trade: &trade{
				seller: m.maker, offer: s.offer, sold: s.give, soldUnits: s.given, bought: s.get, boughtUnits: s.got,
			}},
			effect{kind: traded, who: m.maker, trade: &trade{
				seller: taker, offer: s.offer, sold: s.get, soldUnits: s.got, bought: s.give, boughtUnits: s.given,
			}})
	}
	return all
}
