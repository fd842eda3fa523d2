package payouts

import (
	"context"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// SwitchRequest is an operator's wish that nothing more be sent by a rail, or of what was paid in an asset; or that it be again.
type SwitchRequest struct {
	Kind          store.SwitchKind
	Name          string // of the rail, or of the asset as CODE:ISSUER
	Paused        bool
	Actor, Reason string // both are needed
}

// Switched is what became of a SwitchRequest.
type Switched struct {
	Switch  store.Switch
	Changed bool // false: it stood like that already, and nothing was written
	// Sending is how many payouts of a paused rail had been claimed before: they are sent nevertheless.
	Sending int64
}

// Switch pauses or resumes. After a pause nothing more is claimed; what was claimed before is sent, and what is under way is
// asked about as ever. Names are not checked: the rail may be brought by a program that this one knows nothing of.
func (s *Service) Switch(ctx context.Context, r SwitchRequest) (done Switched, err error) {
	if r.Kind != store.SwitchRail && r.Kind != store.SwitchAsset || r.Name == "" || r.Actor == "" || r.Reason == "" {
		return Switched{}, anchor.Refuse("a pause needs a rail or an asset, who wants it, and why")
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		done.Switch, done.Changed, err = tx.SetSwitch(ctx, r.Kind, r.Name, r.Paused, r.Actor, r.Reason)
		return err
	})
	if err != nil {
		return Switched{}, fmt.Errorf("switch %s %s: %w", r.Kind, r.Name, err)
	}
	if r.Paused && r.Kind == store.SwitchRail {
		done.Sending, err = s.db.PayoutsBeingSent(ctx, r.Name)
	}
	return done, err
}
