package callbacks

import "time"

// clock is where the time of this machine enters: for signatures, which receivers compare with their own clocks, and for
// deadlines. When a callback is due is told by the database's clock alone.
func (o Options) clock() func() time.Time {
	if o.Now != nil {
		return o.Now
	}
	return time.Now
}
