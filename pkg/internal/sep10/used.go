package sep10

import (
	"context"
	"sync"
	"time"
)

// useTimeout bounds the remembering of challenges, which does not end with the request that began it: others share it.
const useTimeout = 10 * time.Second

// Challenges remembers which challenges were used.
type Challenges interface {
	// UseChallenges marks challenges, by the lower hex of their hashes, as used until they expire, and tells of which this
	// is the first use. Of several callers at once, in whatever process, one is told so (SEP-10: one token per challenge).
	UseChallenges(ctx context.Context, expires map[string]time.Time) (first map[string]bool, err error)
}

// redeemer marks challenges as used; those that come while the database is busy with others go together into the next
// transaction, so that many logins share one wait for the disk.
type redeemer struct {
	challenges Challenges

	mu      sync.Mutex
	waiting *redemption
	working sync.Mutex
}

// redemption is a set of challenges that are marked together.
type redemption struct {
	expires map[string]time.Time
	done    chan struct{}
	first   map[string]bool
	err     error
}

// use tells whether this is the first use of a challenge, and makes it so for everybody else.
func (r *redeemer) use(ctx context.Context, name string, expires time.Time) (first bool, err error) {
	r.mu.Lock()
	leads := r.waiting == nil
	if leads {
		r.waiting = &redemption{expires: map[string]time.Time{}, done: make(chan struct{})}
	}
	together := r.waiting
	if _, taken := together.expires[name]; taken {
		r.mu.Unlock()
		return r.second(together)
	}
	together.expires[name] = expires
	r.mu.Unlock()
	if leads {
		r.mark(ctx, together)
	}
	<-together.done
	return together.first[name], together.err
}

// second is whoever brings a challenge that somebody else has brought a moment before.
func (r *redeemer) second(together *redemption) (bool, error) {
	<-together.done
	return false, together.err
}

// mark waits for its turn, closes the set to latecomers and writes it.
func (r *redeemer) mark(ctx context.Context, together *redemption) {
	r.working.Lock()
	defer r.working.Unlock()
	r.mu.Lock()
	r.waiting = nil
	r.mu.Unlock()
	defer close(together.done)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), useTimeout)
	defer cancel()
	together.first, together.err = r.challenges.UseChallenges(ctx, together.expires)
}
