package stellar

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

type ledgerRecord struct {
	Sequence int64     `json:"sequence"`
	Hash     string    `json:"hash"`
	ClosedAt time.Time `json:"closed_at"`
}

func (r ledgerRecord) ledger() (Ledger, error) {
	if r.Sequence <= 0 || !isHash(r.Hash) || r.ClosedAt.IsZero() {
		return Ledger{}, &AnswerError{Reason: "the ledger lacks its sequence, hash or close time"}
	}
	return Ledger{Sequence: r.Sequence, Hash: r.Hash, ClosedAt: r.ClosedAt.UTC()}, nil
}

func (e *endpoint) ledger(ctx context.Context, sequence int64) (Ledger, error) {
	path := "/ledgers/" + strconv.FormatInt(sequence, 10)
	var answer ledgerRecord
	if err := e.get(ctx, path, nil, &answer); err != nil {
		return Ledger{}, err
	}
	l, err := answer.ledger()
	if err == nil && l.Sequence != sequence {
		err = &AnswerError{Reason: fmt.Sprintf("it tells of ledger %d", l.Sequence)}
	}
	return l, named("GET "+path, err)
}

func (e *endpoint) latestLedger(ctx context.Context) (Ledger, error) {
	var answer struct {
		Embedded struct {
			Records []ledgerRecord `json:"records"`
		} `json:"_embedded"`
	}
	if err := e.get(ctx, "/ledgers", url.Values{"order": {"desc"}, "limit": {"1"}}, &answer); err != nil {
		return Ledger{}, err
	}
	if len(answer.Embedded.Records) != 1 {
		return Ledger{}, named("GET /ledgers", ErrNotFound)
	}
	l, err := answer.Embedded.Records[0].ledger()
	return l, named("GET /ledgers", err)
}
