package app

import (
	"context"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/refunds"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// Hooks are called where the end of a process leaves something half done, by whoever does it: with false right before, with
// true right after; and a process may be given another clock than the others have. Tests of crashes alone set
// them; what ships never does, so that nothing in it can be made to fail.
type Hooks struct {
	Commit func(done bool) // of each database transaction
	Submit func(done bool) // of each envelope that is handed to the network
	// Now is the clock of this process, which only a database without one of its own goes by; nil: this host's.
	Now func() time.Time
}

type hooksKey struct{}

// WithHooks hands hooks to Open through whatever lies between a test and it; no option or setting of a program leads there.
func WithHooks(ctx context.Context, h Hooks) context.Context {
	return context.WithValue(ctx, hooksKey{}, h)
}

func hooksOf(ctx context.Context) Hooks {
	h, _ := ctx.Value(hooksKey{}).(Hooks)
	return h
}

// network is what refunds are sent through.
func (h Hooks) network(n refunds.Network) refunds.Network {
	if h.Submit == nil {
		return n
	}
	return hookedNetwork{n, h.Submit}
}

type hookedNetwork struct {
	refunds.Network
	at func(done bool)
}

func (n hookedNetwork) Submit(ctx context.Context, envelopeXDR string) (stellar.Submitted, error) {
	n.at(false)
	submitted, err := n.Network.Submit(ctx, envelopeXDR)
	n.at(true)
	return submitted, err
}
