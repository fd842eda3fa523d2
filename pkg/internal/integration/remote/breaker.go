package remote

import (
	"sync"
	"time"
)

const (
	deadAfter     = 5 // calls in a row without an answer
	restAtFirst   = time.Second
	restAtLongest = 30 * time.Second
)

// health is what a call showed about the server.
type health int

const (
	alive  health = iota // it answered, whatever it said
	dead                 // it did not
	unseen               // the caller gave up first
)

// breaker spares a server that does not answer, and those who would wait for it. After some calls in a row without an answer
// it lets nobody through for a while, then one call to try; each one in vain doubles the while. It is safe for concurrent
// use.
type breaker struct {
	now func() time.Time

	mu       sync.Mutex
	failures int
	rest     time.Duration
	until    time.Time
	probing  bool
}

// allow tells whether a call may be made now, and whether it is the one that tries. Every call that was allowed is reported.
func (b *breaker) allow() (probe, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < deadAfter {
		return false, true
	}
	if b.probing || b.now().Before(b.until) {
		return false, false
	}
	b.probing = true
	return true, true
}

// report tells what a call showed; opened is true when it made the breaker let nobody through.
func (b *breaker) report(h health, probe bool) (opened bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if probe {
		b.probing = false
	}
	switch {
	case h == alive:
		b.failures, b.rest = 0, 0
		return false
	case h == unseen, b.failures >= deadAfter && !probe: // a call that began before it opened says nothing new
		return false
	}
	if b.failures++; b.failures < deadAfter {
		return false
	}
	b.failures = deadAfter
	b.rest = min(max(2*b.rest, restAtFirst), restAtLongest)
	b.until = b.now().Add(b.rest)
	return true
}
