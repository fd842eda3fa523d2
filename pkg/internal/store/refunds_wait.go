package store

import (
	"context"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// explainedWaits is on how many refunds of an account, of each kind, it is written why all of them wait. More would be nobody's
// reading, and anybody who pays can queue as many as they like.
const explainedWaits = 50

// KeepRefundsWaiting has no refund of an account begun for a while, however many there are, and writes on those that come first why. An
// envelope in flight goes on. owner names the process that found the reason; a wait that is kept already is replaced.
func (db *DB) KeepRefundsWaiting(ctx context.Context, account, owner, why string, wait time.Duration) error {
	return db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		err := tx.q.KeepAccountWaiting(ctx, sqlgen.KeepAccountWaitingParams{Account: account, Owner: owner, UntilUs: tx.now + wait.Microseconds()})
		if err != nil {
			return fmt.Errorf("keep the refunds of %s waiting: %w", account, err)
		}
		for _, automatic := range []bool{false, true} {
			_, err := tx.q.ExplainWait(ctx, sqlgen.ExplainWaitParams{
				Trouble: why, NowUs: tx.now, Account: account, Automatic: automatic, Most: explainedWaits,
			})
			if err != nil {
				return fmt.Errorf("write why the refunds of %s wait: %w", account, err)
			}
		}
		return nil
	})
}

// endRefundsWait has the refunds of an account looked at again at once.
func (tx *Tx) endRefundsWait(ctx context.Context, account string) error {
	if err := tx.q.EndAccountWait(ctx, account); err != nil {
		return fmt.Errorf("end the wait of the refunds of %s: %w", account, err)
	}
	tx.Wake(TopicRefunds)
	return nil
}

// NoteSendingRefund writes on a refund whose envelope is on its way what became known of it. It is no change of the refund and no
// event; one that is not sending is left alone.
func (tx *Tx) NoteSendingRefund(ctx context.Context, id, what string) error {
	if _, err := tx.q.NoteSending(ctx, sqlgen.NoteSendingParams{Trouble: what, NowUs: tx.now, ID: id}); err != nil {
		return fmt.Errorf("note about refund %s: %w", id, err)
	}
	return nil
}
