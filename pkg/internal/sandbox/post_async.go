package sandbox

import (
	"errors"
	"net/http"
)

// postAsync answers what the network said of the transaction, without waiting for a ledger.
func (n *Network) postAsync(x *exchange) *problem {
	text, p := readForm(x, "tx")
	if p != nil {
		return p
	}
	s, err := n.prepare(text)
	if err != nil {
		return problemOfSubmission(err)
	}
	fresh, err := n.offer(s, n.faults.take(x.r.URL.Path, submitFault, laterFault))
	var refused *RefusedError
	switch {
	case errors.As(err, &refused):
		x.answerAsync(http.StatusBadRequest, "ERROR", s, refused.ResultXDR)
	case errors.Is(err, ErrTryAgainLater):
		x.answerAsync(http.StatusServiceUnavailable, "TRY_AGAIN_LATER", s, "")
	case err != nil:
		return problemOfSubmission(err)
	case !fresh:
		x.answerAsync(http.StatusConflict, "DUPLICATE", s, "")
	default:
		x.answerAsync(http.StatusCreated, "PENDING", s, "")
	}
	return nil
}

// offer queues a submission, or does what a fault makes of it, and tells whether it is a new one. One that a ledger has
// already is judged like any other: its sequence number is used up.
func (n *Network) offer(s *submission, f *fault) (fresh bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.queuedByHash[s.hash] != nil:
		return false, nil
	case f == nil || f.kind == submitFault && f.ledgers == 1:
		return true, n.accept(s)
	case f.kind == laterFault:
		return true, ErrTryAgainLater
	}
	return true, n.postpone(s, f.ledgers)
}

func (x *exchange) answerAsync(status int, word string, s *submission, result string) {
	x.answer(status, func(p *printer) {
		p.open('{')
		if result != "" {
			p.plain("error_result_xdr", result)
		}
		p.plain("tx_status", word)
		p.plain("hash", s.hashHex)
		p.close('}')
	})
}
