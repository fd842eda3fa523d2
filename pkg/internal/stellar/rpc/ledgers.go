package rpc

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/stellar/go-stellar-sdk/xdr"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

const (
	ledgersKept = 64   // decoded ones: what several accounts read at about the same time
	hashesKept  = 4096 // so that a chain is checked also where its ledgers have been let go
)

// ledgers fetches, checks and keeps ledgers. One request for ledgers is under way at a time: they are the largest there are,
// and whoever comes meanwhile mostly wants the same.
type ledgers struct {
	client     *client
	passphrase string
	log        *slog.Logger

	turn   chan struct{} // holds one token; the fields below belong to whoever has it
	batch  int           // how many to ask for
	kept   bounded[*ledger]
	hashes bounded[xdr.Hash]
	seen   holdings
}

// holdings is what a server says that it has.
type holdings struct {
	latest stellar.Ledger // without its hash where that is not known
	oldest int64
}

// run is consecutive ledgers, and what the server had when it gave them.
type run struct {
	ledgers []*ledger
	holdings
}

func newLedgers(c *client, passphrase string, batch int, log *slog.Logger) *ledgers {
	l := &ledgers{client: c, passphrase: passphrase, batch: batch, log: log, turn: make(chan struct{}, 1)}
	l.kept.most, l.hashes.most = ledgersKept, hashesKept
	l.turn <- struct{}{}
	return l
}

// from answers ledgers from the one given on, none where it has not closed yet. Where it is older than what the server
// keeps they begin with the oldest, as a Horizon's do: holdings.oldest tells.
func (l *ledgers) from(ctx context.Context, first int64) (run, error) {
	if err := l.take(ctx); err != nil {
		return run{}, err
	}
	defer l.giveBack()
	if r := l.remembered(first); len(r.ledgers) > 0 {
		return r, nil
	}
	r, err := l.fetch(ctx, first, l.batch)
	var refused *RefusedError
	if !errors.As(err, &refused) {
		return r, err
	}
	has, asked := l.held(ctx)
	switch {
	case asked != nil:
		return run{}, asked
	case first > has.latest.Sequence:
		return run{holdings: l.withHash(has)}, nil
	case first < has.oldest:
		return l.fetch(ctx, has.oldest, l.batch)
	}
	return run{}, err
}

// fresh asks the server for one ledger, whether it is remembered or not.
func (l *ledgers) fresh(ctx context.Context, sequence int64) (*ledger, error) {
	if err := l.take(ctx); err != nil {
		return nil, err
	}
	defer l.giveBack()
	r, err := l.fetch(ctx, sequence, 1)
	var refused *RefusedError
	if err == nil && len(r.ledgers) == 0 {
		return nil, fmt.Errorf("%s: %w", methodLedgers, stellar.ErrNotFound)
	}
	if err == nil {
		return r.ledgers[0], nil
	}
	if !errors.As(err, &refused) {
		return nil, err
	}
	has, asked := l.held(ctx)
	switch {
	case asked != nil:
		return nil, asked
	case sequence > has.latest.Sequence:
		return nil, fmt.Errorf("%s: %w", methodLedgers, stellar.ErrNotFound)
	case sequence < has.oldest:
		return nil, fmt.Errorf("%s: %w", methodLedgers, stellar.ErrBeforeHistory)
	}
	return nil, err
}

// held asks what the server has.
func (l *ledgers) held(ctx context.Context) (holdings, error) {
	var answer healthResult
	if err := l.client.call(ctx, methodHealth, nil, &answer); err != nil {
		return holdings{}, err
	}
	if answer.Latest <= 0 || answer.Oldest <= 0 || answer.Oldest > answer.Latest {
		return holdings{}, fmt.Errorf("%s: %w", methodHealth, &AnswerError{"it does not tell which ledgers there are"})
	}
	return holdingsOf(answer.Latest, answer.LatestClosedAt, answer.Oldest), nil
}

func holdingsOf(latest, closedAt, oldest number) holdings {
	h := holdings{latest: stellar.Ledger{Sequence: int64(latest)}, oldest: int64(oldest)}
	if closedAt > 0 {
		h.latest.ClosedAt = time.Unix(int64(closedAt), 0).UTC()
	}
	return h
}

