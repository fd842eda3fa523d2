package stellar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// via asks the endpoints in their order until one answers. One that failed rests: for a while it is asked only where all
// others fail too, and not at all while it refuses requests.
func via[T any](ctx context.Context, h *Horizon, ask func(*endpoint) (T, error)) (T, error) {
	var none T
	candidates, limited := h.candidates()
	if len(candidates) == 0 {
		return none, limited
	}
	var failures []error
	for _, e := range candidates {
		got, err := ask(e)
		switch {
		case err == nil:
			e.health.answered()
			return got, nil
		case ctx.Err() != nil || !passesOn(err):
			return none, err
		}
		h.turnedAway(ctx, e, err)
		failures = append(failures, err)
	}
	return none, joinFailures(failures)
}

// candidates are the endpoints in the order in which they are asked, or when to come back.
func (h *Horizon) candidates() ([]*endpoint, error) {
	if len(h.endpoints) == 1 {
		return h.endpoints, nil
	}
	var awake, resting []*endpoint
	soonest := maxRetryAfter
	for _, e := range h.endpoints {
		rests, limited := e.health.state()
		switch {
		case limited > 0:
			soonest = min(soonest, limited)
		case rests:
			resting = append(resting, e)
		default:
			awake = append(awake, e)
		}
	}
	return append(awake, resting...), &RateLimitedError{RetryAfter: soonest}
}

// passesOn tells whether another Horizon may well answer what this one did not.
func passesOn(err error) bool {
	var (
		away       *UnavailableError
		limited    *RateLimitedError
		unreadable *AnswerError
	)
	return errors.As(err, &away) || errors.As(err, &limited) || errors.As(err, &unreadable) || errors.Is(err, ErrBeforeHistory)
}

// turnedAway lets an endpoint rest that did not answer. That it keeps less history than another is no fault of it.
func (h *Horizon) turnedAway(ctx context.Context, e *endpoint, err error) {
	if len(h.endpoints) == 1 || errors.Is(err, ErrBeforeHistory) {
		return
	}
	limited, isLimited := errors.AsType[*RateLimitedError](err)
	var asked time.Duration
	if isLimited {
		asked = limited.RetryAfter
	} else if away, ok := errors.AsType[*UnavailableError](err); ok {
		asked = away.RetryAfter
	}
	e.health.rest(asked, isLimited)
	h.log.WarnContext(ctx, "a Horizon fails; another one is asked", slog.Int("horizon", e.number), slog.Int("of", len(h.endpoints)), slog.Any("error", err))
}

// joinFailures keeps every cause; the first is told as it is where it is the only one.
func joinFailures(failures []error) error {
	if len(failures) == 1 {
		return failures[0]
	}
	err := fmt.Errorf("none of %d Horizons answers: %w", len(failures), failures[0])
	for _, other := range failures[1:] {
		err = fmt.Errorf("%w; %w", err, other)
	}
	return err
}

// notBehind is an error where the page is that of a Horizon which has not read as far as another one.
func (h *Horizon) notBehind(ctx context.Context, e *endpoint, after int64, page Page) error {
	if len(h.endpoints) == 1 || page.Full {
		return nil
	}
	if page.Through.Sequence < after>>32 {
		return behind(page.Through.Sequence, after>>32)
	}
	if !e.health.suspicious() {
		return nil
	}
	for _, other := range h.endpoints {
		if other == e {
			continue
		}
		root, err := other.ownRoot(ctx)
		if err == nil && root.Latest.Sequence >= page.Through.Sequence+ahead {
			return behind(page.Through.Sequence, root.Latest.Sequence)
		}
	}
	return nil
}

func behind(latest, known int64) error {
	return &UnavailableError{Err: fmt.Errorf("it has read the network to ledger %d only, another one to %d", latest, known)}
}

// TurnTo has Horizons rest that do not keep a ledger in their history, and tells whether another one keeps it.
func (h *Horizon) TurnTo(ctx context.Context, ledger int64) bool {
	kept := false
	for _, e := range h.endpoints {
		if len(h.endpoints) == 1 || !e.health.mayKeep(ledger) {
			continue
		}
		root, err := e.ownRoot(ctx)
		kept = kept || err == nil && root.Elder <= ledger
	}
	for _, e := range h.endpoints {
		if kept && !e.health.mayKeep(ledger) {
			e.health.rest(0, false)
		}
	}
	return kept
}
