package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// SubjectRail is the subject of the events of a rail's switch; those of an asset's switch are SubjectAsset, by the asset's name.
const SubjectRail SubjectKind = "rail"

// SwitchKind says what a switch pauses.
type SwitchKind string

// The kinds of switch.
const (
	SwitchRail  SwitchKind = "rail"  // by the name of the rail
	SwitchAsset SwitchKind = "asset" // what was paid in an asset, by AssetSwitch
)

// AssetSwitch is what the switch of an asset is called: CODE:ISSUER, as claims look for it.
func AssetSwitch(code, issuer string) string { return code + ":" + issuer }

// subject is whose history a change of the switch belongs to.
func (k SwitchKind) subject() SubjectKind {
	if k == SwitchRail {
		return SubjectRail
	}
	return SubjectAsset
}

// Switch is a row of switches: whether payouts by a rail, or of what was paid in an asset, are paused, by whom, since when and
// why. What was never paused has none.
type Switch struct{ sqlgen.Switch }

// Switches lists all switches, those of rails first; also those that were turned on again.
func (db *DB) Switches(ctx context.Context) ([]Switch, error) {
	rows, err := db.q.Switches(ctx)
	if err != nil {
		return nil, fmt.Errorf("list switches: %w", err)
	}
	list := make([]Switch, len(rows))
	for i, row := range rows {
		list[i] = Switch{row}
	}
	return list, nil
}

// SetSwitch pauses what a switch is of, or resumes it, with its event; changed is false where it stood like that already, and
// then nothing is written. Once a pause is committed nothing that it concerns is claimed any more. Nothing must be written to
// payouts before it in this Tx. Whoever waits for payouts that can be sent is woken when something is resumed.
func (tx *Tx) SetSwitch(ctx context.Context, kind SwitchKind, name string, paused bool, actor, reason string) (s Switch, changed bool, err error) {
	row, err := tx.q.SwitchOf(ctx, sqlgen.SwitchOfParams{Kind: string(kind), Name: name})
	s, err = found(Switch{row}, err, "switch of %s %s", kind, name)
	switch {
	case errors.Is(err, ErrNotFound):
		s.Kind, s.Name = string(kind), name
	case err != nil:
		return Switch{}, false, err
	}
	if s.Paused == paused {
		return s, false, nil
	}
	if paused {
		if err := tx.HoldClaims(ctx); err != nil {
			return Switch{}, false, err
		}
	}
	before := s.Paused
	if s.UpdatedUs, err = tx.Now(ctx); err != nil {
		return Switch{}, false, err
	}
	s.Paused, s.Actor, s.Reason = paused, actor, reason
	if err := tx.writeSwitch(ctx, s); err != nil {
		return Switch{}, false, fmt.Errorf("switch of %s %s: %w", kind, name, err)
	}
	s.Version++
	if !paused {
		tx.Wake(TopicReady)
	}
	noted := anchor.Change{Cause: anchor.CauseNoted, Actor: actor, Reason: reason}
	return s, true, tx.event(ctx, kind.subject(), name, s.Version, switchWord(before), switchWord(paused), noted)
}

// writeSwitch writes a switch whose version is still the one that was read.
func (tx *Tx) writeSwitch(ctx context.Context, s Switch) error {
	if s.Version == 0 {
		return one(tx.q.InsertSwitch(ctx, sqlgen.InsertSwitchParams{
			Kind: s.Kind, Name: s.Name, Paused: s.Paused, Actor: s.Actor, Reason: s.Reason, NowUs: s.UpdatedUs,
		}))
	}
	return one(tx.q.UpdateSwitch(ctx, sqlgen.UpdateSwitchParams{
		Version: s.Version, Kind: s.Kind, Name: s.Name, Paused: s.Paused, Actor: s.Actor, Reason: s.Reason, NowUs: s.UpdatedUs,
	}))
}

func switchWord(paused bool) string {
	if paused {
		return "paused"
	}
	return "on"
}
