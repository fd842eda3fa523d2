package inspect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/stellar/rpc"
)

// observed is what one Horizon said of itself.
type observed struct {
	horizon *stellar.Horizon // nil: it did not answer, or serves another network
	root    stellar.Root
}

// dated remembers the time that a server says it is, and how long ago it said so by this machine's clock.
type dated struct {
	base http.RoundTripper
	now  func() time.Time

	mu  sync.Mutex
	off time.Duration // of the server's clock against ours
	any bool
}

// RoundTrip passes the request on (http.RoundTripper).
func (d *dated) RoundTrip(r *http.Request) (*http.Response, error) {
	asked := d.now()
	response, err := d.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if at, problem := http.ParseTime(response.Header.Get("Date")); problem == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.off, d.any = at.Sub(asked.Add(d.now().Sub(asked)/2)), true
	}
	return response, nil
}

func (d *dated) skew() (time.Duration, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.off, d.any
}

func (x *examination) horizons() []probe {
	probes := make([]probe, len(x.plan.Horizons))
	for i, address := range x.plan.Horizons {
		name := fmt.Sprintf("Horizon %s", hostOf(address.URL))
		if i > 0 && name == probes[i-1].name {
			name = fmt.Sprintf("%s (%d)", name, i+1)
		}
		probes[i] = probe{name, func(ctx context.Context) []Finding { return x.horizon(ctx, name, i, address) }}
	}
	return probes
}

// hostOf is the part of an address that holds no key.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "(no address)"
	}
	return u.Host
}

func (x *examination) horizon(ctx context.Context, check string, i int, address NetworkAddress) []Finding {
	transport := &dated{base: http.DefaultTransport, now: x.plan.Now}
	h, err := stellar.NewHorizon(stellar.Options{
		URL: address.URL, Header: address.Header, Passphrase: x.plan.Passphrase, HTTP: &http.Client{Transport: transport},
	})
	if err != nil {
		return []Finding{bad(check, err.Error(), "give HORIZON_URI the address of a Horizon")}
	}
	root, err := h.Root(ctx)
	if err != nil {
		return []Finding{bad(check, err.Error(), "look whether HORIZON_URI is right and this machine reaches it")}
	}
	if root.Passphrase != x.plan.Passphrase {
		return []Finding{bad(check, fmt.Sprintf("serves the network %q, but the settings name %q", root.Passphrase, x.plan.Passphrase),
			"set HORIZON_URI and STELLAR_NETWORK_PASSPHRASE to the same network")}
	}
	x.mu.Lock()
	x.observed[i] = observed{h, root}
	x.mu.Unlock()
	skew, dateKnown := transport.skew()
	return append([]Finding{freshness(check, root, x.plan.Now().Add(skew))}, clockFinding(check, skew, dateKnown, root, x.plan.Now())...)
}

// freshness says how far behind the network a Horizon is, by its own clock.
func freshness(check string, root stellar.Root, now time.Time) Finding {
	age := now.Sub(root.Latest.ClosedAt)
	const mend = "wait until it has caught up, or use another one"
	const most = 10
	switch behind := root.CoreLatest - root.Latest.Sequence; {
	case behind > most:
		return bad(check, fmt.Sprintf("is %d ledgers behind its own core", behind), mend)
	case age > patience:
		return bad(check, fmt.Sprintf("its newest ledger %d closed %s ago", root.Latest.Sequence, span(age)), mend)
	default:
		return good(check, fmt.Sprintf("answers, at ledger %d, closed %s ago; it keeps history from ledger %d", root.Latest.Sequence, span(age), root.Elder))
	}
}

// clockFinding compares this machine's clock with the server's, or at least with the newest ledger, which cannot be of the future.
func clockFinding(of string, skew time.Duration, known bool, root stellar.Root, now time.Time) []Finding {
	check := "clock against " + of
	if ahead := root.Latest.ClosedAt.Sub(now); ahead > askew {
		skew, known = ahead, true
	}
	switch {
	case !known:
		return nil
	case skew.Abs() > askew:
		way := "slow"
		if skew < 0 {
			way = "fast"
		}
		return []Finding{bad(check, fmt.Sprintf("this machine's is %s %s", span(skew.Abs()), way),
			"set this machine's clock by NTP: time bounds, tokens and signatures depend on it")}
	default:
		return []Finding{good(check, "agrees")}
	}
}

// rpc is the probe of the Stellar RPC, where payments are read from one.
func (x *examination) rpc() []probe {
	if x.plan.RPC == nil {
		return nil
	}
	name := "Stellar RPC " + hostOf(x.plan.RPC.URL)
	return []probe{{name, func(ctx context.Context) []Finding { return x.rpcServer(ctx, name, *x.plan.RPC) }}}
}

func (x *examination) rpcServer(ctx context.Context, check string, address NetworkAddress) []Finding {
	source, err := rpc.New(rpc.Options{URL: address.URL, Header: address.Header, Passphrase: x.plan.Passphrase})
	if err != nil {
		return []Finding{bad(check, err.Error(), "give ANCHOR_RPC_URL the address of a Stellar RPC")}
	}
	root, err := source.Root(ctx)
	if err != nil {
		return []Finding{bad(check, err.Error(), "look whether ANCHOR_RPC_URL is right, of the same network, and reached from this machine")}
	}
	x.mu.Lock()
	x.reader = &root
	x.mu.Unlock()
	return []Finding{freshness(check, root, x.plan.Now())}
}

// read is what the server tells that payments are read from.
func (x *examination) read() (stellar.Root, bool) {
	x.mu.Lock()
	reader := x.reader
	x.mu.Unlock()
	if x.plan.RPC != nil {
		if reader == nil {
			return stellar.Root{}, false
		}
		return *reader, true
	}
	o, ok := x.network()
	return o.root, ok
}

// network is the first Horizon that can be used.
func (x *examination) network() (observed, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, o := range x.observed {
		if o.horizon != nil {
			return o, true
		}
	}
	return observed{}, false
}

// notThere tells that the network does not know what was asked for.
func notThere(err error) bool { return errors.Is(err, stellar.ErrNotFound) }