func (l *ledgers) take(ctx context.Context) error {
	select {
	case <-l.turn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *ledgers) giveBack() { l.turn <- struct{}{} }

func (l *ledgers) remembered(first int64) run {
	r := run{holdings: l.seen}
	r.oldest = min(r.oldest, first) // what is remembered is not missing, even where the server has let it go since
	for next := first; ; next++ {
		known, ok := l.kept.values[next]
		if !ok {
			return r
		}
		r.ledgers = append(r.ledgers, known)
	}
}

func (l *ledgers) withHash(h holdings) holdings {
	if hash, known := l.hashes.values[h.latest.Sequence]; known {
		h.latest.Hash = hex.EncodeToString(hash[:])
	}
	return h
}

// fetch asks for fewer ledgers, from then on, while they are larger than the bound.
func (l *ledgers) fetch(ctx context.Context, first int64, count int) (run, error) {
	for {
		var answer ledgersResult
		err := l.client.call(ctx, methodLedgers, ledgersParams{Start: first, Pagination: pagination{Limit: count}}, &answer)
		if errors.Is(err, errTooLarge) && count > 1 {
			count = (count + 1) / 2
			l.batch = count
			l.log.InfoContext(ctx, "ledgers do not fit into one answer; asking for fewer", "ledgers", count)
			continue
		}
		if err != nil {
			return run{}, err
		}
		r, err := l.accept(answer, first)
		if err != nil {
			return run{}, fmt.Errorf("%s: %w", methodLedgers, err)
		}
		return r, nil
	}
}

// accept decodes ledgers and checks that each continues the chain; what came before the first fault stays accepted.
func (l *ledgers) accept(answer ledgersResult, first int64) (run, error) {
	r := run{holdings: holdingsOf(answer.Latest, answer.LatestClosedAt, answer.Oldest)}
	for i := range answer.Ledgers {
		next, err := decode(answer.Ledgers[i].Meta, l.passphrase)
		if err != nil {
			return run{}, err
		}
		answer.Ledgers[i].Meta = "" // half of what an answer takes up
		if want := first + int64(i); next.sequence != want || int64(answer.Ledgers[i].Sequence) != want {
			return run{}, &AnswerError{fmt.Sprintf("ledger %d came where %d was expected", next.sequence, want)}
		}
		if err := l.link(next); err != nil {
			return run{}, err
		}
		l.kept.put(next.sequence, next)
		r.ledgers = append(r.ledgers, next)
	}
	if n := len(r.ledgers); n > 0 {
		last := r.ledgers[n-1]
		if r.latest.Sequence <= last.sequence {
			r.latest = last.public()
		}
		r.oldest = min(max(r.oldest, 1), first)
	}
	l.seen = r.holdings
	return r, nil
}

// link checks a ledger against its neighbours.
func (l *ledgers) link(next *ledger) error {
	if known, ok := l.hashes.values[next.sequence]; ok && known != next.hash {
		return chainError(next.sequence, known, next.hash)
	}
	if before, ok := l.hashes.values[next.sequence-1]; ok && before != next.previous {
		return chainError(next.sequence, before, next.previous)
	}
	l.hashes.put(next.sequence, next.hash)
	return nil
}

func chainError(sequence int64, want, got xdr.Hash) *ChainError {
	return &ChainError{Sequence: sequence, Want: hex.EncodeToString(want[:]), Got: hex.EncodeToString(got[:])}
}

// bounded keeps what was put in last.
type bounded[V any] struct {
	most   int
	values map[int64]V
	order  []int64 // oldest first
}

func (b *bounded[V]) put(key int64, value V) {
	if b.values == nil {
		b.values = make(map[int64]V, b.most)
	}
	if _, known := b.values[key]; !known {
		b.order = append(b.order, key)
	}
	b.values[key] = value
	if len(b.order) > b.most {
		delete(b.values, b.order[0])
		b.order = b.order[1:]
	}
}
