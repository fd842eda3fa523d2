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
	s, lost, err := n.receive(text, x.r.URL.Path)
	if err != nil {
		return problemOfSubmission(err)
	}
	if lost {
		return submissionTimeout(s.envelope, s.hashHex)
	}
	return n.await(x, s)
}

// receive submits an envelope, or loses it if that is what a fault wants.
func (n *Network) receive(text, path string) (s *submission, lost bool, err error) {
	f := n.faults.take(path, landLateFault, neverLandFault)
	if f != nil && f.kind == neverLandFault {
		s, err = n.examine(text)
		return s, true, err
	}
	s, err = n.submit(text)
	return s, f != nil, err
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
