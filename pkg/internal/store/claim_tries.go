package store

import (
	"context"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// refusals are how often in a row a rail has said that a payout was not sent, since it last waited for anything.
type refusals struct {
	payoutID string
	times    int64
	why      string // the last time
}

// refusals counts them for payouts whose attempt is said not to have been sent. Only those that are tried again are looked at.
func (tx *Tx) refusals(ctx context.Context, list []due) (map[string]refusals, error) {
	var again []string
	for _, d := range list {
		if d.hasAttempt && d.attempt.State == anchor.AttemptNotSent {
			again = append(again, d.payout.ID)
		}
	}
	rows, err := readByIDs(ctx, tx, refusalsOf(), again, func(r *refusals) []any { return []any{&r.payoutID, &r.times, &r.why} })
	if err != nil {
		return nil, fmt.Errorf("how often payouts were not sent: %w", err)
	}
	counted := make(map[string]refusals, len(rows))
	for _, r := range rows {
		counted[r.payoutID] = r
	}
	return counted, nil
}

func refusalsOf() statement {
	return statement{
		head: `SELECT a.payout_id, COUNT(*), (SELECT l.why FROM attempt_answers l
				WHERE l.payout_id = a.payout_id AND l.outcome = 'not_sent' AND l.used ORDER BY l.at_us DESC, l.id DESC LIMIT 1)
			FROM attempt_answers a
			WHERE a.outcome = 'not_sent' AND a.used AND a.at_us > COALESCE((SELECT MAX(e.at_us) FROM events e
				WHERE e.subject_kind = 'payout' AND e.subject_id = a.payout_id AND e.from_status = 'waiting'), 0) AND a.payout_id IN (`,
		row: "?", tail: ") GROUP BY a.payout_id",
	}
}

// tooOften says why a payout is not tried again; empty: it may be.
func (c *claiming) tooOften(d due) string {
	r := c.refused[d.payout.ID]
	if c.terms.MaxTries <= 0 || r.times < c.terms.MaxTries {
		return ""
	}
	reason := fmt.Sprintf("it was not sent %d times in a row", r.times)
	if r.why != "" {
		reason += "; the last time: " + r.why
	}
	return reason
}
