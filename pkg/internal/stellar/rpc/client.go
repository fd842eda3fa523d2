package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

const (
	userAgent     = "anchor (+https://github.com/anchorkit/anchor)"
	maxAnswer     = 64 << 20 // of any call; a ledger of the public network is about 1.6 MB in base64
	maxProblem    = 64 << 10
	maxRetryAfter = time.Hour
)

// The codes of JSON-RPC 2.0, and what hosted servers use for a rate limit.
const (
	codeInternal    = -32603
	codeServerFirst = -32099 // of the range that is left to servers
	codeServerLast  = -32000
	codeLimited     = -32005
)

// client makes JSON-RPC calls. Stellar's own client tells neither a rate limit from other answers nor bounds them, and its
// errors name the address.
type client struct {
	address string
	http    *http.Client
	header  http.Header
	timeout time.Duration
	bound   int64 // of an answer, in bytes
}

type call struct {
	Version string `json:"jsonrpc"`
	ID      int    `json:"id"`
	Method  string `json:"method"`
	Params  any    `json:"params,omitempty"`
}

// reply is an answer; neither part is there in what is none.
type reply struct {
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int64  `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// call decodes the result of a method into the value given. Its errors name the method.
func (c *client) call(ctx context.Context, method string, params, into any) error {
	if err := c.ask(ctx, method, params, into); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return nil
}

func (c *client) ask(ctx context.Context, method string, params, into any) error {
	body, err := json.Marshal(call{Version: "2.0", ID: 1, Method: method, Params: params})
	if err != nil {
		return err
	}
	answer, err := c.post(ctx, body)
	if err != nil {
		return err
	}
	var got reply
	if err := json.Unmarshal(answer, &got); err != nil {
		return &AnswerError{"it is not the JSON expected"}
	}
	switch {
	case got.Error != nil:
		return refusal(got.Error.Code, got.Error.Message)
	case len(got.Result) == 0:
		return &AnswerError{"it holds no result: is the address that of a Stellar RPC server?"}
	case json.Unmarshal(got.Result, into) != nil:
		return &AnswerError{"its result is not the JSON expected"}
	}
	return nil
}

// post reads the whole answer within the timeout and the bound.
func (c *client) post(caller context.Context, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(caller, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the request cannot be built from the address given")
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Content-Type", "application/json")
	maps.Copy(req.Header, c.header)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unanswered(caller, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxProblem)) // so that the connection can be used again
		return nil, rejection(resp)
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, c.bound+1))
	if err != nil {
		return nil, c.unanswered(caller, err)
	}
	if int64(len(answer)) > c.bound {
		return nil, errTooLarge
	}
	return answer, nil
}

// unanswered tells the caller's own end from the server's, and drops the address, which may hold a key.
func (c *client) unanswered(caller context.Context, err error) error {
	if caller.Err() != nil {
		return caller.Err()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &stellar.UnavailableError{Err: fmt.Errorf("no answer within %s", c.timeout)}
	}
	var withAddress *url.Error
	if errors.As(err, &withAddress) {
		err = withAddress.Err
	}
	return &stellar.UnavailableError{Err: err}
}

// rejection turns an HTTP status other than 200 into the error it stands for.
func rejection(resp *http.Response) error {
	switch status := resp.StatusCode; {
	case status == http.StatusTooManyRequests:
		return &stellar.RateLimitedError{RetryAfter: retryAfter(resp.Header)}
	case status >= 500:
		return &stellar.UnavailableError{Status: status, RetryAfter: retryAfter(resp.Header)}
	case status >= 300 && status < 400:
		return &stellar.RequestError{Status: status, Reason: "it points to another address; use that one in the settings"}
	case status >= 200 && status < 300:
		return &AnswerError{fmt.Sprintf("status %d where 200 was expected", status)}
	default:
		return &stellar.RequestError{Status: status}
	}
}

// refusal turns an error of JSON-RPC into the one it stands for.
func refusal(code int64, message string) error {
	said := stellar.Printable(message)
	switch {
	case code == codeLimited || code == http.StatusTooManyRequests:
		return &stellar.RateLimitedError{}
	case code == codeInternal || (code >= codeServerFirst && code <= codeServerLast):
		return &stellar.UnavailableError{Err: errors.New(said)}
	}
	return &RefusedError{Code: code, Message: said}
}

// retryAfter reads seconds or a date, the latter against the answer's own date, so that no clock of ours matters.
func retryAfter(header http.Header) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
