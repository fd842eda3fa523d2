package conformance

import "time"

// clockOf gives the clock that was handed over, or the host's.
func clockOf(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}
