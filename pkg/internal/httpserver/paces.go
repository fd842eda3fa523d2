package httpserver

import (
	"sync"
	"time"
)

// mostClients bounds how many clients of one generation are remembered: two generations take less than 10 MB.
const mostClients = 1 << 16

// paces hold each of many clients to one rate. Of a client they remember a single time: when it will have made up for
// what it asked so far (the generic cell rate algorithm, a token bucket that needs no refilling). Whose time has passed
// is as good as unknown, so what is older than a whole window is dropped two generations at a time, without looking at
// it. Only a flood of more clients than fit makes them forget too early, and lets through what they would have refused.
// A nil *paces holds nobody to anything. They may be used from several goroutines.
type paces[K comparable] struct {
	interval time.Duration // between two requests at the rate
	window   time.Duration // how far a client may be ahead of it: the burst
	most     int           // clients of one generation

	mu         sync.Mutex
	young, old map[K]time.Duration
	turned     time.Duration // when young began
}

// newPaces allows rate requests per second, twice as many at once. Without a rate they are nil.
func newPaces[K comparable](rate, most int) *paces[K] {
	if rate <= 0 {
		return nil
	}
	interval := max(time.Second/time.Duration(rate), 1)
	return &paces[K]{interval: interval, window: 2 * time.Duration(rate) * interval, most: most, young: map[K]time.Duration{}}
}

// take takes a request of a client into account, or tells how long it has to wait for one. now only grows.
func (p *paces[K]) take(client K, now time.Duration) (wait time.Duration) {
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now-p.turned >= p.window {
		p.turn(now)
	}
	even := max(p.even(client), now) + p.interval
	if wait := even - now - p.window; wait > 0 {
		return wait
	}
	p.remember(client, even, now)
	return 0
}

// wait tells how long a client has to wait before take would take a request into account; 0: it would now.
func (p *paces[K]) wait(client K, now time.Duration) time.Duration {
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, max(p.even(client), now)+p.interval-now-p.window)
}

func (p *paces[K]) even(client K) time.Duration {
	if at, ok := p.young[client]; ok {
		return at
	}
	return p.old[client]
}

func (p *paces[K]) remember(client K, even, now time.Duration) {
	if _, known := p.young[client]; !known && len(p.young) >= p.most {
		p.turn(now)
	}
	p.young[client] = even
}

// turn begins a generation. A new map gives the memory of a flood back; a cleared one would keep it.
func (p *paces[K]) turn(now time.Duration) {
	p.old, p.young, p.turned = p.young, map[K]time.Duration{}, now
}
