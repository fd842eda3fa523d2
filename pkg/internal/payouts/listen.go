package payouts

import (
	"context"
	"slices"
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

// due tells whether it is time to listen to a rail again.
func (e *ears) due(rail string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	before, ever := e.last[rail]
	return !ever || time.Since(before) >= listenEvery
}

func (e *ears) listening(rail string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last == nil {
		e.last = map[string]time.Time{}
	}
	e.last[rail] = time.Now() //nolint:forbidigo // monotonic: how often, not when
}

// unheard are the rails that take batches and are to be listened to now, besides those of a list.
func (s *Service) unheard(besides []string) (list []string) {
	for name, rail := range s.rails {
		if rail.Batch != nil && s.ears.due(name) && !slices.Contains(besides, name) {
			list = append(list, name)
		}
	}
	return list
}

// listen takes in what the bank of a rail that takes batches says without having been asked, if it is time for that.
func (s *Service) listen(hard, record context.Context, rail string) error {
	if s.rails[rail].Batch == nil || !s.ears.due(rail) {
		return nil
	}
	s.ears.listening(rail)
	if s.left.by(rail) >= int64(s.Concurrency) {
		return nil
	}
	window, cancel := context.WithTimeout(hard, s.Lease/2)
	defer cancel()
	deadline, _ := window.Deadline()
	return s.pollRail(hard, record, deadline, rail, nil)
}
