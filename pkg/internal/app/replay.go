package app

import (
	"context"

	"github.com/anchorkit/anchor/pkg/internal/payments"
)

// Replay reads ledgers again that the watcher has passed, and stores what is missing of them; see payments.Watcher.Replay.
func (a *App) Replay(ctx context.Context, over payments.Range, accounts ...string) ([]payments.Replayed, error) {
	return a.watcher().Replay(ctx, over, accounts...)
}
