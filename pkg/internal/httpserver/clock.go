package httpserver

import "time"

// stopwatch starts measuring; the function it returns tells how long ago that was.
func stopwatch() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}
