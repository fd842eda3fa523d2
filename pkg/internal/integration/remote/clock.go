package remote

import "time"

// clockOr is the clock to go by: the one that was given, or that of this host.
func clockOr(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}
