package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
)

const (
	checkTries = 2                      // of what may be asked twice
	pause      = 100 * time.Millisecond // between them, half of it at least
)

// client speaks to one server. It is safe for concurrent use.
type client struct {
	base                 *url.URL
	keys                 []Key
	http                 *http.Client
	timeout, railTimeout time.Duration
	log                  *slog.Logger
	now                  func() time.Time
}

func newClient(o Options) (*client, error) {
	base, roots, err := o.check()
	if err != nil {
		return nil, err
	}
	c := &client{
		base: base, keys: slices.Clone(o.Keys), http: newHTTP(roots), log: o.Log, now: clockOr(o.Now),
		timeout: o.Timeout, railTimeout: o.RailTimeout,
	}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if c.railTimeout <= 0 {
		c.railTimeout = defaultRailTimeout
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

func (c *client) close() error {
	c.http.CloseIdleConnections()
	return nil
}

// part is what the server does in one role. Each has a breaker of its own: a rail that hangs does not keep prices away.
type part struct {
	*client
	name    string
	breaker *breaker
}

func (c *client) part(name string) part {
	return part{client: c, name: name, breaker: &breaker{now: c.now}}
}

// errResting is a fault before anything was sent.
var errResting = errors.New("the server has not answered several times in a row and is left alone for a moment")

// call is one request of the contract.
type call struct {
	path    string
	body    any
	key     anchor.PayoutKey // of a payout; else empty
	timeout time.Duration    // of all tries
	tries   int
}

// ask asks what may be asked twice. An answer that the server refuses is a refusal of package anchor; a server that cannot
// be asked now is one of CodeUnavailable without a text; whatever it should not say is an error without a category.
func ask[A any](ctx context.Context, p part, path string, body any) (A, error) {
	var none A
	r, err := p.send(ctx, call{path: path, body: body, timeout: p.timeout, tries: checkTries})
	if err == nil && r.status == http.StatusUnprocessableEntity {
		return none, refusalOf(r.body)
	}
	if err == nil {
		var answer A
		if err = decode(r.body, &answer); err == nil {
			return answer, nil
		}
		err = fmt.Errorf("business server: %s: %w", path, err)
	}
	if !errors.Is(err, errResting) { // that it is left alone was logged when that began
		p.log.WarnContext(ctx, "the business' server did not say what it was asked", "part", p.name, "error", err)
	}
	if f, ok := errors.AsType[fault](err); ok && f.passing {
		return none, fmt.Errorf("%w: %w", err, anchor.RefuseAs(anchor.CodeUnavailable, ""))
	}
	return none, err
}

// send makes a call and returns a signed answer: a result (200) or a refusal (422). Anything else is a fault.
func (p part) send(ctx context.Context, c call) (reply, error) {
	raw, err := json.Marshal(c.body)
	if err != nil {
		return reply{}, fmt.Errorf("request for %s: %w", c.path, err)
	}
	within, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	for try := 1; ; try++ {
		r, err := p.guarded(ctx, within, c, raw)
		f, faulty := errors.AsType[fault](err)
		if !faulty || !f.passing || try >= c.tries || errors.Is(err, errResting) || !waited(within) {
			if err != nil {
				err = fmt.Errorf("business server: %s: %w", c.path, err)
			}
			return r, err
		}
	}
}

// waited passes a little time, different for each; false if that of the call is over.
func waited(ctx context.Context) bool {
	timer := time.NewTimer(pause/2 + rand.N(pause/2))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// guarded makes one try if the breaker lets it through. caller is the context of who asks, within the one that bounds the
// call: only the end of the latter says something about the server.
func (p part) guarded(caller, within context.Context, c call, raw []byte) (r reply, err error) {
	probe, ok := p.breaker.allow()
	if !ok {
		return r, fault{cause: errResting, notSent: true, passing: true}
	}
	shown := unseen
	defer func() { // also when the transport panics: a probe must not be left open
		if p.breaker.report(shown, probe) {
			p.log.ErrorContext(caller, "the business' server does not answer; it is left alone for a moment", "part", p.name, "error", err)
		}
	}()
	r, err = p.exchange(within, c, raw)
	shown = healthOf(caller, err)
	return r, err
}

// healthOf is what a try showed about the server. That it refuses or says nonsense, at once, makes nobody wait.
func healthOf(caller context.Context, err error) health {
	f, faulty := errors.AsType[fault](err)
	switch {
	case !faulty || f.answered:
		return alive
	case errors.Is(caller.Err(), context.Canceled):
		return unseen
	}
	return dead
}
