package httpserver

import (
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// share is the part of all connections that one address may hold: nobody can shut out the others alone.
const share = 4

// gate lets in so many connections at once; without a bound, all. It may be used from several goroutines.
type gate struct {
	bound   int
	metrics *metrics
	exempt  func(net.Addr) bool // the peers that speak for many: they have no share of their own

	free   chan struct{} // holds one value per open connection
	closed chan struct{}
	close  sync.Once

	mu     sync.Mutex
	inside map[address]int
}

func newGate(bound int, m *metrics, exempt func(net.Addr) bool) *gate {
	g := &gate{bound: bound, metrics: m, exempt: exempt, closed: make(chan struct{}), inside: map[address]int{}}
	if bound > 0 {
		g.free = make(chan struct{}, bound)
	}
	return g
}

// wait returns once there is room for one more; false when nobody gets in any more.
func (g *gate) wait() bool {
	if g.free == nil {
		return true
	}
	select {
	case g.free <- struct{}{}:
		return true
	case <-g.closed:
		return false
	}
}

// giveBack gives back the room that wait has found.
func (g *gate) giveBack() {
	if g.free != nil {
		<-g.free
	}
}

// enter lets a peer in for whom wait has found room, unless it has had its share. leave is called once, when it goes.
func (g *gate) enter(peer net.Addr) (leave func(), ok bool) {
	counted := g.bound > 0 && !g.exempt(peer)
	who := addressOf(addrOf(peer))
	if counted && !g.admit(who) {
		g.metrics.refusals.WithLabelValues("connections_per_address").Inc()
		return nil, false
	}
	g.metrics.connections.Inc()
	return func() {
		g.metrics.connections.Dec()
		if counted {
			g.dismiss(who)
		}
		g.giveBack()
	}, true
}

func (g *gate) admit(who address) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside[who] >= max(g.bound/share, 1) {
		return false
	}
	g.inside[who]++
	return true
}

func (g *gate) dismiss(who address) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside[who]--; g.inside[who] == 0 {
		delete(g.inside, who)
	}
}

// listener accepts connections through a gate, and has them speak TLS where it is configured, and JSON.
type listener struct {
	net.Listener
	gate     *gate
	tls      *tls.Config   // nil: plain
	patience time.Duration // for what is written before a request was read, such as a handshake
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		if !l.gate.wait() {
			return nil, net.ErrClosed
		}
		accepted, err := l.Listener.Accept()
		if err != nil {
			l.gate.giveBack()
			return nil, err
		}
		if leave, ok := l.gate.enter(accepted.RemoteAddr()); ok {
			return l.connection(accepted, leave), nil
		}
		l.gate.giveBack()
		_ = accepted.Close()
	}
}

func (l *listener) connection(accepted net.Conn, leave func()) net.Conn {
	_ = accepted.SetWriteDeadline(deadline(l.patience)) // of a broken connection, the first read tells
	if l.tls != nil {
		accepted = tls.Server(accepted, l.tls)
	}
	return &connection{Conn: accepted, leave: sync.OnceFunc(leave)}
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.gate.close.Do(func() { close(l.gate.closed) })
	return l.Listener.Close()
}
