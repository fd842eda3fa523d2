package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// Answered is an attempt with everything that an answer about it can change, locked by this Tx.
type Answered struct {
	Transaction Transaction
	Payout      Payout
	Attempt     Attempt // without its request
	Present     bool    // no later attempt of its payout exists
}

// LockAnswered locks the transactions and payouts of the attempts with these keys, in order, and reads all three. A key of
// no attempt is missing in the result.
func (tx *Tx) LockAnswered(ctx context.Context, keys []anchor.PayoutKey) (map[anchor.PayoutKey]Answered, error) {
	sought := make([]string, len(keys))
	for i, key := range keys {
		sought[i] = string(key)
	}
	slices.Sort(sought)
	sought = slices.Compact(sought)
	rows, err := readByIDs(ctx, tx, tx.lockAnswered(), sought, func(a *Answered) []any {
		return slices.Concat([]any{&a.Attempt.Key}, columnsOf(&a.Transaction.Transaction), columnsOf(&a.Payout.Payout))
	})
	if err != nil {
		return nil, fmt.Errorf("lock what %d answers are about: %w", len(keys), err)
	}
	attempts, err := tx.attemptsByKey(ctx, sought) // read under the locks
	if err != nil {
		return nil, err
	}
	all := make(map[anchor.PayoutKey]Answered, len(rows))
	for _, a := range rows {
		known := attempts[a.Attempt.Key]
		a.Attempt, a.Present = known.attempt, known.attempt.Number == known.latest
		all[anchor.PayoutKey(a.Attempt.Key)] = a
	}
	return all, nil
}

// lockAnswered locks transactions in the order of their ids, each before its payout.
func (tx *Tx) lockAnswered() statement {
	s := statement{
		head: `SELECT a.key, t.*, p.*
			FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id JOIN transactions t ON t.id = p.transaction_id
			WHERE a.key IN (`,
		row: "?", tail: ") ORDER BY t.id, p.id",
	}
	if tx.db.engine.forUpdate() != "" {
		s.tail += " FOR UPDATE OF t, p"
	}
	return s
}

type knownAttempt struct {
	attempt Attempt
	latest  int64
}

func (tx *Tx) attemptsByKey(ctx context.Context, keys []string) (map[string]knownAttempt, error) {
	rows, err := readByIDs(ctx, tx, statement{
		head: `SELECT a.payout_id, a.number, a.key, a.state, a.sender_version, a.receiver_version, a.sends, a.first_sent_us,
				a.last_sent_us, a.updated_us, a.outcome, a.external_id, a.batch_id,
				(SELECT MAX(b.number) FROM payout_attempts b WHERE b.payout_id = a.payout_id)
			FROM payout_attempts a WHERE a.key IN (`,
		row: "?", tail: ")",
	}, keys, func(k *knownAttempt) []any {
		a := &k.attempt
		return []any{
			&a.PayoutID, &a.Number, &a.Key, &a.State, &a.SenderVersion, &a.ReceiverVersion, &a.Sends, &a.FirstSentUs,
			&a.LastSentUs, &a.UpdatedUs, &a.Outcome, &a.ExternalID, &a.BatchID, &k.latest,
		}
	})
	if err != nil {
		return nil, fmt.Errorf("attempts by key: %w", err)
	}
	known := make(map[string]knownAttempt, len(rows))
	for _, k := range rows {
		known[k.attempt.Key] = k
	}
	return known, nil
}

// InsertAnswers stores what was said of attempts; ids and times are set here. Nothing ever changes these rows.
func (tx *Tx) InsertAnswers(ctx context.Context, answers []AttemptAnswer) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	err = tx.setwiseLater(ctx, statement{
		head: "INSERT INTO attempt_answers (at_us, id, payout_id, number, key, source, outcome, external_id, why, needs, fence, used) VALUES ",
		row:  "($1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	}, len(answers), []any{now}, func(i int) []any {
		a := answers[i]
		return []any{NewID(), a.PayoutID, a.Number, a.Key, a.Source, string(a.Outcome), a.ExternalID, a.Why, a.Needs, a.Fence, a.Used}
	})
	if err != nil {
		return fmt.Errorf("insert %d answers: %w", len(answers), err)
	}
	return nil
}

// LastPayout locks nothing: its transaction must be locked. ok is false if the transaction never had a payout.
func (tx *Tx) LastPayout(ctx context.Context, transactionID string) (p Payout, ok bool, err error) {
	row, err := tx.q.LastPayout(ctx, transactionID)
	p, err = found(Payout{row}, err, "last payout of transaction %s", transactionID)
	if errors.Is(err, ErrNotFound) {
		return Payout{}, false, nil
	}
	return p, err == nil, err
}

// ReleaseClaims gives back claims whose rails were certainly not called: the payouts are ready again as if they had not been
// claimed. A claim that was lost meanwhile is left alone.
func (db *DB) ReleaseClaims(ctx context.Context, claims []Claim, actor string) error {
	if len(claims) == 0 {
		return nil
	}
	keys := make([]anchor.PayoutKey, len(claims))
	for i, c := range claims {
		keys[i] = c.Key()
	}
	err := db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		locked, err := tx.LockAnswered(ctx, keys)
		if err != nil {
			return err
		}
		var payouts []PayoutMove
		var attempts []AttemptMove
		for _, c := range claims {
			is := locked[c.Key()]
			if is.Payout.Fence != c.Payout.Fence || is.Payout.State != anchor.PayoutSending {
				continue
			}
			after := is.Payout
			after.State, after.NextUs, after.LeaseOwner, after.LeaseUntilUs = anchor.PayoutReady, c.nextUs, "", 0
			payouts = append(payouts, PayoutMove{is.Payout, after, anchor.Change{Cause: anchor.CauseNoted, Actor: actor, Reason: "given back unsent"}})
			unsent := is.Attempt
			unsent.State, unsent.Sends = c.before.State, c.before.Sends
			unsent.FirstSentUs, unsent.LastSentUs = c.before.FirstSentUs, c.before.LastSentUs
			attempts = append(attempts, AttemptMove{is.Attempt, unsent})
		}
		if err := tx.MovePayouts(ctx, payouts); err != nil {
			return err
		}
		return tx.MoveAttempts(ctx, attempts)
	})
	if err != nil {
		return fmt.Errorf("give %d claims back: %w", len(claims), err)
	}
	return nil
}
