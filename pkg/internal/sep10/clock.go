package sep10

import "time"

// clockOf is the clock to go by: the given one, else the host's.
func clockOf(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}
