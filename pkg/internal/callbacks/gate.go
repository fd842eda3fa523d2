package callbacks

import "sync"

// manyReceivers bounds how many receivers are remembered as poor; beyond it they are forgotten and judged anew.
const manyReceivers = 10_000

// gate bounds what is under way, in all and per receiver. Receivers whose last answer was slow or wrong are poor: each gets
// one message at a time, and all of them together at most half of what there is, so that any number of them leaves room for
// the others.
type gate struct {
	total, perReceiver int

	mu        sync.Mutex
	busy      int
	busyPoor  int
	receivers map[string]*receiver
}

type receiver struct {
	underWay    int
	poor        bool
	countedPoor bool // its one message under way is among busyPoor
}

func newGate(total, perReceiver int) *gate {
	return &gate{total: total, perReceiver: perReceiver, receivers: map[string]*receiver{}}
}

// full tells that nothing more may start, whoever would receive it.
func (g *gate) full() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.busy >= g.total
}

// room tells whether enter would succeed.
func (g *gate) room(host string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.roomFor(g.receivers[host])
}

func (g *gate) roomFor(r *receiver) bool {
	switch {
	case g.busy >= g.total:
		return false
	case r == nil:
		return true
	case r.poor:
		return r.underWay == 0 && g.busyPoor < max(1, g.total/2)
	}
	return r.underWay < g.perReceiver
}

// enter reserves a delivery to a host, to be given back with leave or cancel.
func (g *gate) enter(host string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.receivers[host]
	if !g.roomFor(r) {
		return false
	}
	if r == nil {
		r = &receiver{}
		g.receivers[host] = r
	}
	if r.poor {
		r.countedPoor = true
		g.busyPoor++
	}
	r.underWay++
	g.busy++
	return true
}

// leave ends a delivery; poor says how its receiver was.
func (g *gate) leave(host string, poor bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.receivers[host]
	r.poor = poor
	g.done(host, r)
}

// cancel gives back what was reserved and not used.
func (g *gate) cancel(host string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.done(host, g.receivers[host])
}

func (g *gate) done(host string, r *receiver) {
	r.underWay--
	g.busy--
	if r.countedPoor {
		r.countedPoor = false
		g.busyPoor--
	}
	if r.underWay == 0 && (!r.poor || len(g.receivers) > manyReceivers) {
		delete(g.receivers, host)
	}
}
