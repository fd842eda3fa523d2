package quotes

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// assetsAge is how long a change of an asset may go unnoticed. Assets change rarely, and anybody may ask for prices.
const assetsAge = time.Second

// assets keeps the received assets for a moment.
type assets struct {
	load func(context.Context) ([]Received, error)
	now  func() time.Time

	mu   sync.Mutex
	read time.Time
	list []Received
}

// all lists the received assets. The caller must not change the list.
func (a *assets) all(ctx context.Context) ([]Received, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if !a.read.IsZero() && now.Sub(a.read) < assetsAge {
		return a.list, nil
	}
	list, err := a.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the assets: %w", err)
	}
	a.list, a.read = list, now
	return list, nil
}
