package stellar

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
	"strings"
	"time"
	"unicode"
)

const (
	userAgent     = "anchor (+https://github.com/anchorkit/anchor)"
	maxAnswer     = 4 << 20  // of one resource; the largest transactions are well under 1 MB
	maxPageAnswer = 32 << 20 // of one page
	maxProblem    = 64 << 10
	maxRetryAfter = time.Hour
)

// errTooLarge is met by asking for fewer records.
var errTooLarge = errors.New("the answer is larger than the bound")

// answer is what came back, read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// get decodes the answer to a GET into the value given.
func (e *endpoint) get(ctx context.Context, path string, query url.Values, into any) error {
	body, err := e.getBody(ctx, path, query, maxAnswer)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return named("GET "+path, &AnswerError{Reason: "it is not the JSON expected", garbled: true})
	}
	return nil
}

func (e *endpoint) getBody(ctx context.Context, path string, query url.Values, bound int64) ([]byte, error) {
	what := "GET " + path
	req, err := e.request(ctx, http.MethodGet, path, query, nil)
	if err != nil {
		return nil, named(what, err)
	}
	got, err := e.do(req, bound)
	if err != nil {
		return nil, named(what, err)
	}
	if got.status != http.StatusOK {
		return nil, named(what, refusal(got))
	}
	return got.body, nil
}

// request joins path and query to those of the base address, which may hold a key.
func (e *endpoint) request(ctx context.Context, method, path string, query url.Values, body io.Reader) (*http.Request, error) {
	address := *e.base
	address.Path = strings.TrimSuffix(address.Path, "/") + path
	address.RawPath = ""
	values := address.Query()
	maps.Copy(values, query)
	address.RawQuery = values.Encode()
	req, err := http.NewRequestWithContext(ctx, method, address.String(), body)
	if err != nil {
		return nil, errors.New("the request cannot be built from the address given")
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", "application/hal+json, application/json")
	maps.Copy(req.Header, e.header)
	return req, nil
}

// do sends a request that only reads.
func (e *endpoint) do(req *http.Request, bound int64) (answer, error) {
	return e.send(req, bound, e.readTimeout)
}

// send reads the whole answer within the time and the size given.
func (e *endpoint) send(req *http.Request, bound int64, within time.Duration) (answer, error) {
	ctx, cancel := context.WithTimeout(req.Context(), within)
	defer cancel()
	resp, err := e.client.Do(req.WithContext(ctx))
	if err != nil {
		return answer{}, unanswered(req.Context(), within, err)
	}
	defer resp.Body.Close()
	body, err := readBounded(resp, bound)
	if errors.Is(err, errTooLarge) {
		return answer{}, err
	}
	if err != nil {
		return answer{}, unanswered(req.Context(), within, err)
	}
	return answer{resp.StatusCode, resp.Header, body}, nil
}

func readBounded(resp *http.Response, bound int64) ([]byte, error) {
	if resp.StatusCode != http.StatusOK {
		return io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	}
	if resp.ContentLength > bound {
		return nil, errTooLarge
	}
	var body bytes.Buffer
	// One byte more than announced lets the buffer see the end without growing.
	body.Grow(int(max(resp.ContentLength, 0)) + bytes.MinRead)
	n, err := body.ReadFrom(io.LimitReader(resp.Body, bound+1))
	if err != nil {
		return nil, err
	}
	if n > bound {
		return nil, errTooLarge
	}
	return body.Bytes(), nil
}

// unanswered tells the caller's own end from Horizon's, and drops the address, which may hold a key.
func unanswered(caller context.Context, within time.Duration, err error) error {
	if caller.Err() != nil {
		return caller.Err()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &UnavailableError{Err: fmt.Errorf("no answer within %s", within)}
	}
	var withAddress *url.Error
	if errors.As(err, &withAddress) {
		err = withAddress.Err
	}
	return &UnavailableError{Err: err}
}

// problem is Horizon's error body (application/problem+json).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Extras struct {
		InvalidField string `json:"invalid_field"`
		Reason       string `json:"reason"`
		ResultCodes  struct {
			Transaction string   `json:"transaction"`
			Inner       string   `json:"inner_transaction"`
			Operations  []string `json:"operations"`
		} `json:"result_codes"`
	} `json:"extras"`
}

// readProblem answers a problem without text where the body is none: proxies answer HTML.
func readProblem(body []byte) problem {
	var p problem
	if json.Unmarshal(body, &p) != nil {
		return problem{}
	}
	return p
}

// is compares with the last part of the type's address.
func (p problem) is(kind string) bool { return strings.HasSuffix(p.Type, "/"+kind) || p.Type == kind }

// refusal turns an answer other than 200 into the error it stands for.
func refusal(got answer) error {
	p := readProblem(got.body)
	switch {
	case got.status == http.StatusTooManyRequests:
		return &RateLimitedError{RetryAfter: retryAfter(got.header)}
	case got.status >= 500:
		return &UnavailableError{Status: got.status, Title: Printable(p.Title), RetryAfter: retryAfter(got.header)}
	case got.status == http.StatusNotFound:
		return ErrNotFound
	case got.status == http.StatusGone:
		return ErrBeforeHistory
	case got.status >= 300 && got.status < 400:
		return &RequestError{Status: got.status, Reason: "it points to another address; use that one in the settings"}
	case got.status >= 200 && got.status < 300:
		return &AnswerError{Reason: fmt.Sprintf("status %d where 200 was expected", got.status)}
	}
	return &RequestError{
		Status: got.status, Title: Printable(p.Title),
		Field: Printable(p.Extras.InvalidField), Reason: Printable(p.Extras.Reason),
	}
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

// named says which request an error belongs to; nil stays nil.
func named(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Printable bounds and cleans what somebody else wrote before it enters an error or a row: at most 200 printable runes, and a
// mark that there were more.
func Printable(s string) string {
	const longest = 200
	clean := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, strings.ToValidUTF8(s, "?"))
	if runes := []rune(clean); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return clean
}
