package stellar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stellar/go-stellar-sdk/txnbuild"
)

// Submitted is a transaction that Horizon says is in the ledger and succeeded.
type Submitted struct {
	Hash     string // of the envelope submitted; the outer one of a fee bump
	Ledger   int64
	ClosedAt time.Time
}

func (e *endpoint) submit(ctx context.Context, envelopeXDR string) (Submitted, error) {
	const what = "POST /transactions"
	hash, err := e.hashOfEnvelope(envelopeXDR)
	if err != nil {
		return Submitted{}, err
	}
	form := url.Values{"tx": {envelopeXDR}}.Encode()
	req, err := e.request(ctx, http.MethodPost, "/transactions", nil, strings.NewReader(form))
	if err != nil {
		return Submitted{}, named(what, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got, err := e.send(req, maxAnswer, e.requestTimeout)
	if err != nil {
		return Submitted{}, named(what, unsent(err))
	}
	if got.status != http.StatusOK {
		return Submitted{}, named(what, submissionRefusal(got))
	}
	submitted, err := readSubmitted(got.body, hash)
	return submitted, named(what, err)
}

func (e *endpoint) hashOfEnvelope(envelopeXDR string) (string, error) {
	envelope, err := txnbuild.TransactionFromXDR(envelopeXDR)
	if err != nil {
		return "", ErrMalformedEnvelope
	}
	hash, err := envelope.HashHex(e.passphrase)
	if err != nil {
		return "", ErrMalformedEnvelope
	}
	return hash, nil
}

// unsent keeps ErrUnknownOutcome off only where no connection was made.
func unsent(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return err
	}
	return unknownOutcome(err)
}

func unknownOutcome(cause error) error { return fmt.Errorf("%w: %w", ErrUnknownOutcome, cause) }

func submissionRefusal(got answer) error {
	p := readProblem(got.body)
	codes := p.Extras.ResultCodes
	switch {
	case got.status == http.StatusBadRequest && codes.Transaction != "":
		return &FailedError{
			TransactionCode: Printable(codes.Transaction), InnerCode: Printable(codes.Inner),
			OperationCodes: printables(codes.Operations),
		}
	case got.status == http.StatusBadRequest && p.is("transaction_malformed"):
		return fmt.Errorf("%w: %w", ErrMalformedEnvelope, refusal(got))
	case got.status == http.StatusBadRequest && p.is("transaction_failed"):
		return unknownOutcome(&AnswerError{Reason: "it failed, but the answer holds no result code"})
	case got.status == http.StatusServiceUnavailable && p.is("stale_history"):
		return refusal(got) // Horizon answers this before it hands the envelope on
	case got.status >= 500 || got.status < 300:
		return unknownOutcome(refusal(got))
	}
	return refusal(got)
}

func printables(texts []string) []string {
	clean := make([]string, len(texts))
	for i, text := range texts {
		clean[i] = Printable(text)
	}
	return clean
}

func readSubmitted(body []byte, hash string) (Submitted, error) {
	var record transactionRecord
	if json.Unmarshal(body, &record) != nil {
		return Submitted{}, unknownOutcome(&AnswerError{Reason: "it is not the JSON expected"})
	}
	t, err := record.transaction()
	switch {
	case err != nil:
		return Submitted{}, unknownOutcome(err)
	case t.OuterHash != hash && t.InnerHash != hash:
		return Submitted{}, unknownOutcome(&AnswerError{Reason: "it tells of another transaction"})
	case !t.Successful:
		return Submitted{}, &FailedError{TransactionCode: "tx_failed"}
	}
	return Submitted{Hash: hash, Ledger: t.Ledger, ClosedAt: t.ClosedAt}, nil
}
