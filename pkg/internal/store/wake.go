package store

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Topic is a kind of work that a commit can bring about. A wake-up is a hint and never the truth: whoever is woken looks for
// work in the tables, and looks anyway once its interval has passed.
type Topic string

// The topics, each waited for by one worker.
const (
	TopicReady     Topic = "ready"     // payouts that can be sent
	TopicPrice     Topic = "price"     // payouts that need a price
	TopicUnderWay  Topic = "under-way" // payouts whose outcome is open
	TopicCallbacks Topic = "callbacks"
	TopicRefunds   Topic = "refunds" // refunds that can be sent, and news of those under way
	TopicAssets    Topic = "assets"  // assets that are published
)

// hub hands wake-ups of this and other processes to those who wait. It watches other processes only while somebody waits.
type hub struct {
	engine engine
	log    *slog.Logger

	mu       sync.Mutex
	waiters  map[chan struct{}][]Topic
	pending  []Topic
	watching context.CancelFunc

	announce chan struct{}
	stop     context.CancelFunc
	done     sync.WaitGroup
}

func newHub(e engine, log *slog.Logger) *hub {
	ctx, stop := context.WithCancel(context.Background())
	h := &hub{engine: e, log: log, waiters: map[chan struct{}][]Topic{}, announce: make(chan struct{}, 1), stop: stop}
	h.done.Go(func() { h.announcing(ctx) })
	return h
}

// Wake returns a channel that gets a value soon after anybody has committed work of one of the topics. Several commits may
// give one value. It ends with ctx.
func (db *DB) Wake(ctx context.Context, topics ...Topic) <-chan struct{} {
	return db.hub.subscribe(ctx, topics)
}

func (h *hub) subscribe(ctx context.Context, topics []Topic) <-chan struct{} {
	woken := make(chan struct{}, 1)
	h.mu.Lock()
	h.waiters[woken] = topics
	if h.watching == nil {
		watch, cancel := context.WithCancel(context.Background())
		h.watching = cancel
		h.done.Go(func() { h.watch(watch) })
	}
	h.mu.Unlock()
	context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.waiters, woken)
		if len(h.waiters) == 0 && h.watching != nil {
			h.watching()
			h.watching = nil
		}
	})
	return woken
}

// watch keeps listening to other processes. Whatever was committed while it did not listen is unknown, so each beginning
// wakes everybody.
func (h *hub) watch(ctx context.Context) {
	wait := 100 * time.Millisecond
	for ctx.Err() == nil {
		began := time.Now()
		err := h.engine.watch(ctx, h.wake)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > time.Minute {
			wait = 100 * time.Millisecond
		}
		h.log.WarnContext(ctx, "wake-ups interrupted; work is still found at each interval", "error", err, "again_in", wait)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, 30*time.Second)
	}
}

func (h *hub) wake(topic Topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for woken, topics := range h.waiters {
		if topic != "" && !slices.Contains(topics, topic) {
			continue
		}
		select {
		case woken <- struct{}{}:
		default: // it has not looked since the last one
		}
	}
}

// committed wakes this process at once and leaves the telling of others to announcing, which puts many commits into one.
func (h *hub) committed(topics []Topic) {
	if len(topics) == 0 {
		return
	}
	h.mu.Lock()
	for _, t := range topics {
		if !slices.Contains(h.pending, t) {
			h.pending = append(h.pending, t)
		}
	}
	h.mu.Unlock()
	for _, t := range topics {
		h.wake(t)
	}
	select {
	case h.announce <- struct{}{}:
	default:
	}
}

func (h *hub) announcing(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			h.flush()
			return
		case <-h.announce:
			h.flush()
		}
	}
}

func (h *hub) flush() {
	h.mu.Lock()
	topics := h.pending
	h.pending = nil
	h.mu.Unlock()
	if len(topics) > 0 {
		h.engine.announce(topics)
	}
}

func (h *hub) close() {
	h.stop()
	h.mu.Lock()
	if h.watching != nil {
		h.watching()
		h.watching = nil
	}
	h.mu.Unlock()
	h.done.Wait()
}
