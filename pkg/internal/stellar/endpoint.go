package stellar

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// endpoint is one Horizon. What belongs together, such as a page and what was announced before it, is asked of one.
type endpoint struct {
	number         int // its place in Options.URLs, from 1; 0 where it is the only one
	base           *url.URL
	passphrase     string
	client         *http.Client
	header         http.Header
	log            *slog.Logger
	silenceAfter   time.Duration
	requestTimeout time.Duration // of what is submitted
	readTimeout    time.Duration
	health         health
}

const (
	// restsFor is how long an endpoint that failed is asked only if nobody else answers; twice as long each time that it fails
	// again, up to restsAtMost.
	restsFor    = 15 * time.Second
	restsAtMost = 4 * time.Minute
	// stallsAfter is how long an endpoint may tell of no new ledger before it is compared with the others.
	stallsAfter = time.Minute
	// lags is by how many ledgers an endpoint may be behind its own core before it is compared with the others.
	lags = 12
	// ahead is by how many ledgers another one must be ahead to be turned to.
	ahead = 3
)

// health is what was seen of an endpoint. Its timers only end what they began: no clock is read.
type health struct {
	mu       sync.Mutex
	resting  bool
	limited  time.Duration // it refuses requests for about so long; 0: it does not
	failures int           // in a row
	wakes    *time.Timer

	latest  int64 // newest ledger that it told of
	elder   int64 // oldest ledger that it told of; 0: never asked
	stalled bool
	lagging bool
	stalls  *time.Timer
}

// rest keeps the endpoint in the background for a while, at least for as long as it asked for.
func (h *health) rest(asked time.Duration, limited bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	pause := min(restsFor<<min(h.failures, 10), restsAtMost)
	h.failures++
	h.resting = true
	if limited {
		pause = max(asked, time.Second)
		h.limited = pause
	}
	if h.wakes != nil {
		h.wakes.Stop()
	}
	h.wakes = time.AfterFunc(max(pause, asked), func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.resting, h.limited = false, 0
	})
}

func (h *health) answered() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures = 0
}

func (h *health) state() (resting bool, limited time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.resting, h.limited
}

// tells notes what the endpoint says of its history.
func (h *health) tells(root Root) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.elder = root.Elder
	h.lagging = root.CoreLatest-root.Latest.Sequence > lags
	if root.Latest.Sequence == h.latest && h.stalls != nil {
		return
	}
	h.latest, h.stalled = root.Latest.Sequence, false
	if h.stalls != nil {
		h.stalls.Stop()
	}
	latest := h.latest
	h.stalls = time.AfterFunc(stallsAfter, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.stalled = h.latest == latest
	})
}

// suspicious tells whether the others may well know more.
func (h *health) suspicious() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stalled || h.lagging
}

// mayKeep tells whether a ledger may be in the endpoint's history; oldest ledgers only grow.
func (h *health) mayKeep(ledger int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.elder <= ledger
}

// ownRoot answers the root of the network that Options names, and no other's.
func (e *endpoint) ownRoot(ctx context.Context) (Root, error) {
	root, err := e.root(ctx)
	if err != nil {
		return Root{}, err
	}
	if root.Passphrase != e.passphrase {
		return Root{}, &WrongNetworkError{Want: e.passphrase, Got: root.Passphrase, Endpoint: e.number}
	}
	e.health.tells(root)
	return root, nil
}
