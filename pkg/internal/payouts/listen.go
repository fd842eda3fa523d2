package payouts

import (
	"context"
	"errors"
	"sync"
	"time"
)

// listenEvery is how often a rail that takes batches is asked although nothing of it is under way: its bank has no other way to
// say that money came back.
const listenEvery = time.Minute

// ears remember when rails were listened to last, by this process.
type ears struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// turn tells whether it is time to listen to a rail again, and takes note of it.
func (e *ears) turn(rail string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if before, ok := e.last[rail]; ok && time.Since(before) < listenEvery {
		return false
	}
	if e.last == nil {
		e.last = map[string]time.Time{}
	}
	e.last[rail] = time.Now() //nolint:forbidigo // monotonic: how often, not when
	return true
}

// listen takes in what banks that take batches say without having been asked.
func (s *Service) listen(hard, record context.Context) error {
	var errs []error
	for name, rail := range s.rails {
		if rail.Batch == nil || s.left.by(name) >= int64(s.Concurrency) || !s.ears.turn(name) {
			continue
		}
		window, cancel := context.WithTimeout(hard, s.Lease/2)
		deadline, _ := window.Deadline()
		errs = append(errs, s.pollRail(hard, record, deadline, name, nil))
		cancel()
	}
	return errors.Join(errs...)
}
