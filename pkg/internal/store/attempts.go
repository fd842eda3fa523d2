package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// Attempt is a row of payout_attempts: one try at a payout, under a key and a frozen request of its own. Sends counts the
// sendings that may have left; one that certainly did not is taken back.
type Attempt struct{ sqlgen.PayoutAttempt }

// Live tells whether the attempt may still be, or has been, carried out by its rail.
func (a Attempt) Live() bool { return a.State != anchor.AttemptFailed }

// AttemptAnswer is a row of attempt_answers: what a rail, or an operator in its place, said of an attempt, whether or not it
// changed anything.
type AttemptAnswer struct{ sqlgen.AttemptAnswer }

// Claim is a payout that this process alone may work on until its lease ends. Whatever is written about it later repeats
// its fence.
type Claim struct {
	Payout  Payout        // as it was written by the claim
	Attempt Attempt       // the present attempt, as it was written by the claim
	Request anchor.Payout // the frozen request, opened; personal data
	// Wait is how long after the claim its rail may be called, where calls must not come faster.
	Wait time.Duration
	// Older tells of a payout under way that its transaction was agreed before these books were restored from an older copy: the world
	// may have made attempts that they do not know.
	Older bool
	// before is how the attempt stood when it was claimed, to be given back unused.
	before Attempt
	nextUs int64
}

// Key names the attempt towards its rail.
func (c Claim) Key() anchor.PayoutKey { return anchor.PayoutKey(c.Attempt.Key) }

// AttemptsOf lists the attempts of a payout, oldest first.
func (db *DB) AttemptsOf(ctx context.Context, payoutID string) ([]Attempt, error) {
	rows, err := db.q.AttemptsOfPayout(ctx, payoutID)
	if err != nil {
		return nil, fmt.Errorf("attempts of payout %s: %w", payoutID, err)
	}
	list := make([]Attempt, len(rows))
	for i, row := range rows {
		list[i] = Attempt{row}
	}
	return list, nil
}

// LatestAttempt reads the last attempt of a payout, which must be locked, or its transaction; ok is false if there was none.
func (tx *Tx) LatestAttempt(ctx context.Context, payoutID string) (a Attempt, ok bool, err error) {
	latest, err := tx.latestAttempts(ctx, []string{payoutID})
	a, ok = latest[payoutID]
	return a, ok, err
}

// AnswersOf lists everything that was ever said of the attempts of a payout, oldest first.
func (db *DB) AnswersOf(ctx context.Context, payoutID string) ([]AttemptAnswer, error) {
	rows, err := db.q.AnswersOfPayout(ctx, payoutID)
	if err != nil {
		return nil, fmt.Errorf("answers about payout %s: %w", payoutID, err)
	}
	list := make([]AttemptAnswer, len(rows))
	for i, row := range rows {
		list[i] = AttemptAnswer{row}
	}
	return list, nil
}

// requestBound says what a frozen request is sealed for, so that it opens nowhere else.
func requestBound(key string) string { return "payout_attempts.request/" + key }

// transactionBound says what a transaction's data key is wrapped for.
func transactionBound(id string) string { return "transactions/" + id }

// openFields opens the transaction fields with the transaction's data key; nil if there are none.
func openFields(key dataKey, t Transaction) (map[string]string, error) {
	if t.SealedFields == "" {
		return nil, nil
	}
	raw, err := key.open(t.SealedFields, "transactions.fields/"+t.ID)
	if err != nil {
		return nil, err
	}
	var fields map[string]string
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, fmt.Errorf("fields of transaction %s: %w", t.ID, err)
	}
	return fields, nil
}

// freeze makes the attempt's request: fixed bytes, sealed under the transaction's data key.
func freeze(key dataKey, a *Attempt, request anchor.Payout) error {
	raw, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("request of attempt %s: %w", a.Key, err)
	}
	a.RequestHash = hashOf(raw)
	a.SealedRequest = key.seal(raw, requestBound(a.Key))
	return nil
}

// thaw opens the attempt's request, which must be the very bytes that were frozen.
func thaw(key dataKey, a Attempt) (anchor.Payout, error) {
	raw, err := key.open(a.SealedRequest, requestBound(a.Key))
	if err != nil {
		return anchor.Payout{}, err
	}
	if hashOf(raw) != a.RequestHash {
		return anchor.Payout{}, fmt.Errorf("request of attempt %s is not the one that was frozen", a.Key)
	}
	var request anchor.Payout
	if err := json.Unmarshal(raw, &request); err != nil {
		return anchor.Payout{}, fmt.Errorf("request of attempt %s: %w", a.Key, err)
	}
	request.ExternalID = a.ExternalID
	return request, nil
}
