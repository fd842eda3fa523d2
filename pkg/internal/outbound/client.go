package outbound

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	defaultTimeout = 10 * time.Second
	defaultMaxBody = 100 << 10 // what SEP-1 allows a stellar.toml
	maxHeader      = 32 << 10
)

// Options of a Client; the zero value is usable and the strictest.
type Options struct {
	Timeout      time.Duration // of a whole call, from resolving the name to the last byte; 0: 10 s
	MaxBody      int64         // bytes of an answer's body; 0: 100 KiB
	AllowPrivate bool          // for LOCAL_MODE only: any address, and http as well as https
	DenyDomains  []string      // domains that are not called, nor anything beneath them
	UserAgent    string        // "": anchor
	Resolver     *net.Resolver // nil: the one of the machine
}

// Client calls addresses that somebody else chose. It is safe for use from several goroutines.
type Client struct {
	options Options
	guard   guard
	http    *http.Client
}

// Answer is what came back. Redirects are answers like any other: they are not followed.
type Answer struct {
	Status int
	Body   []byte
	Host   string // of the url as it was called, with its port if it has one
}

// TooLargeError says that an answer's body was longer than allowed; its status is known all the same.
type TooLargeError struct {
	Limit int64
}

// Error names the limit.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the answer is larger than %d bytes", e.Limit)
}

// New makes a client. It starts nothing; Close ends the connections that it keeps for reuse.
func New(options Options) *Client {
	if options.Timeout <= 0 {
		options.Timeout = defaultTimeout
	}
	if options.MaxBody <= 0 {
		options.MaxBody = defaultMaxBody
	}
	if options.UserAgent == "" {
		options.UserAgent = "anchor"
	}
	options.DenyDomains = normalDomains(options.DenyDomains)
	c := &Client{options: options, guard: newGuard()}
	c.http = &http.Client{Transport: c.transport(), CheckRedirect: noRedirect}
	return c
}

func normalDomains(domains []string) []string {
	normal := slices.Clone(domains)
	for i, domain := range normal {
		normal[i] = strings.Trim(strings.ToLower(strings.TrimSpace(domain)), ".")
	}
	return slices.DeleteFunc(normal, func(domain string) bool { return domain == "" })
}

func (c *Client) transport() *http.Transport {
	dialer := &net.Dialer{Timeout: c.options.Timeout, Resolver: c.options.Resolver, ControlContext: c.control}
	return &http.Transport{
		Proxy:                  nil, // a proxy would make the connection for us, to wherever the name leads it
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    c.options.Timeout,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // a small body must not become a large one
		MaxIdleConns:           64,
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        30 * time.Second,
	}
}

// control sees the address of every connection between resolving and connecting: the only place where what is judged
// is what is used.
func (c *Client) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	if c.options.AllowPrivate {
		return nil
	}
	target, err := netip.ParseAddrPort(address)
	if err != nil || !strings.HasPrefix(network, "tcp") {
		return fmt.Errorf("%w: cannot judge %s %s", ErrRefused, network, address)
	}
	if err := c.guard.check(target.Addr()); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return nil
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Close ends the connections kept for reuse. Calls under way are not disturbed.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Post sends body with the given header to a url and reads the answer. See Get for its errors.
func (c *Client) Post(ctx context.Context, url string, header http.Header, body []byte) (Answer, error) {
	return c.call(ctx, http.MethodPost, url, header, body)
}

// Get reads a url. An error that wraps ErrRefused says that the url is not to be called; a *TooLargeError comes with
// the status and the first bytes of the body; after any other error it is unknown whether the other side acted. No
// status is an error.
func (c *Client) Get(ctx context.Context, url string, header http.Header) (Answer, error) {
	return c.call(ctx, http.MethodGet, url, header, nil)
}

func (c *Client) call(ctx context.Context, method, text string, header http.Header, body []byte) (Answer, error) {
	u, err := c.CheckURL(text)
	if err != nil {
		return Answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	answer, err := c.exchange(ctx, method, u, header, body)
	if err != nil {
		return answer, fmt.Errorf("%s to %s: %w", method, u.Host, withoutURL(err))
	}
	return answer, nil
}

func (c *Client) exchange(
	ctx context.Context, method string, u *url.URL, header http.Header, body []byte,
) (Answer, error) {
	answer := Answer{Host: u.Host}
	request, err := c.request(ctx, method, u, header, body)
	if err != nil {
		return answer, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return answer, err
	}
	defer response.Body.Close()
	answer.Status = response.StatusCode
	if answer.Status == http.StatusSwitchingProtocols {
		return answer, nil // no body follows but the connection itself, and no timeout ends reading from that
	}
	answer.Body, err = c.read(response.Body)
	return answer, err
}

func (c *Client) request(
	ctx context.Context, method string, u *url.URL, header http.Header, body []byte,
) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", c.options.UserAgent)
	}
	return request, nil
}

func (c *Client) read(body io.Reader) ([]byte, error) {
	read, err := io.ReadAll(io.LimitReader(body, c.options.MaxBody+1))
	if err != nil {
		return read, fmt.Errorf("reading the answer: %w", err)
	}
	if int64(len(read)) > c.options.MaxBody {
		return read[:c.options.MaxBody], &TooLargeError{Limit: c.options.MaxBody}
	}
	return read, nil
}

// withoutURL takes away the layer of net/http's errors that repeats the whole url.
func withoutURL(err error) error {
	var wrapper *url.Error
	if errors.As(err, &wrapper) {
		return wrapper.Err
	}
	return err
}
