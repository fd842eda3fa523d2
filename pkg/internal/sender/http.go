package sender

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"
)

// call is one request that is safe to repeat until it is answered.
type call struct {
	method, url string
	body        any // sent as JSON
	header      http.Header
	token       bool // needs a SEP-10 token
}

// Answer is an error answer of the receiving anchor.
type Answer struct {
	Status int
	Body   string
}

func (a *Answer) Error() string { return fmt.Sprintf("answered %d: %s", a.Status, a.Body) }

const maxAnswer = 1 << 20

// wrong is an error that no repetition mends: what came back was understood, and is not what it should be.
type wrong struct{ error }

func (w wrong) Unwrap() error { return w.error }

// read decodes an answer.
func read(raw []byte, into any) error {
	if err := json.Unmarshal(raw, into); err != nil {
		return wrong{fmt.Errorf("the answer cannot be read: %w", err)}
	}
	return nil
}

// call makes a request and repeats it while the other side cannot be reached, fails (5xx) or asks for patience (429).
func (s *Sender) call(ctx context.Context, c call) ([]byte, error) {
	wait := 50 * time.Millisecond
	for {
		body, err := s.once(ctx, c)
		if err == nil || !again(err) {
			return body, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		case <-time.After(wait/2 + rand.N(wait)):
		}
		wait = min(2*wait, time.Second)
	}
}

// again tells whether an error says nothing about the request itself.
func again(err error) bool {
	if _, ok := errors.AsType[wrong](err); ok {
		return false
	}
	if answer, ok := errors.AsType[*Answer](err); ok {
		return answer.Status >= 500 || answer.Status == http.StatusTooManyRequests
	}
	return true
}

func (s *Sender) once(ctx context.Context, c call) ([]byte, error) {
	if !c.token {
		return s.attempt(ctx, c, "")
	}
	token, err := s.authenticate(ctx)
	if err != nil {
		return nil, fmt.Errorf("log in: %w", err)
	}
	body, err := s.attempt(ctx, c, token)
	if answer, ok := errors.AsType[*Answer](err); !ok || answer.Status != http.StatusUnauthorized && answer.Status != http.StatusForbidden {
		return body, err
	}
	s.forget(token) // it may have run out
	if token, err = s.authenticate(ctx); err != nil {
		return nil, fmt.Errorf("log in again: %w", err)
	}
	return s.attempt(ctx, c, token)
}

// attempt makes a request once, with a token if there is one.
func (s *Sender) attempt(ctx context.Context, c call, token string) ([]byte, error) {
	request, err := c.request(ctx)
	if err != nil {
		return nil, wrong{err}
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return s.do(request)
}

func (c call) request(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if c.body != nil {
		raw, err := json.Marshal(c.body)
		if err != nil {
			return nil, fmt.Errorf("the request cannot be written: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, c.method, c.url, body)
	if err != nil {
		return nil, fmt.Errorf("the request cannot be made: %w", err)
	}
	for name, values := range c.header {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	if c.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

func (s *Sender) do(request *http.Request) ([]byte, error) {
	response, err := s.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 {
		return nil, &Answer{response.StatusCode, string(raw)}
	}
	return raw, nil
}
