package transactions

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Patch gives the fields that a payout asked for (SEP-31 "PATCH Transaction"), all that are required at once, and lets the
// payout go on. It answers the transaction as Get does.
func (s *Service) Patch(ctx context.Context, who Admitted, id string, fields map[string]string) (anchor.Transaction, error) {
	t, err := s.own(ctx, who, id)
	if err != nil {
		return anchor.Transaction{}, err
	}
	if err := checkUpdate(t, fields); err != nil {
		return anchor.Transaction{}, err
	}
	public, err := t.Public()
	if err != nil {
		return anchor.Transaction{}, err
	}
	// The business is asked before anything is written, and not while the row is locked.
	err = s.receiver.ProcessPatchRequest(ctx, anchor.PatchRequest{Transaction: public, Fields: maps.Clone(fields)})
	if err != nil {
		return anchor.Transaction{}, fmt.Errorf("process_patch_request: %w", err)
	}
	if t, err = s.update(ctx, who, t, fields); err != nil {
		return anchor.Transaction{}, err
	}
	return t.Public()
}

// checkUpdate allows exactly what was asked for, while it is asked for.
func checkUpdate(t store.Transaction, fields map[string]string) error {
	if t.Status != anchor.StatusPendingTransactionInfoUpdate {
		return anchor.Refuse("no update of this transaction is asked for")
	}
	required, err := t.Required()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if _, asked := required[name]; !asked {
			return anchor.Refusef("fields.transaction.%s is not asked for", cut(name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(missingFields(fields, required))) {
		return anchor.Refusef("fields.transaction.%s is missing", name)
	}
	if len(fields) == 0 {
		return anchor.Refuse("fields.transaction is empty")
	}
	return checkFields(fields, required)
}

// cut keeps a name that a stranger chose short enough to be repeated.
func cut(name string) string {
	if len(name) > maxFieldName {
		return name[:maxFieldName] + "…"
	}
	return name
}

// update stores the fields beside those given before, unless the transaction is no longer as it was judged.
func (s *Service) update(ctx context.Context, who Admitted, judged store.Transaction, fields map[string]string) (store.Transaction, error) {
	var updated store.Transaction
	err := s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err := lockOwn(ctx, tx, who, judged.ID)
		if err != nil {
			return err
		}
		if err := checkUpdate(t, fields); err != nil {
			return err
		}
		if t.RequiredInfo != judged.RequiredInfo {
			return anchor.RefuseAs(anchor.CodeConflict, "something else is asked for meanwhile; look at the transaction again")
		}
		if err := s.merge(&t, fields); err != nil {
			return err
		}
		t, err = tx.Advance(ctx, t, anchor.Change{
			Cause: anchor.CauseTransactionInfoGiven, Actor: actor, Reason: "the fields asked for were given", Message: new(""),
		})
		if err != nil {
			return err
		}
		updated, err = tx.Reconsider(ctx, t, actor, "the fields asked for were given")
		return err
	})
	return updated, err
}

// merge seals the fields together with those given before.
func (s *Service) merge(t *store.Transaction, fields map[string]string) error {
	merged, err := s.db.OpenFields(*t)
	if err != nil {
		return fmt.Errorf("open the fields: %w", err)
	}
	if merged == nil {
		merged = map[string]string{}
	}
	maps.Copy(merged, fields)
	if err := s.db.SealFields(t, merged); err != nil {
		return fmt.Errorf("seal the fields: %w", err)
	}
	return nil
}

// SetCallback says where the sending anchor wants to be told of changes (SEP-31 "PUT Transaction Callback"); it replaces
// the earlier address of the transaction. Where callbacks are not supported the result is CodeNotFound.
func (s *Service) SetCallback(ctx context.Context, who Admitted, id, url string) error {
	t, err := s.own(ctx, who, id)
	if err != nil {
		return err
	}
	if s.options.CheckCallbackURL == nil {
		return anchor.RefuseAs(anchor.CodeNotFound, "callbacks are not supported")
	}
	if url == "" {
		return anchor.Refuse("url is missing")
	}
	if err := s.options.CheckCallbackURL(url); err != nil {
		return anchor.Refusef("url: %v", err)
	}
	if t.CallbackUrl == url {
		return nil
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err := lockOwn(ctx, tx, who, id)
		if err != nil || t.CallbackUrl == url {
			return err
		}
		t.CallbackUrl = url
		// The address may hold a token, so the history does not repeat it.
		_, err = tx.Advance(ctx, t, anchor.Change{Cause: anchor.CauseNoted, Actor: actor, Reason: "callback address set"})
		return err
	})
}
