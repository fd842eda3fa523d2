package sandbox

import (
	"maps"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// bucket is how many requests one address may make at once, whatever its hourly rate.
const bucket = 101

// limiter allows each address a rate of requests, in bursts of bucket.
type limiter struct {
	interval time.Duration // between two requests at the full rate; zero: no limit
	now      func() time.Time

	mu   sync.Mutex
	full map[string]time.Time // when the bucket of an address is full again
}

// allowance is what the headers of an answer tell of the limit.
type allowance struct {
	ok         bool
	remaining  int
	reset      time.Duration
	retryAfter time.Duration
}

func newLimiter(perHour int, now func() time.Time) *limiter {
	l := &limiter{now: now, full: map[string]time.Time{}}
	if perHour > 0 {
		l.interval = time.Hour / time.Duration(perHour)
	}
	return l
}

func (l *limiter) on() bool { return l.interval > 0 }

// take uses up one request.
func (l *limiter) take(r *http.Request) allowance {
	if !l.on() {
		return allowance{ok: true}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now, who, depth := l.now(), host(r), bucket*l.interval
	full := l.full[who]
	if full.Before(now) {
		full = now
	}
	next := full.Add(l.interval)
	if wait := next.Sub(now) - depth; wait > 0 {
		return allowance{reset: full.Sub(now), retryAfter: wait}
	}
	l.forget(now)
	l.full[who] = next
	reset := next.Sub(now)
	return allowance{ok: true, remaining: int((depth - reset) / l.interval), reset: reset}
}

// forget drops the addresses whose buckets are full, once there are many.
func (l *limiter) forget(now time.Time) {
	const many = 10_000
	if len(l.full) < many {
		return
	}
	maps.DeleteFunc(l.full, func(_ string, full time.Time) bool { return full.Before(now) })
}

func host(r *http.Request) string {
	h, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return h
}

func (a allowance) write(h http.Header) {
	h.Set("X-Ratelimit-Limit", strconv.Itoa(bucket))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(a.remaining))
	h.Set("X-Ratelimit-Reset", seconds(a.reset))
	if !a.ok {
		h.Set("Retry-After", seconds(a.retryAfter))
	}
}

// seconds rounds up to whole seconds.
func seconds(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}
