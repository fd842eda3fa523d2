package sandbox

import (
	"encoding/json"
	"net/http"
)

// problem is an error answer, in Horizon's words.
type problem struct {
	Type   string         `json:"type"`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Detail string         `json:"detail,omitempty"`
	Extras map[string]any `json:"extras,omitempty"`
}

const problemTypes = "https://stellar.org/horizon-errors/"

func newProblem(status int, kind, title, detail string) *problem {
	return &problem{Type: problemTypes + kind, Title: title, Status: status, Detail: detail}
}

func badRequest(field, reason string) *problem {
	p := newProblem(http.StatusBadRequest, "bad_request", "Bad Request", "The request you sent was invalid in some way.")
	p.Extras = map[string]any{"invalid_field": field, "reason": reason}
	return p
}

func notFound() *problem {
	return newProblem(http.StatusNotFound, "not_found", "Resource Missing",
		"The resource at the url requested was not found.  This usually occurs for one of two reasons:  The url requested "+
			"is not valid, or no data in our database could be found with the parameters provided.")
}

func methodNotAllowed() *problem {
	return newProblem(http.StatusMethodNotAllowed, "method_not_allowed", "Method Not Allowed",
		"The requested resource does not support the method of the request.")
}

func notAcceptable() *problem {
	return newProblem(http.StatusNotAcceptable, "not_acceptable",
		"An acceptable response content-type could not be provided for this request", "")
}

func beforeHistory() *problem {
	return newProblem(http.StatusGone, "before_history", "Data Requested Is Before Recorded History",
		"This horizon instance is configured to only track a portion of the stellar network's latest history. This "+
			"request is asking for results prior to the recorded history known to this horizon instance.")
}

func rateLimitExceeded() *problem {
	return newProblem(http.StatusTooManyRequests, "rate_limit_exceeded", "Rate Limit Exceeded",
		"The rate limit for the requesting IP address is over its alloted limit.  The allowed limit and requests left per "+
			"time period are communicated to clients via the http response headers 'X-RateLimit-*' headers.")
}

func serverError() *problem {
	return newProblem(http.StatusInternalServerError, "server_error", "Internal Server Error",
		"An error occurred while processing this request.  This is usually due to a bug within the server software.  "+
			"Trying this request again may succeed if the bug is transient. Otherwise, please contact the system administrator.")
}

func staleHistory() *problem {
	return newProblem(http.StatusServiceUnavailable, "stale_history", "Historical DB Is Too Stale",
		"This horizon instance is configured to reject client requests when it can determine that the history database is "+
			"lagging too far behind the connected instance of Stellar-Core or read replica. It's also possible that "+
			"Stellar-Core is out of sync. Please try again later.")
}

func tooLarge() *problem {
	return newProblem(http.StatusRequestEntityTooLarge, "payload_too_large", "Payload Too Large",
		"The request body exceeds the greatest size that is accepted.")
}

type resultCodes struct {
	Transaction string   `json:"transaction"`
	Inner       string   `json:"inner_transaction,omitempty"`
	Operations  []string `json:"operations,omitempty"`
}

func transactionFailed(e *RefusedError) *problem {
	p := newProblem(http.StatusBadRequest, "transaction_failed", "Transaction Failed",
		"The transaction failed when submitted to the stellar network. The `extras.result_codes` field on this response "+
			"contains further details.  Descriptions of each code can be found at: "+
			"https://developers.stellar.org/api/errors/http-status-codes/horizon-specific/transaction-failed/")
	codes := resultCodes{Transaction: e.TransactionCode, Inner: e.InnerCode, Operations: e.OperationCodes}
	p.Extras = map[string]any{"envelope_xdr": e.EnvelopeXDR, "result_codes": codes, "result_xdr": e.ResultXDR}
	return p
}

func transactionMalformed(envelope string) *problem {
	p := newProblem(http.StatusBadRequest, "transaction_malformed", "Transaction Malformed",
		"Horizon could not decode the transaction envelope in this request. A transaction should be an XDR "+
			"TransactionEnvelope struct encoded using base64.  The envelope read from this request is echoed in the "+
			"`extras.envelope_xdr` field of this response for your convenience.")
	p.Extras = map[string]any{"envelope_xdr": envelope}
	return p
}

func submissionTimeout(envelope, hash string) *problem {
	p := newProblem(http.StatusGatewayTimeout, "transaction_submission_timeout", "Transaction Submission Timeout",
		"Your transaction submission request has timed out. This does not necessarily mean the submission has failed. "+
			"Before resubmitting, please use the transaction hash provided in `extras.hash` to poll the GET /transactions "+
			"endpoint for sometime and check if it was included in a ledger.")
	p.Extras = map[string]any{"envelope_xdr": envelope, "hash": hash}
	return p
}

func timedOut() *problem {
	return newProblem(http.StatusGatewayTimeout, "timeout", "Timeout",
		"Your request timed out before completing.  Please try your request again. If you are submitting a transaction "+
			"make sure you are sending exactly the same transaction (with the same sequence number).")
}

// problemOf is the error that a fault of this status shows.
func problemOf(status int) *problem {
	switch status {
	case http.StatusTooManyRequests:
		return rateLimitExceeded()
	case http.StatusServiceUnavailable:
		return staleHistory()
	case http.StatusGatewayTimeout:
		return timedOut()
	case http.StatusNotFound:
		return notFound()
	case http.StatusGone:
		return beforeHistory()
	}
	p := serverError()
	p.Status = status
	return p
}

func (p *problem) body() []byte {
	body, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil
	}
	return body
}
