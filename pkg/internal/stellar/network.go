package stellar

import (
	"context"
	"errors"
	"sync"
)

// Payments reads the page behind the position given (0: from the beginning), at most limit (1 to MaxLimit) records. All of a
// page, its Through and Elder included, comes from one Horizon.
//
// One record that cannot be understood becomes an unreadable Payment. What Horizon has to be asked for besides the page
// (the amount of a merge) and cannot tell now ends the page before that record; it is an error only for the first one.
func (h *Horizon) Payments(ctx context.Context, account string, after int64, limit int) (Page, error) {
	return via(ctx, h, func(e *endpoint) (Page, error) {
		page, err := e.payments(ctx, account, after, limit)
		if err != nil {
			return Page{}, err
		}
		return page, h.notBehind(ctx, e, after, page)
	})
}

// Wait opens the stream of an account's payments behind the position given and answers nil as soon as it is worth reading
// the page: a record came, the stream ended, or it was silent for longer than Options.SilenceAfter. A Horizon sends no
// heartbeat, so silence proves nothing either way. What the stream said is not used otherwise.
//
// Errors are those of requests: *RateLimitedError (of the start, or in mid-stream), ErrNotFound, *UnavailableError, … A
// stream that ends early without a record is held back until a second after its opening.
func (h *Horizon) Wait(ctx context.Context, account string, after int64) error {
	_, err := via(ctx, h, func(e *endpoint) (struct{}, error) { return struct{}{}, e.await(ctx, account, after) })
	return err
}

// Root asks for Horizon's own page.
func (h *Horizon) Root(ctx context.Context) (Root, error) {
	return via(ctx, h, func(e *endpoint) (Root, error) { return e.root(ctx) })
}

// CheckNetwork asks every Horizon which network it serves. It answers a *WrongNetworkError where one of them serves another
// than Options names; those that do not answer are let off as long as one does: whoever answers later is asked then.
func (h *Horizon) CheckNetwork(ctx context.Context) error {
	failures := make([]error, len(h.endpoints))
	var asking sync.WaitGroup
	for i, e := range h.endpoints {
		asking.Go(func() { _, failures[i] = e.ownRoot(ctx) })
	}
	asking.Wait()
	var trouble error
	answered := false
	for _, err := range failures {
		if wrong, ok := errors.AsType[*WrongNetworkError](err); ok {
			return wrong
		}
		answered = answered || err == nil
		if trouble == nil {
			trouble = err
		}
	}
	if answered {
		return nil
	}
	return trouble
}

// Ledger asks for one ledger by its sequence. ErrNotFound: it has not closed yet, or this Horizon has not read it.
func (h *Horizon) Ledger(ctx context.Context, sequence int64) (Ledger, error) {
	return via(ctx, h, func(e *endpoint) (Ledger, error) { return e.ledger(ctx, sequence) })
}

// LatestLedger asks for the newest ledger that Horizon has read.
func (h *Horizon) LatestLedger(ctx context.Context) (Ledger, error) {
	return via(ctx, h, func(e *endpoint) (Ledger, error) { return e.latestLedger(ctx) })
}

// Account asks for an account by its G… address. ErrNotFound: it does not exist, as far as this Horizon knows.
func (h *Horizon) Account(ctx context.Context, id string) (Account, error) {
	return via(ctx, h, func(e *endpoint) (Account, error) { return e.account(ctx, id) })
}

// Transaction asks for one transaction by its hash, inner or outer. ErrNotFound is no proof that it will never be there.
func (h *Horizon) Transaction(ctx context.Context, hash string) (Transaction, error) {
	return via(ctx, h, func(e *endpoint) (Transaction, error) { return e.transaction(ctx, hash) })
}

// Friendbot asks a test network's friendbot to create the account. An account that exists already is no error.
func (h *Horizon) Friendbot(ctx context.Context, account string) error {
	_, err := via(ctx, h, func(e *endpoint) (struct{}, error) { return struct{}{}, e.friendbot(ctx, account) })
	return err
}

// Submit hands an envelope (base64 XDR) to the network and waits for its ledger. Submitting the same envelope again is
// harmless, and is what happens where a Horizon does not take it: the next one gets the same bytes. Errors:
//
//   - *FailedError: the network refused it or took it as failed; the answer does not tell which.
//   - ErrUnknownOutcome (besides its cause): it may land later or never have got anywhere.
//   - *RateLimitedError, *UnavailableError without ErrUnknownOutcome, *RequestError, ErrMalformedEnvelope: it was not sent on.
func (h *Horizon) Submit(ctx context.Context, envelopeXDR string) (Submitted, error) {
	taken := false // somebody may have sent it on
	submitted, err := via(ctx, h, func(e *endpoint) (Submitted, error) {
		submitted, err := e.submit(ctx, envelopeXDR)
		taken = taken || errors.Is(err, ErrUnknownOutcome)
		if away, ok := errors.AsType[*UnavailableError](err); ok && away.waited() {
			return Submitted{}, waitedFor{err}
		}
		return submitted, err
	})
	if waited, ok := errors.AsType[waitedFor](err); ok {
		err = waited.cause
	}
	if err != nil && taken && !errors.Is(err, ErrUnknownOutcome) {
		err = unknownOutcome(err) // a refusal of what somebody else may have brought into the ledger proves nothing
	}
	return submitted, err
}

// waitedFor hides the cause from via: the envelope was taken and waited for, so nobody else need be asked.
type waitedFor struct{ cause error }

func (w waitedFor) Error() string { return w.cause.Error() }
