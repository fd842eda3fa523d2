package remote

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	connectTimeout = 3 * time.Second
	idleTimeout    = 2 * time.Second // servers close theirs after 5 s and more: a payout must not meet a closed one
	mostHeader     = 32 << 10
	mostBody       = 1 << 20
)

// reply is an answer that was signed for the request.
type reply struct {
	status int // 200 or 422
	body   []byte
}

// fault is a try that brought no answer that can be believed.
type fault struct {
	cause    error
	notSent  bool // certain: there was no connection
	answered bool // the server said something, though not what it should
	passing  bool // it may go well another time
}

func (f fault) Error() string { return f.cause.Error() }

func (f fault) Unwrap() error { return f.cause }

func newHTTP(roots *x509.CertPool) *http.Client {
	dialer := &net.Dialer{Timeout: connectTimeout}
	var one http.Protocols
	one.SetHTTP1(true) // HTTP/2 repeats requests by itself
	transport := &http.Transport{
		Proxy:                  nil,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    connectTimeout,
		MaxResponseHeaderBytes: mostHeader,
		DisableCompression:     true, // a small body must not become a large one
		MaxIdleConns:           128,
		MaxIdleConnsPerHost:    128,
		IdleConnTimeout:        idleTimeout,
		Protocols:              &one,
	}
	return &http.Client{Transport: transport, CheckRedirect: noRedirect}
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// exchange makes one try. Its errors are faults.
func (c *client) exchange(ctx context.Context, ask call, raw []byte) (reply, error) {
	var connected atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	request, err := http.NewRequestWithContext(traced, http.MethodPost, c.base.JoinPath(ask.path).String(), bytes.NewReader(raw))
	if err != nil {
		return reply{}, fault{cause: err, notSent: true}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "anchor")
	if ask.key != "" {
		request.Header[headerIdempotency] = []string{string(ask.key)}
	}
	nonce := c.sign(request, raw, c.now())
	response, err := c.http.Do(request)
	if err != nil {
		return reply{}, fault{cause: withoutURL(err), notSent: !connected.Load(), passing: true}
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusUnprocessableEntity {
		return reply{}, faultOfStatus(response.StatusCode)
	}
	body, err := readBody(response)
	if err != nil {
		return reply{}, err
	}
	if err := c.verify(response.Header, nonce, response.StatusCode, body); err != nil {
		return reply{}, fault{cause: fmt.Errorf("the answer is not believed: %w", err), answered: true}
	}
	return reply{status: response.StatusCode, body: body}, nil
}

// withoutURL takes away the layer of net/http's errors that repeats the whole url.
func withoutURL(err error) error {
	if wrapper, ok := errors.AsType[*url.Error](err); ok {
		return wrapper.Err
	}
	return err
}

// faultOfStatus judges what is neither a result nor a refusal, whoever it comes from: a proxy cannot sign.
func faultOfStatus(status int) fault {
	f := fault{cause: fmt.Errorf("it answered with status %d", status), answered: true}
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		f.answered, f.passing = false, true // somebody in front of the server says that it is not there
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError:
		f.passing = true
	}
	return f
}

func readBody(response *http.Response) ([]byte, error) {
	media, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil || !strings.EqualFold(media, "application/json") {
		return nil, fault{cause: errors.New("the answer is not application/json"), answered: true}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, mostBody+1))
	if err != nil {
		return nil, fault{cause: fmt.Errorf("reading the answer: %w", err), passing: true}
	}
	if len(body) > mostBody {
		return nil, fault{cause: fmt.Errorf("the answer is larger than %d bytes", mostBody), answered: true}
	}
	return body, nil
}
