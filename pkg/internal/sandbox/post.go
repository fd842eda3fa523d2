package sandbox

import (
	"errors"
	"net/http"
	"time"
)

// maxBody is the greatest request body, in bytes; the greatest envelope is well below it.
const maxBody = 200 << 10

// postTransaction answers once the transaction is in a ledger, or cannot get into one.
func (n *Network) postTransaction(x *exchange) *problem {
	text, p := readForm(x, "tx")
	if p != nil {
		return p
	}
	s, err := n.prepare(text)
	if err != nil {
		return problemOfSubmission(err)
	}
	f := n.faults.take(x.r.URL.Path, submitFault, laterFault)
	s, err = n.receive(s, f)
	switch {
	case errors.Is(err, ErrTryAgainLater):
		return n.await(x, s)
	case err != nil:
		return problemOfSubmission(err)
	case f != nil:
		return submissionTimeout(s.envelope, s.hashHex)
	}
	return n.await(x, s)
}

// receive queues a submission, or does what a fault makes of it. It returns the one to wait for: that of an earlier post
// if there was one.
func (n *Network) receive(s *submission, f *fault) (*submission, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if f == nil || f.kind == submitFault && f.ledgers == 1 {
		queued, err := n.enqueue(s)
		if queued == nil {
			queued = s
		}
		return queued, err
	}
	if f.kind == laterFault {
		return s, ErrTryAgainLater
	}
	return s, n.postpone(s, f.ledgers)
}

// postpone makes the network learn of a valid transaction only for the last of so many ledgers, or, for zero, never.
func (n *Network) postpone(s *submission, ledgers int) error {
	if n.byHash[s.hash] != nil || n.queuedByHash[s.hash] != nil {
		return nil
	}
	if err := n.judge(s); err != nil {
		return err
	}
	if ledgers > 0 {
		n.late = append(n.late, lateSubmission{submission: s, due: n.latest().sequence + uint32(ledgers)})
	}
	return nil
}

func readForm(x *exchange, name string) (string, *problem) {
	x.r.Body = http.MaxBytesReader(x.w, x.r.Body, maxBody)
	if err := x.r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return "", tooLarge()
		}
		return "", badRequest(name, "the form cannot be read")
	}
	return x.r.Form.Get(name), nil
}

// await answers with what became of a submission.
func (n *Network) await(x *exchange, s *submission) *problem {
	timeout := time.NewTimer(n.opts.SubmitTimeout)
	defer timeout.Stop()
	select {
	case <-s.done:
	case <-timeout.C:
		return submissionTimeout(s.envelope, s.hashHex)
	case <-x.r.Context().Done():
		return submissionTimeout(s.envelope, s.hashHex)
	}
	switch {
	case s.dropped != nil:
		return transactionFailed(s.dropped)
	case s.record == nil:
		return submissionTimeout(s.envelope, s.hashHex)
	case !s.record.successful:
		return transactionFailed(s.record.refusal())
	}
	x.answer(http.StatusOK, func(p *printer) { s.record.print(p, false) })
	return nil
}

func problemOfSubmission(err error) *problem {
	var malformed *MalformedError
	var refused *RefusedError
	switch {
	case errors.As(err, &malformed):
		return transactionMalformed(malformed.EnvelopeXDR)
	case errors.As(err, &refused):
		return transactionFailed(refused)
	default:
		return serverError()
	}
}
