package httpserver

import "time"

// stopwatch starts measuring; the function it returns tells how long ago that was.
func stopwatch() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}

// clock is the time by which limits refill and files are looked at again.
type clock func() time.Time

func clockOr(now func() time.Time) clock {
	if now == nil {
		return time.Now
	}
	return now
}

// since starts measuring; the function it returns tells how long ago that was.
func (c clock) since() func() time.Duration {
	start := c()
	return func() time.Duration { return c().Sub(start) }
}

// deadline is when a connection's patience ends.
func deadline(patience time.Duration) time.Time { return time.Now().Add(patience) }
